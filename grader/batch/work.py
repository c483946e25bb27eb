"""What a worker is given and gives back: plain text, so that it can travel anywhere."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Literal

import nbformat

from grader.assignment import Assignment
from grader.errors import GraderError
from grader.evidence_base import Frozen
from grader.grade import Options, gather_evidence
from grader.run.kernel import KernelStarter
from grader.submission import Submission
from grader.weights import WeightsStore

__all__ = ["Broke", "Ran", "Task", "patience", "run_task", "task_of"]

STARTS = 900.0
"""Seconds that all but the student's own cells may take: kernels, probes, making weights, each once more."""


class Task(Frozen):
    """One notebook to run. It says nothing of who handed it in."""

    key: str
    """Of the run."""
    name: str
    """File name."""
    sha256: str
    notebook: str
    """The notebook's JSON."""
    assignment: str
    """Folder on the machine of the worker."""
    weights: str
    """Folder of the weights store there."""
    keras: Literal["auto", "2", "3"] | None = None
    training: Literal["bounded", "full"] | None = None
    replay: Literal["auto", "always", "never"] | None = None
    isolation: str = "auto"
    """As `grader.grade.Options` has it."""
    patience: float
    """Seconds after which the worker itself must be at fault."""


class Ran(Frozen):
    """What a run showed."""

    evidence: str
    """JSON."""
    notebook: str
    """JSON of the notebook as executed."""
    worker: str


class Broke(Frozen):
    """Why the grader could not run it."""

    message: str
    remedy: str = ""


def task_of(key: str, submission: Submission, assignment: Assignment, options: Options, store: WeightsStore) -> Task:
    """The task of running a submission."""
    return Task(
        key=key,
        name=submission.name,
        sha256=submission.sha256,
        notebook=json.dumps(submission.notebook),
        assignment=str(assignment.folder),
        weights=str(store.folder),
        keras=options.keras,
        training=options.training,
        replay=options.replay,
        isolation=options.isolation,
        patience=patience(assignment),
    )


def patience(assignment: Assignment) -> float:
    """How long a worker may take: a notebook may be run on both Kerases, and again once weights are there."""
    return 3 * assignment.limits.run + STARTS


def run_task(task: Task, starter: KernelStarter) -> Ran:
    """Run the notebook, here.

    Raises:
        GraderError: the grader could not do its work.
    """
    submission = Submission(
        path=Path(task.name),
        name=task.name,
        sha256=task.sha256,
        student="",
        notebook=nbformat.from_dict(json.loads(task.notebook)),
    )
    evidence, notebook = gather_evidence(
        submission,
        Assignment.load(Path(task.assignment)),
        Options(keras=task.keras, training=task.training, replay=task.replay, isolation=task.isolation),
        store=WeightsStore(Path(task.weights)),
        starter=starter,
    )
    return Ran(
        evidence=evidence.model_dump_json(), notebook=nbformat.writes(notebook), worker=f"{socket.gethostname()}"
    )


def broke(error: Exception) -> Broke:
    """What to tell of an error."""
    if isinstance(error, GraderError):
        return Broke(message=error.message, remedy=error.remedy)
    return Broke(message=f"The grader failed: {type(error).__name__}: {error}".strip().rstrip(".") + ".")

"""One submission from file to report: load, run, examine, check, report."""

from __future__ import annotations

import copy
import shutil
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from nbformat import NotebookNode

from grader.assignment import Assignment
from grader.checks import Check, all_checks, build_checks, run_checks
from grader.evidence import Evidence, Note
from grader.examine import RunFacts, examine
from grader.examine.journal import MissingWeightsEvent, read_journal
from grader.feedback.report import build_report
from grader.options import Options
from grader.replaying import reason_to_replay, second_opinion
from grader.results import Report
from grader.run.execution import Execution
from grader.run.flavour import Choice, asked_flavour, choose_flavour, version_reason
from grader.run.kernel import ColdKernel, KernelStarter
from grader.run.notebook import RunRequest, run_notebook
from grader.run.workspace import workspace
from grader.submission import Submission, clean_for_run
from grader.weights import WeightsStore

__all__ = ["Graded", "Options", "Progress", "gather_evidence", "grade"]

Flavour = Literal["2", "3"]
OTHER: dict[str, Flavour] = {"2": "3", "3": "2"}


class Progress:
    """Told what is going on. This one keeps it to itself."""

    def stage(self, name: str) -> None:
        """A stage begins, e.g. ``running the notebook on Keras 3``."""

    def cells(self, done: int, total: int) -> None:
        """So many cells of the notebook have been run."""


@dataclass(frozen=True)
class Graded:
    """All that came of one submission."""

    report: Report
    evidence: Evidence
    notebook: NotebookNode
    """As executed, with its outputs."""
    templates: Path | None = None
    """The assignment's own templates for laying the report out."""


@dataclass
class Attempt:
    """One run of the notebook on one Keras."""

    evidence: Evidence
    execution: Execution
    missing_weights: tuple[MissingWeightsEvent, ...]
    """What the store lacked."""
    folder: Path
    """Of the run, which is there until all is gathered."""


@dataclass
class Grading:
    """The work on one submission while it lasts."""

    submission: Submission
    assignment: Assignment
    options: Options
    progress: Progress
    store: WeightsStore
    starter: KernelStarter
    timing: dict[str, float] = field(default_factory=dict)
    _folders: ExitStack = field(default_factory=ExitStack)

    @contextmanager
    def timed(self, stage: str) -> Any:
        """Add the wall time of what is within to this stage."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.timing[stage] = round(self.timing.get(stage, 0.0) + time.monotonic() - began, 3)

    def gather(self) -> Attempt:
        """Run the notebook until there is evidence that stands: on the right Keras, with the weights it asks for, and
        with a second opinion where one is wanted."""
        with self._folders:
            attempt = self._standing()
            return replace(attempt, evidence=self._replayed(attempt))

    def _standing(self) -> Attempt:
        asked = asked_flavour(self.options.keras, self.assignment.keras)
        choice = asked or choose_flavour(self.submission.notebook)
        base = self.assignment.base
        self._have_weights(base.application, base.input_shape)
        attempt = self._attempt(choice)
        if attempt.missing_weights:
            for missing in attempt.missing_weights:
                self._have_weights(missing.application, missing.input_shape)
            attempt = self._attempt(choice)
        return attempt if asked else self._retried(attempt, choice)

    def _have_weights(self, application: str, input_shape: tuple[int, int, int] | None) -> None:
        self.progress.stage("looking up the pretrained weights")
        with self.timed("weights"):
            self.store.ensure(application, [input_shape], progress=self.progress.stage)

    def _attempt(self, choice: Choice) -> Attempt:
        training = self.options.training or self.assignment.training
        self.progress.stage(f"starting a kernel with Keras {choice.flavour}")
        folders = self._folders.enter_context(workspace())
        request = RunRequest(
            notebook=clean_for_run(copy.deepcopy(self.submission.notebook)),
            assignment=self.assignment,
            flavour=choice.flavour,
            training=training,
            weights=self.store.folder,
            progress=self.progress.cells,
            probes=self._probes(),
            isolation=self.options.isolation,
        )
        execution = run_notebook(request, folders, self.starter)
        for stage, seconds in execution.seconds.items():
            self.timing[stage] = round(self.timing.get(stage, 0.0) + seconds, 3)
        self.progress.stage("examining what it left")
        with self.timed("examine"):
            evidence = examine(self.submission, self.assignment, execution, RunFacts(choice, training, self.store))
            missing = tuple(dict.fromkeys(read_journal(folders.evidence).missing_weights))
        if self.options.keep_weights is not None:
            shutil.copytree(folders.evidence, self.options.keep_weights, dirs_exist_ok=True)
        return Attempt(evidence, execution, missing, folders.root)

    def _replayed(self, attempt: Attempt) -> Evidence:
        """The evidence, with a second opinion where the policy, a failed check, a doubt or chance asks for one."""
        evidence = attempt.evidence
        policy = self.options.replay or self.assignment.replay
        results = run_checks(evidence, self._checks(), self.assignment.policy) if policy != "never" else ()
        why = reason_to_replay(policy, evidence, results, self.submission.sha256)
        if why is None:
            return evidence
        self.progress.stage("measuring the rebuilt model")
        with self.timed("replay"):
            return second_opinion(
                evidence,
                results,
                why,
                (self.submission, self.assignment, attempt.execution),
                attempt.folder / "replay",
                (self.starter, self.options.isolation),
            )

    def _checks(self) -> tuple[tuple[Check, float], ...]:
        return tuple(build_checks(self.assignment.checks, str(self.assignment.folder / "assignment.toml")))

    def _probes(self) -> frozenset[str]:
        """What the assignment's checks want to have asked of the model."""
        checks = all_checks()
        return frozenset(
            probe for spec in self.assignment.checks if spec.code in checks for probe in checks[spec.code].probes
        )

    def _retried(self, first: Attempt, choice: Choice) -> Attempt:
        """The other Keras, if this one broke for a reason of version and the other one does not."""
        reason = self._version_reason(first, choice.flavour)
        if reason is None:
            return first
        other = OTHER[choice.flavour]
        second = self._attempt(Choice(other, f"{choice.reason} {reason}"))
        if self._version_reason(second, other) is None:
            return second
        note = Note(kind="keras", text=f"{reason} Keras {other} was tried too, and stopped for a like reason.")
        return replace(first, evidence=first.evidence.model_copy(update={"notes": (*first.evidence.notes, note)}))

    def _version_reason(self, attempt: Attempt, flavour: str) -> str | None:
        sources = self.submission.notebook.cells
        errors = [
            (outcome.cell, outcome.ename, outcome.evalue, sources[outcome.cell - 1].source)
            for outcome in attempt.execution.cells
            if outcome.ename
        ]
        return version_reason(errors, "2" if flavour == "2" else "3")


def gather_evidence(
    submission: Submission,
    assignment: Assignment,
    options: Options,
    progress: Progress | None = None,
    *,
    store: WeightsStore | None = None,
    starter: KernelStarter | None = None,
) -> tuple[Evidence, NotebookNode]:
    """Run the submission and examine what it left.

    Returns:
        The evidence, and the notebook as executed.

    Raises:
        GraderError: the grader could not do its work; never because of what the submission does.
    """
    work = Grading(
        submission, assignment, options, progress or Progress(), store or WeightsStore(), starter or ColdKernel()
    )
    attempt = work.gather()
    return attempt.evidence.model_copy(update={"timing": dict(work.timing)}), attempt.execution.notebook


def grade(
    submission: Submission,
    assignment: Assignment,
    options: Options | None = None,
    progress: Progress | None = None,
    *,
    store: WeightsStore | None = None,
    starter: KernelStarter | None = None,
) -> Graded:
    """Run, examine, check and report one submission.

    Raises:
        GraderError: the grader could not do its work.
    """
    # Before the run: a mistake in the assignment should not cost a minute to find.
    checks = build_checks(assignment.checks, str(assignment.folder / "assignment.toml"))
    evidence, notebook = gather_evidence(
        submission, assignment, options or Options(), progress, store=store, starter=starter
    )
    results = run_checks(evidence, checks, assignment.policy)
    return Graded(build_report(evidence, results, assignment), evidence, notebook, assignment.templates)

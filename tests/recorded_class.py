"""A small class without a kernel: notebooks on disk, and an executor that gives recorded evidence."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from grader.assignment import Assignment
from grader.batch.entries import Attempt, Found, Student
from grader.batch.executors import Executor
from grader.batch.grading import Grading, Watcher
from grader.batch.plan import Plan, make_plan
from grader.batch.store import Store
from grader.batch.store.people import enter_class, enter_found
from grader.batch.work import Ran, Task
from grader.evidence import Evidence
from grader.grade import Options
from grader.submission import load_submission
from grader.weights import WeightsStore
from tests.evidence_samples import call, notebook, textbook

RIGHT, WRONG = 8.25, 6.75
"""What the samples score: the recorded evidence has no answers to probes, so that those checks do not count."""
CONDITIONS: dict[str, Any] = {"grader": "test", "probes": ["augmentation", "batch", "inputs"]}


def write(path: Path, source: str) -> Path:
    """A notebook with one cell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cell = {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None, "id": "a"}
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def found(folder: Path, sources: dict[str, str]) -> Found:
    """A flat source: one notebook a student, with this code in it."""
    attempts = []
    for key, source in sources.items():
        path = write(folder / f"{key}.ipynb", source)
        student = Student(key=key, name=key.title(), email=f"{key}@example.org", ids={"sid": f"s-{key}"})
        attempts.append(Attempt(student=student, path=path, name=path.name))
    return Found(source="flat", attempts=tuple(attempts))


def evidence_for(source: str) -> Evidence:
    """What a run of a sample's code shows: ``wrong`` in it forgets `training=False`."""
    recorded = textbook(calls=(call("unset"),)) if "wrong" in source else textbook()
    trained = "e3b0" if "seeded" in source else ""
    return recorded.model_copy(update={"notebook": notebook(name="run.ipynb"), "trained_sha256": trained})


class Recorded(Executor):
    """Gives recorded evidence at once, and notes what it was asked to run.

    Args:
        act: called with the code of each notebook; what it raises is the run's error.
    """

    slots = 2
    described = "2 workers"

    def __init__(self, act: Callable[[str], object] | None = None) -> None:
        self.ran: list[str] = []
        self._act = act

    def submit(self, task: Task) -> Future[Ran]:
        source = json.loads(task.notebook)["cells"][0]["source"]
        self.ran.append(source)
        answer: Future[Ran] = Future()
        try:
            changed = self._act(source) if self._act else None
        except Exception as error:
            answer.set_exception(error)
            return answer
        evidence = changed if isinstance(changed, Evidence) else evidence_for(source)
        executed = json.dumps({**json.loads(task.notebook), "nbformat": 4, "nbformat_minor": 5})
        answer.set_result(Ran(evidence=evidence.model_dump_json(), notebook=executed, worker="here"))
        return answer

    def close(self) -> None:
        """Nothing runs."""


def grade(
    store: Store,
    assignment: Assignment,
    given: Found,
    executor: Executor | None = None,
    *,
    watcher: Watcher | None = None,
    rerun: bool = False,
    conditions: dict[str, Any] = CONDITIONS,
) -> Plan:
    """Grade a class as `grader grade` does, with this executor."""
    with store.session() as session:
        enter_class(session, assignment, store.folder)
        enter_found(session, given)
    plan = make_plan(store, conditions, load_submission(assignment.starter).notebook, rerun=rerun)
    chosen = executor or Recorded()
    Grading(store, assignment, conditions, Options(), WeightsStore(), chosen, watcher or Watcher()).work(plan)
    return plan

"""The work on a class: run what has to be run, score it, and keep each result as it comes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any

from grader.assignment import Assignment
from grader.batch.executors import Executor
from grader.batch.plan import Item, Plan
from grader.batch.scoring import Owner, Rubric
from grader.batch.store import Store
from grader.batch.store.people import mark_trouble
from grader.batch.store.results import Scored, begin_scoring, keep_results
from grader.batch.store.runs import Made, begin_run, end_run, evidence_of, interrupted, keep_run
from grader.batch.work import Ran, broke, task_of
from grader.errors import ExecutorError
from grader.evidence import Evidence
from grader.grade import Options
from grader.results import Report
from grader.submission import load_submission
from grader.weights import WeightsStore

__all__ = ["Grading", "Watcher"]

HOPELESS = 3
"""So many failures of the grader's in a row, before anything could be run, are no accident."""
FROM_OUTSIDE = "Its kernel was killed from outside, as a machine does that runs out of memory."


class Watcher:
    """Told what comes of each submission. This one keeps it to itself."""

    def graded(self, item: Item, report: Report) -> None:
        """A submission has its result."""

    def failed(self, item: Item, reason: str) -> None:
        """The grader failed on a submission, for good."""

    def postponed(self, item: Item, reason: str) -> None:
        """The grader failed on a submission, which is tried once more when the others are done."""


@dataclass
class Grading:
    """The work while it lasts.

    Args:
        store: of the class.
        assignment: what it is graded by.
        conditions: what runs are made under.
        options: for each run.
        weights: the pretrained weights.
        executor: who runs notebooks.
        watcher: told of each result.
    """

    store: Store
    assignment: Assignment
    conditions: dict[str, Any]
    options: Options
    weights: WeightsStore
    executor: Executor
    watcher: Watcher = field(default_factory=Watcher)

    def __post_init__(self) -> None:
        self._rubric = Rubric(self.assignment)
        self._items: dict[str, list[Item]] = {}
        self._again: dict[str, str] = {}
        """Keys of runs that failed once, and why."""
        self._fails = 0
        self._succeeded = False
        with self.store.session() as session:
            self._scoring = begin_scoring(session, self.assignment, "grade")

    def work(self, plan: Plan) -> None:
        """Do what is planned.

        Raises:
            StoreError: a result cannot be kept; what was kept before stands.
            ExecutorError: nothing can be run at all.
        """
        self._items = plan.to_run
        for run, items in plan.known.items():
            with self.store.session() as session:
                evidence = evidence_of(session, run)
            self._score(run, evidence, items, reused=True)
        with self.store.session() as session:
            begun = interrupted(session)
        # What a killed grader was at comes last: it may be what killed it. What was there twice runs alone.
        order = sorted(plan.to_run, key=lambda key: begun.get(key, 0))
        self._together([key for key in order if begun.get(key, 0) < 2])
        alone = [key for key in order if begun.get(key, 0) >= 2]
        for key in [*alone, *self._again]:
            self._alone(key)

    def _together(self, keys: Iterable[str]) -> None:
        """As many at a time as there are workers."""
        queue, under_way = deque(keys), dict[Future[Ran], str]()
        while queue or under_way:
            while queue and len(under_way) < max(1, self.executor.slots):
                key = queue.popleft()
                under_way[self._begin(key)] = key
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            ended = [(key, future) for future, key in under_way.items() if future in done]
            under_way = {future: key for future, key in under_way.items() if future not in done}
            # The workers first: they can go on while these are looked at.
            for _ in range(min(len(queue), max(1, self.executor.slots) - len(under_way))):
                key = queue.popleft()
                under_way[self._begin(key)] = key
            for key, future in ended:
                self._end(key, future)

    def _alone(self, key: str) -> None:
        """Once, with nothing else under way."""
        future = self._begin(key)
        wait([future])
        self._end(key, future, last=True)

    def _begin(self, key: str) -> Future[Ran]:
        with self.store.session() as session:
            begin_run(session, key)
        try:
            submission = load_submission(self._items[key][0].handed.path)
            return self.executor.submit(task_of(key, submission, self.assignment, self.options, self.weights))
        except Exception as error:
            failed: Future[Ran] = Future()
            failed.set_exception(error)
            return failed

    def _end(self, key: str, future: Future[Ran], *, last: bool = False) -> None:
        error = future.exception()
        if error is not None and not isinstance(error, Exception):
            raise error
        if error is not None:
            told = broke(error)
            self._failed(key, f"{told.message} {told.remedy}".strip(), last)
            return
        ran = future.result()
        evidence = Evidence.model_validate_json(ran.evidence)
        if not last and killed_from_outside(evidence):
            self._failed(key, FROM_OUTSIDE, last=False)
            return
        self._succeeded = True
        made = Made(evidence, ran.notebook, ran.worker)
        items = self._items[key]
        try:
            scored = [*self._scored(evidence, items[:1], reused=False), *self._scored(evidence, items[1:], reused=True)]
        except Exception as fault:  # The grader's own, and it would be the same the next time.
            self._failed(key, broke(fault).message, last=True)
            return
        with self.store.session() as session:
            run = keep_run(session, key, items[0].handed.code, self.conditions, made)
            results = [Scored.of(item.handed.id, run, reused, report) for item, report, reused in scored]
            keep_results(session, self._scoring, results)
            for item in items:
                mark_trouble(session, item.handed.id, "", "")
            end_run(session, key)
        for item, report, _ in scored:
            self.watcher.graded(item, report)

    def _scored(self, evidence: Evidence, items: Sequence[Item], *, reused: bool) -> list[tuple[Item, Report, bool]]:
        return [(item, self._rubric.report(evidence, owner(item, reused)), reused) for item in items]

    def _score(self, run: int, evidence: Evidence, items: Sequence[Item], *, reused: bool) -> None:
        """Give submissions a result from a run that is there already."""
        scored = self._scored(evidence, items, reused=reused)
        with self.store.session() as session:
            keep_results(session, self._scoring, [Scored.of(item.handed.id, run, reused, r) for item, r, _ in scored])
            for item in items:
                mark_trouble(session, item.handed.id, "", "")
        for item, report, _ in scored:
            self.watcher.graded(item, report)

    def _failed(self, key: str, reason: str, last: bool) -> None:
        """The grader or the machine failed: once more when the others are done, then it is an error."""
        items = self._items[key]
        self._fails += 1
        with self.store.session() as session:
            end_run(session, key)
            if last:
                for item in items:
                    mark_trouble(session, item.handed.id, "grader", reason)
        if last:
            for item in items:
                self.watcher.failed(item, reason)
            return
        hopeless = not self._succeeded and self._fails >= max(HOPELESS, self.executor.slots + 1)
        if hopeless and self._fails < len(self._items):
            raise ExecutorError(
                f"{self._fails} submissions were tried, and not one could be run. The last said: {reason}",
                "Mend that; the same command goes on.",
            )
        self._again[key] = reason
        for item in items:
            self.watcher.postponed(item, reason)


def owner(item: Item, reused: bool) -> Owner:
    """The owner of a submission's evidence."""
    mine = item.owner
    return Owner(mine.name, mine.sha256, mine.student, mine.repairs, reused)


def killed_from_outside(evidence: Evidence) -> bool:
    """Whether the kernel was killed by neither the grader nor a crash: it may not be the notebook's fault."""
    notebook = evidence.notebook
    return notebook.died.startswith("killed by signal 9") and not notebook.breaches

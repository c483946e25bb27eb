"""Score all stored evidence anew, side by side, and tell what changed. Nothing is run, and nothing is kept yet."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grader.assignment import Assignment
from grader.batch.capacity import cores
from grader.batch.fingerprint import conditions_of
from grader.batch.scoring import Owner, Rubric
from grader.batch.store import Store
from grader.batch.store.packing import unpack
from grader.batch.store.results import Scored, Standing, run_conditions, standings
from grader.batch.store.schema import RunRow
from grader.checks import all_checks
from grader.errors import AssignmentError, GraderError
from grader.evidence import Evidence
from grader.grade import Options
from grader.weights import WeightsStore

__all__ = ["Change", "Regraded", "changes_of", "regrade"]

CHUNK = 100
"""Submissions that a process is given at a time."""
FEW = 200
"""So many are scored sooner than a second process has started."""
NAMES = {
    "starter": "the starter",
    "dataset": "the data set",
    "hidden": "the hidden images",
    "support": "the support files",
    "settings": "the base, the limits or the names of files",
}
"""Parts of an assignment that decide what a run shows, in words."""


@dataclass(frozen=True)
class Change:
    """What a regrade makes of one submission, where it is not the same."""

    before: Standing
    after: Scored

    @property
    def checks(self) -> list[tuple[str, Any, Any]]:
        """Code, and (outcome, points, most) before and after, of each check that changed; None where it was not."""
        old, new = self.before.checks, self.after.checks
        return [
            (code, old.get(code), new.get(code)) for code in {**old, **new} if as_list(old, code) != as_list(new, code)
        ]


@dataclass(frozen=True)
class Regraded:
    """All submissions scored anew."""

    standings: Sequence[Standing]
    results: Sequence[Scored]
    stale: tuple[str, ...]
    """Parts of the assignment that changed since the runs, and that only a new run would show."""


def regrade(store: Store, assignment: Assignment, jobs: int | None = None) -> Regraded:
    """Score every result that counts by the assignment as it is now.

    Raises:
        AssignmentError: the assignment cannot be used, or asks for what the runs were not asked.
        GraderError: a check fails where it did not before. Nothing was changed then.
    """
    Rubric(assignment)
    with store.session() as session:
        found = standings(session)
        conditions = run_conditions(session)
        require_probes(assignment, conditions)
        results = list(scored(session, assignment, found, jobs or cores()))
    newly = [
        (one.name, result)
        for one, result in zip(found, results, strict=True)
        if result.outcome == "error" and one.outcome != "error"
    ]
    if newly:
        codes = sorted({code for _, result in newly for code, told in result.checks.items() if told[0] == "error"})
        raise GraderError(
            f"{', '.join(codes)} failed on {len(newly)} submissions, e.g. {newly[0][0]}: nothing was changed.",
            "Mend the check or its parameters.",
        )
    return Regraded(found, results, stale_parts(assignment, conditions))


def require_probes(assignment: Assignment, conditions: dict[int, dict[str, Any]]) -> None:
    """Refuse checks that need to ask the model what the runs did not ask it: nobody may lose points by that."""
    checks = all_checks()
    for number, spec in enumerate(assignment.checks, start=1):
        wanted = set(checks[spec.code].probes)
        lacking = sum(not wanted <= set(told["probes"]) for told in conditions.values())
        if lacking:
            raise AssignmentError(
                f"{assignment.folder / 'assignment.toml'}: checks[{number}]: {spec.code} needs what {lacking} of the "
                "runs were not asked for.",
                "Run them again: grader grade SOURCE --rerun.",
            )


def stale_parts(assignment: Assignment, conditions: dict[int, dict[str, Any]]) -> tuple[str, ...]:
    """What changed beside the rubric since the runs."""
    now = conditions_of(assignment, Options(), WeightsStore())
    return tuple(
        text
        for key, text in NAMES.items()
        if any(key in was and was[key] != now.get(key) for was in conditions.values())
    )


def scored(session: Session, assignment: Assignment, found: Sequence[Standing], jobs: int) -> Iterator[Scored]:
    """The new results, in the same order."""
    chunks = work(session, found)
    if jobs == 1 or len(found) <= FEW:
        rubric = Rubric(assignment)
        for chunk in chunks:
            yield from score_chunk(chunk, rubric)
        return
    # Not forked: threads of this process would be copied in whatever state they are.
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(jobs, context, begin, (assignment.folder,)) as pool:
            pending: list[Future[list[Scored]]] = []
            while True:
                # Not all at once: ten thousand submissions' evidence need not be in memory together.
                for chunk in islice(chunks, 2 * jobs - len(pending)):
                    pending.append(pool.submit(score_chunk, chunk))
                if not pending:
                    return
                yield from pending.pop(0).result()
    except BrokenProcessPool as exc:
        raise GraderError("A process that scores died: nothing was changed.", "Try again with --jobs 1.") from exc


def work(session: Session, found: Sequence[Standing]) -> Iterator[list[tuple[Standing, bytes]]]:
    """Standings with their packed evidence, a chunk at a time."""
    for start in range(0, len(found), CHUNK):
        chunk = found[start : start + CHUNK]
        query = select(RunRow.id, RunRow.evidence).where(RunRow.id.in_({one.run for one in chunk}))
        bodies = {row.id: row.evidence for row in session.execute(query)}
        yield [(one, bodies[one.run]) for one in chunk]


_rubric: Rubric | None = None
"""Of a process that scores."""


def begin(folder: Path) -> None:
    """A process that scores begins."""
    global _rubric
    _rubric = Rubric(Assignment.load(folder))


def score_chunk(chunk: Sequence[tuple[Standing, bytes]], rubric: Rubric | None = None) -> list[Scored]:
    """Score some; where no rubric is given, with that of this process."""
    chosen = rubric or _rubric
    assert chosen is not None
    return [score(chosen, one, body) for one, body in chunk]


def score(rubric: Rubric, one: Standing, body: bytes) -> Scored:
    """One submission's new result."""
    owner = Owner(one.name, one.sha256, one.student.name or one.student.key, one.repairs, one.reused)
    return Scored.of(one.attempt, one.run, one.reused, rubric.report(unpack(Evidence, body), owner))


def changes_of(regraded: Regraded) -> list[Change]:
    """The submissions whose points or outcomes are not what they were."""
    pairs = zip(regraded.standings, regraded.results, strict=True)
    found = [Change(before, after) for before, after in pairs if before.present]
    return [
        change
        for change in found
        if change.checks
        or (change.before.outcome, change.before.score, change.before.max_score)
        != (change.after.outcome, change.after.score, change.after.max_score)
    ]


def as_list(checks: dict[str, Any], code: str) -> list[Any] | None:
    """One check's outcome and points, however they were kept."""
    return list(checks[code]) if code in checks else None

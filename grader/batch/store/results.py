"""What was given: the results that count, and those that did once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session, defer

import grader
from grader.assignment import Assignment
from grader.batch.entries import Student
from grader.batch.fingerprint import rubric_hash
from grader.batch.store.packing import pack
from grader.batch.store.people import as_student
from grader.batch.store.schema import AdjustmentRow, AttemptRow, ResultRow, RunRow, ScoringRow, StudentRow, now
from grader.results import Report

__all__ = [
    "Scored",
    "Scoring",
    "Standing",
    "begin_scoring",
    "history",
    "keep_results",
    "last_changes",
    "points_of",
    "run_conditions",
    "scored_otherwise",
    "standings",
]


@dataclass(frozen=True)
class Scored:
    """A new result of an attempt."""

    attempt: int
    run: int
    reused: bool
    outcome: str
    score: float
    max_score: float
    checks: dict[str, Any]
    report: bytes

    @classmethod
    def of(cls, attempt: int, run: int, reused: bool, report: Report) -> Scored:
        """From a report."""
        return cls(
            attempt, run, reused, report.outcome.value, report.score, report.max_score, points_of(report), pack(report)
        )


@dataclass(frozen=True)
class Standing:
    """The result of an attempt that counts now, with all that is needed to score it anew."""

    attempt: int
    run: int
    reused: bool
    student: Student
    name: str
    sha256: str
    repairs: tuple[str, ...]
    present: bool
    outcome: str
    score: float
    max_score: float
    checks: dict[str, Any]
    scoring: int


@dataclass(frozen=True)
class Scoring:
    """One time that evidence was scored."""

    id: int
    made: datetime
    kind: str
    rubric: str
    grader: str
    results: int
    mean: float | None
    """Of the scores; None where there are none."""


def points_of(report: Report) -> dict[str, Any]:
    """``{code: [outcome, points, max_points]}``"""
    return {check.code: [check.outcome.value, check.points, check.max_points] for check in report.checks}


def begin_scoring(session: Session, assignment: Assignment, kind: str) -> int:
    """The scoring by this rubric: the latest one where it is the same, else a new one."""
    rubric = rubric_hash(assignment)
    last = session.scalars(select(ScoringRow).order_by(ScoringRow.id.desc()).limit(1)).first()
    if last is not None and last.rubric == rubric:
        return last.id
    toml = (assignment.folder / "assignment.toml").read_text(encoding="utf-8")
    row = ScoringRow(made=now(), kind=kind, rubric=rubric, toml=toml, grader=grader.__version__)
    session.add(row)
    session.flush()
    return row.id


def keep_results(session: Session, scoring: int, results: Sequence[Scored]) -> None:
    """Let these results count. Those that they replace stay as history, without their reports."""
    attempts = [result.attempt for result in results]
    for start in range(0, len(attempts), 500):
        replaced = ResultRow.attempt_id.in_(attempts[start : start + 500])
        session.execute(update(ResultRow).where(replaced).values(counts=False, report=None))
    rows = [
        {
            "attempt_id": result.attempt,
            "scoring_id": scoring,
            "run_id": result.run,
            "counts": True,
            "reused": result.reused,
            "outcome": result.outcome,
            "score": result.score,
            "max_score": result.max_score,
            "checks": result.checks,
            "report": result.report,
            "made": now(),
        }
        for result in results
    ]
    if rows:
        session.execute(insert(ResultRow), rows)


def standings(session: Session) -> list[Standing]:
    """All results that count, in the order of the students."""
    query = (
        select(ResultRow, AttemptRow, StudentRow)
        .join(AttemptRow, AttemptRow.id == ResultRow.attempt_id)
        .join(StudentRow, StudentRow.id == AttemptRow.student_id)
        .where(ResultRow.counts)
        .order_by(StudentRow.id, AttemptRow.number)
        .options(defer(ResultRow.report))
    )
    return [
        Standing(
            attempt=attempt.id,
            run=result.run_id,
            reused=result.reused,
            student=as_student(student),
            name=attempt.name,
            sha256=attempt.sha256,
            repairs=tuple(attempt.repairs),
            present=attempt.present,
            outcome=result.outcome,
            score=result.score,
            max_score=result.max_score,
            checks=result.checks,
            scoring=result.scoring_id,
        )
        for result, attempt, student in session.execute(query)
    ]


def last_changes(session: Session) -> dict[str, datetime]:
    """When what is to be told to each student changed last: their result, or points that a person set."""
    made: dict[str, datetime] = {}
    query = select(StudentRow.key, ResultRow.made).join(AttemptRow, AttemptRow.student_id == StudentRow.id)
    query = query.join(ResultRow, ResultRow.attempt_id == AttemptRow.id).where(ResultRow.counts)
    for key, when in session.execute(query):
        made[key] = max(when, made.get(key, when))
    adjusted = select(StudentRow.key, AdjustmentRow.entered, AdjustmentRow.removed)
    adjusted = adjusted.join(AdjustmentRow, AdjustmentRow.student_id == StudentRow.id)
    for key, entered, removed in session.execute(adjusted):
        made[key] = max(filter(None, (entered, removed, made.get(key))))
    return made


def history(session: Session) -> Iterator[Scoring]:
    """All scorings, oldest first."""
    query = (
        select(ScoringRow, func.count(ResultRow.id), func.avg(ResultRow.score))
        .outerjoin(ResultRow, ResultRow.scoring_id == ScoringRow.id)
        .group_by(ScoringRow.id)
        .order_by(ScoringRow.id)
    )
    for row, results, mean in session.execute(query):
        yield Scoring(row.id, row.made, row.kind, row.rubric, row.grader, results, mean)


def scored_otherwise(session: Session, rubric: str) -> int:
    """How many results that count were given by another rubric than this one."""
    query = (
        select(func.count(ResultRow.id))
        .join(ScoringRow, ScoringRow.id == ResultRow.scoring_id)
        .join(AttemptRow, AttemptRow.id == ResultRow.attempt_id)
        .where(ResultRow.counts, AttemptRow.present, ScoringRow.rubric != rubric)
    )
    return session.scalar(query) or 0


def run_conditions(session: Session) -> dict[int, dict[str, Any]]:
    """Under what each run was made whose result counts."""
    query = select(RunRow.id, RunRow.conditions).join(ResultRow, ResultRow.run_id == RunRow.id).where(ResultRow.counts)
    return {row.id: row.conditions for row in session.execute(query)}

"""The class as exports and pages see it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from grader.batch.adjusted import adjusted
from grader.batch.entries import Refused, Student
from grader.batch.gradebook import Adjustment, Gradebook, Row
from grader.batch.likeness import groups
from grader.batch.store._store import Store, open_store
from grader.batch.store.adjustments import Entry, entries, students
from grader.batch.store.packing import unpack
from grader.batch.store.people import the_class
from grader.batch.store.schema import AttemptRow, RefusedRow, ResultRow, StudentRow
from grader.results import Report

__all__ = ["gradebook_of", "read_gradebook"]

WAITING = "Not graded yet. Give the same grader grade command again."


def read_gradebook(out: Path) -> Gradebook:
    """The class that a folder holds, with adjustments applied.

    Args:
        out: what `grader grade` was given as ``-o``.

    Raises:
        StoreError: there is none, it cannot be read, or a newer grader wrote it.
    """
    return gradebook_of(open_store(out))


def gradebook_of(store: Store) -> Gradebook:
    """The class of an open store."""
    with store.session() as session:
        about = the_class(session)
        return Gradebook(
            assignment=about.assignment,
            title=about.title,
            max_score=about.max_score,
            rows=rows(session),
            refused=tuple(
                Refused(what=row.what, reason=row.reason)
                for row in session.scalars(select(RefusedRow))
                if not row.student
            ),
            source=about.source,
        )


def rows(session: Session) -> tuple[Row, ...]:
    """One for each student that the source has now."""
    attempts: dict[str, list[AttemptRow]] = defaultdict(list)
    query = select(AttemptRow, StudentRow.key).join(StudentRow).where(AttemptRow.present).order_by(AttemptRow.number)
    for attempt, key in session.execute(query):
        attempts[key].append(attempt)
    counting = select(ResultRow.attempt_id, ResultRow.report).where(ResultRow.counts)
    reports = {row.attempt_id: row.report for row in session.execute(counting)}
    refused: dict[str, list[str]] = defaultdict(list)
    for row in session.scalars(select(RefusedRow)):
        refused[row.student].append(f"{row.what}: {row.reason}")
    set_by_hand: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries(session):
        set_by_hand[entry.student.key].append(entry)
    alike = groups({key: tried[-1].likeness for key, tried in attempts.items()})
    trained: dict[str, str] = {}
    found = []
    for student in students(session):
        tried = attempts.get(student.key, [])
        if tried:
            body = reports.get(tried[-1].id)
            report = unpack(Report, body) if body else None
            trained[student.key] = report.submission.trained_sha256 if report else ""
            found.append(row_of(student, tried, report, set_by_hand[student.key], alike))
        elif student.key in refused:
            given = by_hand(None, set_by_hand[student.key])
            trouble = " ".join(refused[student.key])
            found.append(Row(student=student, attempt=0, attempts=0, adjustments=given, trouble=trouble))
    twins = groups(trained)
    return tuple(with_twins(row, twins.get(row.student.key, ())) for row in found)


def with_twins(row: Row, others: tuple[str, ...]) -> Row:
    """The row with those whose trained weights are the same, though their code is not."""
    others = tuple(key for key in others if key not in row.same_code)
    return row.model_copy(update={"same_weights": others}) if others else row


def row_of(
    student: Student,
    tried: Sequence[AttemptRow],
    report: Report | None,
    given: list[Entry],
    alike: dict[str, tuple[str, ...]],
) -> Row:
    """The row of a student who handed something in."""
    last = tried[-1]
    adjustments = by_hand(report, given)
    trouble = last.trouble
    if report is None and not trouble:
        trouble = WAITING
    return Row(
        student=student,
        file=last.name,
        attempt=last.number,
        attempts=len(tried),
        submitted=last.submitted,
        late=last.late,
        report=adjusted(report, adjustments) if report is not None else None,
        adjustments=adjustments,
        trouble=trouble,
        same_code=alike.get(student.key, ()),
    )


def by_hand(report: Report | None, given: Sequence[Entry]) -> tuple[Adjustment, ...]:
    """Adjustments beside what the grader gave."""
    points = {check.code: check.points for check in report.checks} if report else {}
    points[""] = report.score if report else 0.0
    return tuple(
        Adjustment(
            check=entry.check,
            points=entry.points,
            given=points.get(entry.check, 0.0),
            reason=entry.reason,
            by=entry.by,
            when=entry.made,
        )
        for entry in given
    )

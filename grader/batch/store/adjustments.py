"""Points that a person set, by student: they outlive every regrading, and nothing of them is forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grader.batch.entries import Student
from grader.batch.store.people import as_student
from grader.batch.store.schema import AdjustmentRow, StudentRow, now

__all__ = ["Entry", "entries", "remove_entry", "set_entry", "students"]


@dataclass(frozen=True)
class Entry:
    """One adjustment as it is kept."""

    student: Student
    check: str
    """Code; empty: the whole score."""
    points: float
    reason: str
    by: str
    made: datetime
    removed: datetime | None = None
    removed_by: str = ""


def students(session: Session) -> list[Student]:
    """All students, in the order in which they came."""
    return [as_student(row) for row in session.scalars(select(StudentRow).order_by(StudentRow.id))]


def entries(session: Session, *, removed: bool = False) -> list[Entry]:
    """The adjustments, by student and in the order in which they were made.

    Args:
        session: a transaction.
        removed: also those that were taken back or replaced.
    """
    query = select(AdjustmentRow, StudentRow).join(StudentRow, StudentRow.id == AdjustmentRow.student_id)
    if not removed:
        query = query.where(AdjustmentRow.removed.is_(None))
    return [
        Entry(as_student(student), row.check, row.points, row.reason, row.by, row.made, row.removed, row.removed_by)
        for row, student in session.execute(query.order_by(StudentRow.id, AdjustmentRow.id))
    ]


def standing(session: Session, student: str, check: str) -> AdjustmentRow | None:
    """The adjustment of this check that holds."""
    query = select(AdjustmentRow).join(StudentRow, StudentRow.id == AdjustmentRow.student_id)
    query = query.where(StudentRow.key == student, AdjustmentRow.check == check, AdjustmentRow.removed.is_(None))
    return session.scalars(query).first()


def set_entry(session: Session, entry: Entry) -> bool:
    """Let this adjustment hold in place of an earlier one of the same check; whether that changes anything."""
    row = standing(session, entry.student.key, entry.check)
    if row is not None and (row.points, row.reason) == (entry.points, entry.reason):
        return False
    if row is not None:
        row.removed, row.removed_by = now(), entry.by
    owner = session.scalars(select(StudentRow.id).where(StudentRow.key == entry.student.key)).one()
    session.add(
        AdjustmentRow(
            student_id=owner,
            check=entry.check,
            points=entry.points,
            reason=entry.reason,
            by=entry.by,
            made=entry.made,
            entered=now(),
            removed_by="",
        )
    )
    session.flush()
    return True


def remove_entry(session: Session, student: str, check: str, by: str) -> bool:
    """Take an adjustment back; whether there was one."""
    row = standing(session, student, check)
    if row is None:
        return False
    row.removed, row.removed_by = now(), by
    return True

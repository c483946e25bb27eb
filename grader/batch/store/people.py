"""Who handed in what: the class as its source has it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from grader.assignment import Assignment
from grader.batch.entries import Found, Student
from grader.batch.store.schema import AttemptRow, ClassRow, RefusedRow, ResultRow, RunRow, StudentRow, now
from grader.errors import StoreError

__all__ = ["Handed", "counting", "enter_class", "enter_found", "mark_read", "mark_trouble", "the_class"]


@dataclass(frozen=True)
class Handed:
    """The attempt of a student that counts, and how far it is."""

    id: int
    student: Student
    name: str
    """The file's, as uploaded."""
    path: Path
    sha256: str
    """Of the file when it was read last; empty: never."""
    code: str
    repairs: tuple[str, ...]
    key: str
    """Of the run that its result is of; empty: it has none."""
    fault: str


def the_class(session: Session) -> ClassRow:
    """The class.

    Raises:
        StoreError: nothing was graded yet.
    """
    found = session.get(ClassRow, 1)
    if found is None:
        raise StoreError("Nothing was graded here yet.", "Begin with grader grade SOURCE -o.")
    return found


def enter_class(session: Session, assignment: Assignment, folder: Path) -> None:
    """Note which assignment the class is of.

    Raises:
        StoreError: it holds grades of another one.
    """
    found = session.get(ClassRow, 1)
    if found is None:
        found = ClassRow(id=1, assignment=assignment.slug, made=now(), source="")
        session.add(found)
    elif found.assignment != assignment.slug:
        raise StoreError(
            f"{folder}: holds grades of {found.assignment}, not of {assignment.slug}.", "Name another folder with -o."
        )
    found.title = assignment.title
    found.folder = str(assignment.folder)
    found.max_score = sum(spec.points for spec in assignment.checks)


def enter_found(session: Session, found: Found) -> None:
    """Note what the source holds. What it held before and does not hold now is kept, but counts no more."""
    the_class(session).source = found.source
    session.execute(update(AttemptRow).values(present=False))
    session.execute(delete(RefusedRow))
    students = {row.key: row for row in session.scalars(select(StudentRow))}
    attempts = {(row.student_id, row.number): row for row in session.scalars(select(AttemptRow))}
    for attempt in found.attempts:
        student = enter_student(session, students, attempt.student)
        row = attempts.get((student.id, attempt.number))
        if row is None:
            row = AttemptRow(student_id=student.id, number=attempt.number, repairs=[])
            session.add(row)
        row.name, row.path = attempt.name, str(attempt.path.resolve())
        row.submitted, row.late, row.present = attempt.submitted, attempt.late, True
    for refused in found.refused:
        key = enter_student(session, students, refused.student).key if refused.student else ""
        session.add(RefusedRow(what=refused.what, reason=refused.reason, student=key))


def enter_student(session: Session, known: dict[str, StudentRow], student: Student) -> StudentRow:
    """The student's row, with what the source says of them now."""
    row = known.get(student.key)
    if row is None:
        row = known[student.key] = StudentRow(key=student.key)
        session.add(row)
    row.name, row.email, row.ids = student.name, student.email, dict(student.ids)
    session.flush()
    return row


def counting(session: Session) -> list[Handed]:
    """For each student the attempt that counts, which is the latest, in the order of the source."""
    query = (
        select(AttemptRow, StudentRow, RunRow.key)
        .join(StudentRow)
        .outerjoin(ResultRow, (ResultRow.attempt_id == AttemptRow.id) & ResultRow.counts)
        .outerjoin(RunRow, RunRow.id == ResultRow.run_id)
        .where(AttemptRow.present)
        .order_by(StudentRow.id, AttemptRow.number)
    )
    latest: dict[int, Handed] = {}
    for attempt, student, key in session.execute(query):
        latest[student.id] = Handed(
            id=attempt.id,
            student=as_student(student),
            name=attempt.name,
            path=Path(attempt.path),
            sha256=attempt.sha256,
            code=attempt.code,
            repairs=tuple(attempt.repairs),
            key=key or "",
            fault=attempt.fault,
        )
    return list(latest.values())


def as_student(row: StudentRow) -> Student:
    """The student of a row."""
    return Student(key=row.key, name=row.name, email=row.email, ids=row.ids)


def mark_read(session: Session, attempt: int, sha256: str, code: str, likeness: str, repairs: list[str]) -> None:
    """Note what an attempt's file holds. A result of what it held before is history."""
    values = {"sha256": sha256, "code": code, "likeness": likeness, "repairs": repairs, "fault": "", "trouble": ""}
    session.execute(update(AttemptRow).where(AttemptRow.id == attempt).values(values))
    session.execute(update(ResultRow).where(ResultRow.attempt_id == attempt, ResultRow.counts).values(counts=False))


def mark_trouble(session: Session, attempt: int, fault: str, trouble: str) -> None:
    """Note why a person has to look at an attempt."""
    session.execute(update(AttemptRow).where(AttemptRow.id == attempt).values(fault=fault, trouble=trouble))

"""The tables of a graded class."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, Index, LargeBinary, String, TypeDecorator, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

__all__ = [
    "AdjustmentRow",
    "AttemptRow",
    "ClassRow",
    "NotebookRow",
    "RefusedRow",
    "ResultRow",
    "RunRow",
    "ScoringRow",
    "StartedRow",
    "StudentRow",
    "Tables",
    "now",
]


def now() -> datetime:
    """The present, to the second, with its time zone."""
    return datetime.now(timezone.utc).replace(microsecond=0)


class Moment(TypeDecorator[datetime]):
    """A point in time; SQLite keeps no time zone, so all are UTC there."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """To UTC. A time without a zone, as some sources give it, is taken for one of this machine."""
        return None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """With its zone."""
        return None if value is None else value.replace(tzinfo=timezone.utc)


class Tables(DeclarativeBase):
    """All tables."""

    type_annotation_map = {
        dict[str, str]: JSON,
        dict[str, Any]: JSON,
        list[str]: JSON,
        datetime: Moment,
        bytes: LargeBinary,
        str: String,
    }


class ClassRow(Tables):
    """The class itself; a single row."""

    __tablename__ = "class"
    id: Mapped[int] = mapped_column(primary_key=True)
    assignment: Mapped[str]
    """Slug."""
    title: Mapped[str]
    folder: Mapped[str]
    """Of the assignment, on the machine that graded last."""
    source: Mapped[str] = mapped_column(default="")
    """Layout that submissions came in."""
    max_score: Mapped[float] = mapped_column(default=0.0)
    """What all checks of the assignment are worth."""
    made: Mapped[datetime]


class StudentRow(Tables):
    """A student."""

    __tablename__ = "student"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    email: Mapped[str]
    ids: Mapped[dict[str, str]]


class AttemptRow(Tables):
    """A notebook that was handed in."""

    __tablename__ = "attempt"
    __table_args__ = (UniqueConstraint("student_id", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"))
    number: Mapped[int]
    name: Mapped[str]
    path: Mapped[str]
    submitted: Mapped[datetime | None]
    late: Mapped[bool]
    present: Mapped[bool] = mapped_column(default=True)
    """Whether the source still has it."""
    sha256: Mapped[str] = mapped_column(default="")
    """Of the file's bytes, when it was graded."""
    code: Mapped[str] = mapped_column(default="", index=True)
    """Hash of its cleaned sources."""
    likeness: Mapped[str] = mapped_column(default="")
    """Hash of its normalised code, for groups of the same."""
    repairs: Mapped[list[str]] = mapped_column(default=list)
    """What had to be mended to read the file, a sentence each."""
    fault: Mapped[str] = mapped_column(default="")
    """``grader``: the grader or the machine failed on it. ``unreadable``: the file is no notebook. Empty: neither."""
    trouble: Mapped[str] = mapped_column(default="")
    """A sentence on the fault."""
    student: Mapped[StudentRow] = relationship()


class RunRow(Tables):
    """A notebook that was run: what is known of it, whoever handed it in."""

    __tablename__ = "run"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    """Hash of code and conditions."""
    code: Mapped[str]
    conditions: Mapped[dict[str, Any]]
    """What beside the code decided what the run showed, by name."""
    evidence: Mapped[bytes]
    made: Mapped[datetime]
    seconds: Mapped[float]
    worker: Mapped[str]


class NotebookRow(Tables):
    """A notebook as executed. Beside its run, so that reading evidence does not touch it."""

    __tablename__ = "notebook"
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    body: Mapped[bytes]
    whole: Mapped[bool]
    """False: its outputs were too large to be kept."""


class ScoringRow(Tables):
    """One time that evidence was scored: when, by which rubric."""

    __tablename__ = "scoring"
    id: Mapped[int] = mapped_column(primary_key=True)
    made: Mapped[datetime]
    kind: Mapped[str]
    """``grade`` or ``regrade``."""
    rubric: Mapped[str]
    """Hash of the points, parameters, policy and the code of the checks."""
    toml: Mapped[str]
    """The assignment.toml as it was."""
    grader: Mapped[str]
    """Version."""


class ResultRow(Tables):
    """What one attempt got in one scoring."""

    __tablename__ = "result"
    __table_args__ = (Index("one_result_counts", "attempt_id", unique=True, sqlite_where=text("counts")),)
    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"))
    scoring_id: Mapped[int] = mapped_column(ForeignKey("scoring.id"))
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    counts: Mapped[bool]
    """Whether this is the attempt's result now; the others are its history."""
    reused: Mapped[bool]
    """Whether the run was made for another attempt."""
    outcome: Mapped[str]
    score: Mapped[float]
    max_score: Mapped[float]
    checks: Mapped[dict[str, Any]]
    """``{code: [outcome, points, max_points]}``"""
    report: Mapped[bytes | None]
    """None once another result counts."""
    made: Mapped[datetime]


class StartedRow(Tables):
    """A run that was begun and has not ended: what a killed grader was at."""

    __tablename__ = "started"
    key: Mapped[str] = mapped_column(primary_key=True)
    times: Mapped[int]
    made: Mapped[datetime]


class RefusedRow(Tables):
    """Something in the source that is not graded."""

    __tablename__ = "refused"
    id: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str]
    reason: Mapped[str]
    student: Mapped[str] = mapped_column(default="")
    """Key; empty: nobody's."""


class AdjustmentRow(Tables):
    """Points that a person set. Never deleted: a removed one says who removed it, and when."""

    __tablename__ = "adjustment"
    id: Mapped[int] = mapped_column(primary_key=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"))
    check: Mapped[str]
    """Code; empty: the whole score."""
    points: Mapped[float]
    reason: Mapped[str]
    by: Mapped[str]
    made: Mapped[datetime]
    """When it was set, as that person says."""
    entered: Mapped[datetime]
    """When it came in here."""
    removed: Mapped[datetime | None]
    removed_by: Mapped[str] = mapped_column(default="")
    student: Mapped[StudentRow] = relationship()

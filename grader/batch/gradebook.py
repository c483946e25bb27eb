"""A graded class as exports and the class page see it: one row a student, adjustments applied."""

from __future__ import annotations

from datetime import datetime

from grader.batch.entries import Refused, Student
from grader.evidence_base import Frozen
from grader.results import Report

__all__ = ["Adjustment", "Gradebook", "Row"]


class Adjustment(Frozen):
    """Points that a person set, over what the grader gave."""

    check: str
    """Code of the check; empty: the whole score."""
    points: float
    """What the student has for it now."""
    given: float
    """What the grader gave."""
    reason: str
    by: str
    when: datetime


class Row(Frozen):
    """One student."""

    student: Student
    file: str = ""
    """Name of the attempt that counts, as uploaded; empty: nothing that could be read."""
    attempt: int = 1
    attempts: int = 1
    """How many were handed in."""
    submitted: datetime | None = None
    late: bool = False
    report: Report | None = None
    """With adjustments applied to its points; None: not graded (yet), `trouble` says why."""
    adjustments: tuple[Adjustment, ...] = ()
    trouble: str = ""
    """Why a person has to look: the grader's own fault, or a file that could not be read. Never a zero."""
    same_code: tuple[str, ...] = ()
    """Keys of other students whose normalised code is the same: something to look at, never a verdict."""
    same_weights: tuple[str, ...] = ()
    """Keys of those whose code is another, and whose trained weights are the same to the last bit."""

    @property
    def score(self) -> float | None:
        """Points, or None where there is nothing that may be reported as a grade."""
        whole = next((one for one in self.adjustments if not one.check), None)
        if whole is not None:
            return whole.points
        if self.report is None or self.report.outcome.value == "error":
            return None
        return self.report.score


class Gradebook(Frozen):
    """The whole class."""

    assignment: str
    """Slug."""
    title: str
    max_score: float
    rows: tuple[Row, ...]
    refused: tuple[Refused, ...] = ()
    """What the source held beside, and could not be graded."""
    source: str = ""
    """Layout that the submissions came in, e.g. ``canvas``."""

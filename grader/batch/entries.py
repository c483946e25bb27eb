"""What a source finds: who handed in which files, and what was refused."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from grader.evidence_base import Frozen

__all__ = ["Attempt", "Found", "Refused", "Student"]


class Student(Frozen):
    """One person (or group, or anonymous number), as the source knows them."""

    key: str
    """How this source tells one from another, the same at every export; what `grader adjust` takes."""
    name: str = ""
    """As a person would write it; empty where the source does not tell."""
    email: str = ""
    ids: dict[str, str] = {}
    """Identifiers in other systems by their kind: ``canvas``, ``moodle``, ``sid``, ``blackboard``, ``nbgrader``."""


class Attempt(Frozen):
    """One notebook that was handed in."""

    student: Student
    path: Path
    """The file on this machine, extracted where it came in an archive."""
    name: str
    """The file's name as uploaded: what feedback has to be called for the system to take it back."""
    number: int = 1
    """From 1 within the student, in the order in which they were handed in. The latest counts."""
    submitted: datetime | None = None
    late: bool = False


class Refused(Frozen):
    """Something in the source that is not graded."""

    what: str
    """The file, folder or member, relative to the source."""
    reason: str
    """A sentence: what is wrong with it, and what to do."""
    student: Student | None = None


class Found(Frozen):
    """All that a source holds."""

    source: str
    """The layout's name, e.g. ``canvas``."""
    attempts: tuple[Attempt, ...]
    refused: tuple[Refused, ...] = ()

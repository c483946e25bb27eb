"""nbgrader: ``submitted/STUDENT/ASSIGNMENT/NOTEBOOK.ipynb``, with the time in ``timestamp.txt``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import ClassVar

from grader.batch.entries import Student
from grader.batch.sources._layout import Handed, Layout
from grader.batch.sources._tree import Member, Tree
from grader.errors import GraderError

__all__ = ["Nbgrader"]

STEP = "submitted"
TIMESTAMP = "timestamp.txt"
OTHER_STEPS = frozenset({"source", "release", "autograded", "feedback"})


class Nbgrader(Layout):
    """Two folders below ``submitted``: the student's, then the assignment's."""

    name: ClassVar[str] = "nbgrader"
    specificity: ClassVar[int] = 40

    def read(self, tree: Tree, assignment: str) -> Mapping[Member, Handed]:
        """By the folders.

        Raises:
            GraderError: there are several assignments, and none is called like the one that is graded.
        """
        below = {member: rest for member in tree.members if len(rest := below_step(member, tree)) >= 3}
        if not below:
            return {}
        names = sorted({rest[1] for member, rest in below.items() if member.is_notebook})
        if len(names) > 1 and assignment not in names:
            shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
            raise GraderError(
                f"{tree.source}: there are {len(names)} assignments in it: {shown}.",
                f"Only a folder called {assignment or 'like the assignment'} would be graded: rename it, or copy the "
                "submissions of one assignment to a folder of their own.",
            )
        chosen = assignment if assignment in names else names[0] if names else ""
        moments = {rest[:2]: moment(tree.text(member)) for member, rest in below.items() if rest[2:] == (TIMESTAMP,)}
        return {
            member: Handed(
                Student(key=rest[0], ids={"nbgrader": rest[0]}),
                member.name,
                submitted=moments.get(rest[:2]),
                reason="" if rest[1] == chosen else f"Belongs to another assignment, {rest[1]}.",
            )
            for member, rest in below.items()
            if member.name != TIMESTAMP
        }


def below_step(member: Member, tree: Tree) -> tuple[str, ...]:
    """The path below ``submitted``; empty where it is not there."""
    if STEP in member.parts[:-3]:
        return member.parts[member.parts.index(STEP) + 1 :]
    if tree.source.resolve().name == STEP and not OTHER_STEPS & set(member.parts[:1]):
        return member.parts
    return ()


def moment(text: str) -> datetime | None:
    """nbgrader's own way of writing times: ``2026-02-01 23:58:10.123456 UTC``."""
    found = re.match(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?\s*([+-]\d\d:?\d\d|UTC|Z)?", text.strip())
    if not found:
        return None
    zone = (found[3] or "").replace("UTC", "+0000").replace("Z", "+0000").replace(":", "")
    parsed = datetime.strptime(f"{found[1]} {found[2]}{zone or '+0000'}", "%Y-%m-%d %H:%M:%S%z")
    return parsed.astimezone(timezone.utc)

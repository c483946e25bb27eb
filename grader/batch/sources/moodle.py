"""Moodle: *Download all submissions* gives ``Full name_12345_assignsubmission_file/hw.ipynb``.

Moodle before 4.1 ended the folder's name in ``_``; older still, or without folders, the file's name follows it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from grader.batch.entries import Student
from grader.batch.sources._layout import Handed, Layout
from grader.batch.sources._tree import Member, Tree

__all__ = ["Moodle"]

PREFIX = re.compile(
    r"(?P<who>.*)_(?P<participant>[0-9]{1,18})_assignsubmission_(?P<plugin>file|onlinetext)(?:_(?P<original>.*))?",
    re.DOTALL,
)
BLIND = "Participant"


class Moodle(Layout):
    """The participant's number in the names is what Moodle calls the identifier."""

    name: ClassVar[str] = "moodle"
    specificity: ClassVar[int] = 80

    def read(self, tree: Tree, assignment: str) -> Mapping[Member, Handed]:
        """By the first folder or file on the way whose name has the five parts."""
        return {member: handed for member in tree.members if (handed := handed_in(member))}


def handed_in(member: Member) -> Handed | None:
    """What the path says."""
    found = next((match for part in member.parts if (match := PREFIX.fullmatch(part))), None)
    if found is None:
        return None
    participant = found["participant"]
    name = "" if found["who"] == BLIND else found["who"]
    student = Student(key=participant, name=name, ids={"moodle": participant})
    is_flat = found.string == member.name
    original = (found["original"] or member.name) if is_flat else member.name
    reason = ""
    if found["plugin"] == "onlinetext":
        reason = "Text that was typed into Moodle, not a notebook; ask for the .ipynb file."
    return Handed(student, original, reason=reason)

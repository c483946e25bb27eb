"""Canvas: *Download submissions* gives ``lastfirst[_LATE]_USERID_ATTACHMENTID_hw.ipynb``, all in one folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from grader.batch.entries import Student
from grader.batch.sources._layout import Handed, Layout
from grader.batch.sources._tree import Member, Tree

__all__ = ["Canvas"]

NAME = re.compile(
    r"(?P<who>.+?)(?P<late>_LATE)?_(?P<user>[0-9]{1,18})_(?P<attachment>[0-9]{1,18})_(?P<original>.+)", re.DOTALL
)
TYPED = re.compile(r"(?P<who>.+?)(?P<late>_LATE)?_(?P<user>[0-9]{1,18})_(?P<kind>text|link)\.html")
REASONS = {
    "text": "Text that was typed into Canvas, not a notebook; ask for the .ipynb file.",
    "link": "A link, not a notebook; ask for the .ipynb file.",
}
ANONYMOUS = "anon"


class Canvas(Layout):
    """Names as Canvas makes them; feedback is taken back under the same names."""

    name: ClassVar[str] = "canvas"
    specificity: ClassVar[int] = 50

    def read(self, tree: Tree, assignment: str) -> Mapping[Member, Handed]:
        """By the two numbers in each name."""
        return {member: handed for member in tree.members if (handed := handed_in(member))}


def handed_in(member: Member) -> Handed | None:
    """What the file's name says."""
    typed = TYPED.fullmatch(member.name)
    found = typed or NAME.fullmatch(member.name)
    if not found:
        return None
    user = found["user"]
    anonymous = found["who"] == ANONYMOUS
    student = Student(key=user, name="" if anonymous else found["who"], ids={} if anonymous else {"canvas": user})
    late = bool(found["late"])
    if typed:
        return Handed(student, member.name, late=late, reason=REASONS[typed["kind"]])
    # Canvas numbers attachments as they come in.
    return Handed(student, member.name, late=late, order=(int(found["attachment"]),))

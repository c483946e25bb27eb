"""A folder for each student, called as the student is to be called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from grader.batch.entries import Student
from grader.batch.sources._layout import Handed, Layout
from grader.batch.sources._tree import Member, Tree

__all__ = ["Folders"]


class Folders(Layout):
    """Whatever lies in a student's folder, however deep, is the student's."""

    name: ClassVar[str] = "folders"
    specificity: ClassVar[int] = 20

    def read(self, tree: Tree, assignment: str) -> Mapping[Member, Handed]:
        """By the first folder that not all files share."""
        depth = wrapped(tree)
        return {
            member: Handed(Student(key=member.parts[depth]), member.name)
            for member in tree.members
            if len(member.parts) > depth + 1
        }


def wrapped(tree: Tree) -> int:
    """How many folders there are around everything, as some programs put them into an archive.

    A single folder with one notebook is a student's; one with several, or with folders that have them, is a wrapper.
    """
    depth = 0
    while True:
        below = [member.parts[depth:] for member in tree.notebooks]
        folders = {member.parts[: depth + 1] for member in tree.members if len(member.parts) > depth + 1}
        if len(folders) != 1 or any(len(parts) == 1 for parts in below):
            return depth
        if len(below) == 1 and len(below[0]) == 2:
            return depth
        depth += 1

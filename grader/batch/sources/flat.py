"""Notebooks side by side in one folder, each called after its student."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from grader.batch.entries import Student
from grader.batch.sources._layout import Handed, Layout
from grader.batch.sources._tree import Member, Tree

__all__ = ["Flat"]


class Flat(Layout):
    """What every source is that is nothing else."""

    name: ClassVar[str] = "flat"
    specificity: ClassVar[int] = 0

    def read(self, tree: Tree, assignment: str) -> Mapping[Member, Handed]:
        """By the file's name, or by its folder's for the few that lie in one."""
        depth = wrapped_depth(tree)
        return {member: Handed(Student(key=key_of(member, depth)), member.name) for member in tree.notebooks}

    def strangers(self, tree: Tree) -> Iterable[Member]:
        """What lies beside the notebooks: a PDF may be somebody's work, or the course's own."""
        depth = wrapped_depth(tree)
        return [member for member in tree.members if not member.is_notebook and len(member.parts) == depth + 1]


def wrapped_depth(tree: Tree) -> int:
    """How many folders all notebooks share."""
    shallowest = min((len(member.parts) for member in tree.notebooks), default=1)
    depth = 0
    while depth < shallowest - 1 and len({member.parts[depth] for member in tree.notebooks}) == 1:
        depth += 1
    return depth


def key_of(member: Member, depth: int) -> str:
    """The student."""
    return member.parts[depth] if len(member.parts) > depth + 1 else member.stem or member.name

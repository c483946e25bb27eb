"""What one layout of submissions is, and where all of them are found."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import ClassVar, get_origin

from grader.batch.entries import Student
from grader.batch.sources._tree import Member, Tree

__all__ = ["Handed", "Layout", "layouts", "natural"]


@dataclass(frozen=True)
class Handed:
    """Whose a file is."""

    student: Student
    name: str
    """As it was uploaded, and as the system wants it back."""
    submitted: datetime | None = None
    late: bool = False
    order: tuple[int, ...] = ()
    """What tells the later one of two that were handed in at the same time, or at an unknown one."""
    reason: str = ""
    """Why this cannot be graded although it is known whose it is; empty otherwise."""


class Layout(ABC):
    """How one system lays out what students handed in."""

    name: ClassVar[str]
    """As the output names it, e.g. ``canvas``."""
    specificity: ClassVar[int]
    """Of two layouts that both know what a source holds, the one with more of this is meant."""

    @abstractmethod
    def read(self, tree: Tree, assignment: str) -> Mapping[Member, Handed]:
        """Whose each file is; files that this layout knows nothing of are left out.

        Args:
            tree: the source.
            assignment: slug of the assignment, for systems that keep several in one place; empty: not known.
        """

    def strangers(self, tree: Tree) -> Iterable[Member]:
        """Other files that somebody may have handed in in place of a notebook, where the layout does not tell who."""
        return ()


@cache
def layouts() -> tuple[Layout, ...]:
    """All layouts, the most specific first."""
    from grader.batch import sources

    found: list[Layout] = []
    for info in pkgutil.iter_modules(sources.__path__):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{sources.__name__}.{info.name}")
        for value in vars(module).values():
            # Python 3.10 takes an alias such as `tuple[int, ...]` for a class.
            is_class = inspect.isclass(value) and get_origin(value) is None
            if is_class and issubclass(value, Layout) and value.__module__ == module.__name__:
                found.append(value())
    return tuple(sorted(found, key=lambda layout: -layout.specificity))


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts ``hw-2`` before ``hw-10``; numbers are cut where Python would refuse to read them."""
    pieces = re.split(r"([0-9]{1,18})", text.casefold())
    return tuple((1, int(piece), "") if piece[0] in "0123456789" else (0, 0, piece) for piece in pieces if piece)

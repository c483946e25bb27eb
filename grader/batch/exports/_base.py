"""What an export is, what comes of one, and where all of them are found."""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar, get_origin

from grader.batch.gradebook import Gradebook, Row
from grader.errors import GraderError

__all__ = ["Export", "Exported", "Given", "Remark", "exports", "find_export", "no_grade"]


@dataclass(frozen=True)
class Given:
    """A file of the system's own that is to be filled in."""

    name: str
    """As errors name it."""
    data: bytes
    column: str = ""
    """Title of the column that takes the grades; empty: found by the assignment's title."""


@dataclass(frozen=True)
class Remark:
    """What the system will do that an instructor may not expect."""

    kind: str
    """``no grade``, ``skipped``, ``not found``, ``created`` or ``note``."""
    who: str
    """The student; empty for the whole file."""
    text: str


@dataclass(frozen=True)
class Exported:
    """The files of an export, and what there is to say of them."""

    files: Mapping[str, bytes]
    """Relative path -> content; an export of one file has exactly one."""
    written: int
    """How many students get a grade by it."""
    remarks: tuple[Remark, ...] = field(default=())


class Export(ABC):
    """How one system takes grades."""

    name: ClassVar[str]
    """As ``--format`` takes it."""
    title: ClassVar[str]
    """One line: what it is for."""
    is_folder: ClassVar[bool] = False
    """Whether there are several files, so that the output is a folder."""
    fills: ClassVar[bool] = False
    """Whether it can fill in the system's own file."""

    @abstractmethod
    def export(self, gradebook: Gradebook, given: Given | None) -> Exported:
        """The files.

        Raises:
            GraderError: the given file cannot be filled in, or a package is missing.
        """


def no_grade(row: Row) -> Remark:
    """The remark on a student who gets no grade, and therefore nothing that could be taken for a zero."""
    reason = row.trouble or "The grader could not judge this submission."
    return Remark("no grade", row.student.name or row.student.key, reason)


@cache
def exports() -> Mapping[str, Export]:
    """All exports by name."""
    from grader.batch import exports as package

    found: dict[str, Export] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for value in vars(module).values():
            # Python 3.10 takes an alias such as `tuple[int, ...]` for a class.
            is_class = inspect.isclass(value) and get_origin(value) is None
            if is_class and issubclass(value, Export) and value.__module__ == module.__name__:
                found[value.name] = value()
    return found


def find_export(name: str) -> Export:
    """The export of this name.

    Raises:
        GraderError: there is none.
    """
    known = exports()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {close[0]}?" if close else f"Known are: {', '.join(known)}."
        raise GraderError(f"There is no export {name!r}.", hint)
    return known[name]

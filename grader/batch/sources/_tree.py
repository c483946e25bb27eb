"""The files of a source, wherever they lie: what a layout sees of a folder or an archive."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from grader.batch.entries import Refused

__all__ = ["ARCHIVES", "Limits", "Member", "Tree", "UnreadableError", "is_clutter"]

NOTEBOOK = re.compile(r"\.ipynb(\.json|\.txt)?$", re.IGNORECASE)
"""Browsers add the second suffix when they take the file for text."""
ARCHIVES = re.compile(r"\.(zip|tar|tgz|tar\.\w+|7z|rar|gz|bz2|xz)$", re.IGNORECASE)
CLUTTER_FOLDERS = frozenset({"__MACOSX", ".ipynb_checkpoints", ".git", "__pycache__", ".Trashes"})
CLUTTER_FILES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class Limits:
    """What is taken from a source at the most."""

    member: int = 50 * 10**6
    """Bytes of one file; more than that is no notebook that can be graded."""
    total: int = 20 * 10**9
    """Bytes of all files that are taken out of one archive."""
    ratio: int = 200
    """How many times larger than its compressed form a file may be, once it has a million bytes."""
    members: int = 200_000
    """Entries of an archive."""


class UnreadableError(Exception):
    """A file of the source cannot be taken; the text is the reason, as `Refused.reason` has it."""


@dataclass(frozen=True)
class Member:
    """One file of a source."""

    parts: tuple[str, ...]
    """Its path from the top of the source."""

    @property
    def name(self) -> str:
        """Without folders."""
        return self.parts[-1]

    @property
    def where(self) -> str:
        """As it is spoken of."""
        return "/".join(self.parts)

    @property
    def is_notebook(self) -> bool:
        """By its name."""
        return bool(NOTEBOOK.search(self.name))

    @property
    def stem(self) -> str:
        """The name without a notebook's suffix, or without the last suffix of any other file."""
        return NOTEBOOK.sub("", self.name) if self.is_notebook else PurePosixPath(self.name).stem


class Tree(ABC):
    """All files of a source that could be a submission or say something about one."""

    source: Path
    members: tuple[Member, ...]
    refused: tuple[Refused, ...]
    """What could not even be listed safely."""

    @abstractmethod
    def read(self, member: Member) -> bytes:
        """The bytes of a file.

        Raises:
            UnreadableError: it cannot be read, or is larger than the limits allow.
        """

    @abstractmethod
    def take(self, member: Member) -> Path:
        """The file on this machine.

        Raises:
            UnreadableError: it cannot be read, or is larger than the limits allow.
        """

    def close(self) -> None:
        """Let go of what was opened; nothing can be read any more."""
        return

    @cached_property
    def notebooks(self) -> tuple[Member, ...]:
        """The members that are notebooks by their name."""
        return tuple(member for member in self.members if member.is_notebook)

    def text(self, member: Member) -> str:
        """A small text file that a system put beside the submissions; empty where it cannot be read."""
        try:
            return self.read(member).decode("utf-8-sig", errors="replace")
        except UnreadableError:
            return ""


def is_clutter(parts: tuple[str, ...]) -> bool:
    """Whether an operating system or Jupyter put this there, and no student."""
    name = parts[-1]
    return bool(CLUTTER_FOLDERS & set(parts)) or name.startswith("._") or name.lower() in CLUTTER_FILES

"""A folder as a source: links are not followed, and nothing is copied."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from grader.batch.entries import Refused
from grader.batch.sources._tree import Limits, Member, Tree, UnreadableError, is_clutter

__all__ = ["FolderTree", "SingleFile"]

CLUTTER = "An automatic copy, not what was handed in."
LINK = "A link, which could lead anywhere; put the file itself in its place."


class FolderTree(Tree):
    """The files below a folder."""

    def __init__(self, source: Path, limits: Limits) -> None:
        self.source = source
        self.limits = limits
        self.root = source.resolve()
        self.found: list[Member] = []
        self.trouble: list[Refused] = []
        self._walk(self.root, ())
        self.members = tuple(self.found)
        self.refused = tuple(self.trouble)

    def _walk(self, folder: Path, above: tuple[str, ...]) -> None:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as exc:
            where = "/".join(above) or self.source.name
            self.trouble.append(Refused(what=where, reason=f"Cannot be read: {exc.strerror}; check its permissions."))
            return
        for entry in entries:
            parts = (*above, readable(entry.name))
            if entry.is_dir(follow_symlinks=False):
                self._walk(folder / entry.name, parts)
            elif reason := self._reason_against(entry, parts):
                if Member(parts).is_notebook or not is_clutter(parts):
                    self.trouble.append(Refused(what="/".join(parts), reason=reason))
            elif not is_clutter(parts):
                self.found.append(Member(parts))

    def _reason_against(self, entry: os.DirEntry[str], parts: tuple[str, ...]) -> str:
        if entry.is_symlink():
            return LINK
        if not entry.is_file(follow_symlinks=False):
            return "Not a file that holds anything (a pipe, a socket or a device)."
        if parts[-1] != entry.name:
            return "The name is not valid in this machine's encoding; rename the file."
        return CLUTTER if is_clutter(parts) and Member(parts).is_notebook else ""

    def read(self, member: Member) -> bytes:
        """The bytes of a file."""
        path = self.take(member)
        try:
            return path.read_bytes()
        except OSError as exc:
            raise UnreadableError(f"Cannot be read: {exc.strerror}; check its permissions.") from None

    def take(self, member: Member) -> Path:
        """The file where it lies."""
        path = self.root.joinpath(*member.parts)
        try:
            status = path.lstat()
        except OSError as exc:
            raise UnreadableError(f"Cannot be read: {exc.strerror}; check its permissions.") from None
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError(LINK)
        if not os.access(path, os.R_OK):
            raise UnreadableError("Cannot be read: Permission denied; check its permissions.")
        if status.st_size > self.limits.member:
            raise UnreadableError(too_large(status.st_size, self.limits))
        return path


class SingleFile(FolderTree):
    """A folder of which only one file counts."""

    def __init__(self, source: Path, limits: Limits) -> None:
        self.source = source
        self.limits = limits
        self.root = source.resolve().parent
        self.members = (Member((source.resolve().name,)),)
        self.refused = ()


def readable(name: str) -> str:
    """The name, with U+FFFD for bytes that are no text."""
    return name.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="replace")


def too_large(size: int, limits: Limits) -> str:
    """The reason against a file of this size."""
    most = f"{limits.member / 10**6:.0f} MB"
    return (
        f"The file has {size / 10**6:.0f} MB, more than the {most} that are read; clear the outputs and save it again."
    )

"""A zip archive as a source. An archive is hostile until each of its members has shown that it is not.

No member is written under its own path: each goes into a numbered folder of its own, so that no name, however
odd, decides where a file lands.
"""

from __future__ import annotations

import lzma
import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path

from grader.batch.entries import Refused
from grader.batch.sources._folder import CLUTTER, too_large
from grader.batch.sources._tree import Limits, Member, Tree, UnreadableError, is_clutter
from grader.errors import GraderError

__all__ = ["ZipTree"]

CHUNK = 1 << 20
RATIO_FROM = 10**6
"""Bytes below which the ratio says nothing: a page of blanks is no bomb."""
UTF8_FLAG = 0x800
ENCRYPTED_FLAG = 0x1
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)", re.IGNORECASE)
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    OverflowError,
)
"""What Python's zip reader is known to raise on malformed bytes; NotImplementedError is a RuntimeError."""


class ZipTree(Tree):
    """The members of an archive that may be taken out of it."""

    def __init__(self, source: Path, into: Path, limits: Limits) -> None:
        self.source = source
        self.into = into
        self.limits = limits
        self.taken = 0
        """Bytes so far."""
        try:
            self.archive = zipfile.ZipFile(source)
        except UNREADABLE as exc:
            reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
            raise GraderError(
                f"{source}: not a zip archive that can be read: {reason.rstrip('.')}.", "Download it again."
            ) from None
        entries = self.archive.infolist()
        if len(entries) > limits.members:
            self.archive.close()
            raise GraderError(
                f"{source}: the archive has {len(entries):,} members, more than the {limits.members:,} that are read.",
                "Unpack it and name the folder.",
            )
        self.entries: dict[Member, tuple[int, zipfile.ZipInfo]] = {}
        trouble: list[Refused] = []
        for number, entry in enumerate(entries, 1):
            # Not `is_dir()`, which breaks on an empty name.
            if not real_name(entry).endswith("/"):
                self._list(number, entry, trouble)
        self.members = tuple(self.entries)
        self.refused = tuple(trouble)

    def _list(self, number: int, entry: zipfile.ZipInfo, trouble: list[Refused]) -> None:
        name = real_name(entry)
        parts = tuple(part for part in name.split("/") if part not in ("", "."))
        reason = reason_against(entry, name, parts)
        if not reason and is_clutter(parts):
            if not Member(parts).is_notebook:
                return
            reason = CLUTTER
        if not reason and Member(parts) in self.entries:
            reason = "A second member of this name; only the first one is read."
        if reason:
            trouble.append(Refused(what=shown(name), reason=reason))
        else:
            self.entries[Member(parts)] = (number, entry)

    def read(self, member: Member) -> bytes:
        """The bytes of a member, which are counted as they come: what its header says of them may be a lie."""
        _, entry = self.entries[member]
        if entry.file_size > self.limits.member:
            raise UnreadableError(too_large(entry.file_size, self.limits))
        most = self.limits.member
        if self.limits.ratio * entry.compress_size > RATIO_FROM:
            most = min(most, self.limits.ratio * entry.compress_size)
        else:
            most = min(most, RATIO_FROM)
        data = bytearray()
        try:
            with self.archive.open(entry) as stream:
                while chunk := stream.read(CHUNK):
                    data += chunk
                    if len(data) > most:
                        raise UnreadableError(self._bomb(len(data)))
        except UNREADABLE as exc:
            raise UnreadableError(f"Cannot be unpacked ({reason_of(exc)}); ask for the file again.") from None
        return bytes(data)

    def close(self) -> None:
        """Close the archive."""
        self.archive.close()

    def _bomb(self, size: int) -> str:
        if size > self.limits.member:
            return too_large(size, self.limits)
        return f"Unpacks to more than {self.limits.ratio} times its size, as a zip bomb does; not unpacked."

    def take(self, member: Member) -> Path:
        """The member as a file, in a folder that is named by its place in the archive."""
        data = self.read(member)
        if self.taken + len(data) > self.limits.total:
            most = f"{self.limits.total / 10**9:.0f} GB"
            raise UnreadableError(f"The archive holds more than the {most} that are unpacked; grade it in parts.")
        self.taken += len(data)
        number, _ = self.entries[member]
        path = self.into / f"{number:05}" / safe_name(member)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as exc:
            raise GraderError(
                f"{path}: cannot be written: {exc.strerror}.", "Make room, or name another place."
            ) from exc
        return path


def real_name(entry: zipfile.ZipInfo) -> str:
    """The member's name with ``/`` between folders; UTF-8 also where the archive forgot to say so."""
    name = entry.orig_filename
    if not entry.flag_bits & UTF8_FLAG:
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = entry.orig_filename
    return name.replace("\\", "/")


def reason_against(entry: zipfile.ZipInfo, name: str, parts: tuple[str, ...]) -> str:
    """Why this member is not even looked at; empty where it may be."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if not parts:
        return "It has no name."
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "An absolute path; members of an archive must lie within it."
    if ".." in parts:
        return "The path leads out of the archive."
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        return "There are control characters in the name; rename the file."
    if any(DEVICES.fullmatch(part.split(".")[0].rstrip()) for part in parts):
        return "Named like a device of Windows; rename the file."
    if kind == stat.S_IFLNK:
        return "A link, which could lead anywhere; put the file itself in its place."
    if kind and kind != stat.S_IFREG:
        return "Not a file that holds anything (a pipe, a socket or a device)."
    if entry.flag_bits & ENCRYPTED_FLAG:
        return "Encrypted; unpack the archive with its password and name the folder."
    return ""


def reason_of(exc: BaseException) -> str:
    """What Python's reader said, in few words."""
    if isinstance(exc, NotImplementedError):
        return "an unknown way of compression"
    text = str(exc).split("\n")[0].rstrip(".")
    return "damaged" if not text or len(text) > 60 or "/" in text else text[0].lower() + text[1:]


def safe_name(member: Member) -> str:
    """A file name that every file system takes, and no command line trips over."""
    stem = re.sub(r"[^\w.+ -]", "_", member.stem).strip(". ").lstrip("-")
    # 255 bytes is the most that common file systems take.
    short = stem.encode("utf-8")[:120].decode("utf-8", errors="ignore")
    return f"{short or 'notebook'}{'.ipynb' if member.is_notebook else Path(member.name).suffix[:10]}"


def shown(name: str) -> str:
    """A member's name as it can be written into any report."""
    printable = "".join(character if character.isprintable() else "\ufffd" for character in name)
    return printable if len(printable) <= 200 else f"{printable[:197]}..."

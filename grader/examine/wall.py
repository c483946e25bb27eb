"""Reading files that a stranger's process may have written: plain ones only, of a bounded size, by folder handle.

A link, a pipe, a device or a file beyond its limit is refused, and the reader is told why; nothing here follows a
link, waits for a pipe's other end, or reads more than was asked for.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

__all__ = ["RefusedError", "names_in", "opened", "parse_json", "path_of", "read_bytes"]

MOST_NAMES = 20_000
MOST_DEPTH = 100
MOST_VALUES = 1_000_000
"""Values in one JSON text: a short text of many empty lists takes fifty times its size in memory."""
OPENAT2 = 437
"""Number of the system call, the same on every architecture that has it."""
BENEATH, NO_SYMLINKS, NO_MAGICLINKS = 0x08, 0x04, 0x02
STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
"""Half of a pair, as JSON writes it."""
FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class RefusedError(Exception):
    """A file is not read; the text says why, as the end of a sentence that begins with its name."""


class How(ctypes.Structure):
    """`struct open_how` of Linux."""

    _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]


@contextmanager
def opened(folder: Path, name: str, most: int) -> Iterator[int]:
    """A file descriptor of the plain file with this name in this very folder.

    Args:
        most: bytes that it may have.

    Raises:
        FileNotFoundError: there is none.
        RefusedError: there is something else, or the file is too large.
    """
    if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise RefusedError("is no plain name")
    file = open_within(folder, name)
    try:
        state = os.fstat(file)
        if not stat.S_ISREG(state.st_mode):
            raise RefusedError("is no plain file")
        if state.st_size > most:
            raise RefusedError(f"has {state.st_size} bytes, more than the {most} that are read")
        yield file
    finally:
        os.close(file)


def open_within(folder: Path, name: str) -> int:
    """Open the name in the folder without following any link."""
    try:
        if os.open not in os.supports_dir_fd:
            if (folder / name).is_symlink():
                raise RefusedError("is a link")
            return os.open(folder / name, FLAGS)
        holder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return open_beneath(holder, name)
        finally:
            os.close(holder)
    except FileNotFoundError:
        raise
    except OSError as exc:
        raise RefusedError(f"cannot be opened: {exc.strerror}") from exc


def open_beneath(holder: int, name: str) -> int:
    """By `openat2` where the kernel has it, which refuses links of every kind; else by flags alone."""
    call = system_call()
    if call is not None:
        how = How(FLAGS, 0, BENEATH | NO_SYMLINKS | NO_MAGICLINKS)
        file: int = call(OPENAT2, holder, os.fsencode(name), ctypes.byref(how), ctypes.sizeof(how))
        if file >= 0:
            return file
        number = ctypes.get_errno()
        if number not in (38, 1, 22):  # ENOSYS: an old kernel. EPERM, EINVAL: a sandbox that does not know it.
            raise OSError(number, os.strerror(number))
    return os.open(name, FLAGS, dir_fd=holder)


@functools.cache
def system_call() -> Any:
    """`syscall` of the C library; None where there is none."""
    if sys.platform != "linux":
        return None
    function = ctypes.CDLL(None, use_errno=True).syscall
    function.restype = ctypes.c_long
    function.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t]
    return function


def read_bytes(folder: Path, name: str, most: int) -> bytes:
    """All of the file; see `opened`."""
    with opened(folder, name, most) as file:
        parts, left = [], most
        # A file may grow while it is read.
        while left > 0 and (part := os.read(file, min(left, 1 << 20))):
            parts.append(part)
            left -= len(part)
    return b"".join(parts)


def path_of(file: int, folder: Path, name: str) -> str:
    """A path for a library that wants one: of the very file that was opened, where the system has such paths."""
    own = f"/proc/self/fd/{file}"
    return own if os.path.exists(own) else str(folder / name)


def names_in(folder: Path) -> list[str]:
    """Names in the folder in order; of a flood of them, the first that come."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return sorted(entry.name for entry in islice(entries, MOST_NAMES))
    return []


def parse_json(text: bytes) -> Any:
    """The value that the JSON stands for.

    Raises:
        ValueError: it is none, nested deeper, or of more values, than anything that the recorder writes, or no Unicode.
    """
    brackets = text.count(b"[") + text.count(b"{")
    if brackets + text.count(b",") > MOST_VALUES:
        raise ValueError("too many values")
    if brackets > MOST_DEPTH and depth(text) > MOST_DEPTH:
        raise ValueError("nested too deep")
    try:
        value = json.loads(text)
    except RecursionError as exc:
        raise ValueError("nested too deep") from exc
    if not text.isascii() or SURROGATE.search(text):
        # Half a pair alone is allowed in JSON, and in no text that is written later on. The recorder writes none.
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as exc:
            raise ValueError("not Unicode") from exc
    return value


def depth(text: bytes) -> int:
    """How deep the brackets outside of strings are nested."""
    deepest = level = 0
    for bracket in STRING.sub(b"", text).translate(None, delete=NO_BRACKETS):
        if bracket in b"[{":
            level += 1
            deepest = max(deepest, level)
        else:
            level -= 1
    return deepest

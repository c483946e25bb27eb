"""The grader's side of a kernel's isolation: what it may reach of the other side, and what it takes home."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from dataclasses import dataclass, field
from pathlib import Path

from grader.run.isolation import Isolation, Places, Sandbox

__all__ = ["Enclosure", "Usage"]

MOST_EVIDENCE = 4 * 10**9
"""Bytes that are taken home at most."""
MOST_FILES = 10_000
LOG_BYTES = 10_000


@dataclass(frozen=True)
class Usage:
    """What has been written."""

    disk: int
    """Bytes beyond what was given."""
    inodes: int
    """Files and folders beyond what was given."""


@dataclass
class Enclosure:
    """One kernel behind its walls.

    Args:
        tier: what the walls are made of.
        sandbox: what is within.
    """

    tier: Isolation
    sandbox: Sandbox
    _opened: dict[str, int] = field(default_factory=dict)
    _given: Usage | None = None

    def __post_init__(self) -> None:
        if self.tier.hides:
            # Its number is needed before there is anything to open: the grader's sockets connect by this path.
            self._opened["sockets"] = os.open("/", os.O_PATH | os.O_CLOEXEC)

    @property
    def places(self) -> Places:
        """Where the kernel finds things."""
        return self.tier.places(self.sandbox)

    @property
    def host(self) -> Places:
        """Where the grader finds the same things; of a hidden tree only what was opened."""
        if not self.tier.hides:
            return self.sandbox.host
        opened = {name: f"/proc/self/fd/{number}" for name, number in self._opened.items()}
        storage = opened.get("storage", "")
        return Places(
            work=f"{storage}/work",
            home=f"{storage}/home",
            evidence=opened.get("evidence", ""),
            inbox=opened.get("inbox", ""),
            sockets=opened["sockets"],
            weights=self.sandbox.weights,
        )

    @property
    def log(self) -> str:
        """What the kernel's process writes outside of all cells, as the kernel finds it."""
        return f"{self.places.sockets}/log"

    def last_words(self) -> str:
        """The last line of the log; empty where there is none."""
        try:
            file = os.open(f"{self.host.sockets}/log", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return ""
        with open(file, "rb") as stream:
            stream.seek(max(0, os.fstat(file).st_size - LOG_BYTES))
            lines = stream.read(LOG_BYTES).decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def adopt(self, names: list[str], files: list[int]) -> None:
        """Take over the folders that the monitor opened."""
        for name, file in zip(names, files, strict=True):
            if name in self._opened:
                os.dup2(file, self._opened[name], inheritable=False)
                os.close(file)
            else:
                self._opened[name] = file
        self._given = None
        self._given = self.usage()

    def usage(self) -> Usage:
        """What the notebook has written since it began."""
        if "storage" in self._opened:
            state = os.fstatvfs(self._opened["storage"])
            used = Usage((state.f_blocks - state.f_bfree) * state.f_frsize, state.f_files - state.f_ffree)
        else:
            used = measure([self.sandbox.host.work, self.sandbox.host.home], self.sandbox.inodes)
        before = self._given or Usage(0, 0)
        return Usage(used.disk - before.disk, used.inodes - before.inodes)

    def take_home(self, target: Path) -> tuple[str, ...]:
        """Copy the evidence out, once all that could still change it has ended.

        Plain files only, and none that is reached through a link: a notebook can write there too.

        Returns:
            Names of what was left behind: the recorder makes nothing of the kind.
        """
        if self.tier.hides and "evidence" not in self._opened:
            return ()  # It never began.
        left, behind = MOST_EVIDENCE, []
        with os.scandir(self.host.evidence) as entries:
            for _, entry in zip(range(MOST_FILES), entries, strict=False):
                copied = copy_plain(entry.path, target / entry.name, left)
                if copied is None:
                    behind.append(entry.name)
                else:
                    left -= copied
        return tuple(sorted(behind))

    def close(self) -> None:
        """Let go of the other side, which then is gone."""
        for number in self._opened.values():
            os.close(number)
        self._opened.clear()


def copy_plain(source: str, target: Path, most: int) -> int | None:
    """Copy a file if it is a plain one of at most so many bytes; the bytes copied, None where it is not."""
    with contextlib.suppress(OSError):
        file = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(file, "rb") as stream:
            state = os.fstat(file)
            if not stat.S_ISREG(state.st_mode) or state.st_size > most:
                return None
            with target.open("xb") as copy:
                shutil.copyfileobj(stream, copy, 1 << 20)
        return state.st_size
    return None


def measure(folders: list[str], most: int) -> Usage:
    """Bytes and entries below these folders; the count stops somewhat above the most that matters."""
    size = count = 0
    waiting = list(folders)
    while waiting and count <= 2 * most + 1000:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                count += 1
                with contextlib.suppress(OSError):
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
    return Usage(size, count)

"""What a tier of isolation is, and what a kernel is shown within it. One file a tier.

A tier is chosen by trying it (`grader.run.isolation._choice`), and put up by a monitor, a process between the grader
and the kernel (`grader.run.isolation._monitor`). A tier's module is imported on every platform: at its top it imports
nothing that only Linux has.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

__all__ = ["THREADS", "Isolation", "Places", "Sandbox", "first_to_go", "limit_memory", "reason"]

RUNTIME_BYTES = 2 * 10**9
"""What TensorFlow's own runtime maps and never touches (thread stacks, arenas); measured at 1.1 to 1.6 GB."""
THREADS = 64 + 16 * (os.cpu_count() or 1)
"""Threads that are nobody's fault: TensorFlow starts several for each core, and to Linux each is a process."""


@dataclass(frozen=True)
class Places:
    """Where things are, as the kernel sees them."""

    work: str
    """The notebook's folder. It may write here."""
    home: str
    """Settings, caches and temporary files. It may write here."""
    evidence: str
    """The recorder writes here."""
    inbox: str
    """What the grader tells it while it runs."""
    sockets: str
    """Where the grader connects."""
    weights: str
    """The store of pretrained weights."""


@dataclass(frozen=True)
class Sandbox:
    """What a kernel is shown, and what it may use of the machine.

    Args:
        tier: name of the isolation.
        root: the run's folder on the host.
        files: files and folders whose copies the work folder begins with, each with its name there.
        weights: the weights store.
        fonts: folder with Matplotlib's list of fonts, which the home folder begins with a copy of.
        memory: bytes that each process may allocate.
        processes: how many processes there may be at a time.
        disk: bytes that may be written, beyond the files that were there.
        inodes: files and folders that may be made.
    """

    tier: str
    root: str
    files: tuple[tuple[str, str], ...]
    weights: str
    fonts: str
    memory: int
    processes: int
    disk: int
    inodes: int

    def to_json(self) -> dict[str, Any]:
        """As `from_json` takes it."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Sandbox:
        """From what `to_json` gave."""
        return cls(**{**data, "files": tuple((source, name) for source, name in data["files"])})

    @property
    def host(self) -> Places:
        """Where things are outside."""
        root = Path(self.root)
        folders = {name: str(root / name) for name in ("work", "home", "evidence", "inbox", "sockets")}
        return Places(**folders, weights=self.weights)

    def fill(self, work: str, home: str) -> None:
        """Copy into the folders what they begin with."""
        import shutil

        for source, name in self.files:
            if os.path.isdir(source):
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, os.path.join(work, name), dirs_exist_ok=True, ignore=ignored)
            else:
                shutil.copy(source, os.path.join(work, name))
        os.makedirs(os.path.join(home, "tmp"), exist_ok=True)
        if os.path.isdir(self.fonts):
            shutil.copytree(self.fonts, os.path.join(home, "matplotlib"), dirs_exist_ok=True)


class Isolation(ABC):
    """How a kernel's process is kept from what is none of its business."""

    name: ClassVar[str]
    """Written in every report, e.g. ``bare``."""
    strength: ClassVar[int]
    """Tiers are tried from the highest to the lowest."""
    strict: ClassVar[bool] = False
    """Whether `--isolation strict` is content with it."""
    summary: ClassVar[str]
    """One sentence for `grader doctor`: what it stops and what not."""
    remedy: ClassVar[str] = ""
    """How to get this tier on a machine that lacks it, as sentences."""
    caution: ClassVar[str] = ""
    """What to beware of where there is nothing better than this tier, as a sentence."""
    hides: ClassVar[bool] = False
    """Whether the kernel sees a tree of files of its own, which the grader reads through what the monitor hands out."""

    @abstractmethod
    def places(self, sandbox: Sandbox) -> Places:
        """Where the kernel finds things."""

    @abstractmethod
    def spawn(self, sandbox: Sandbox, kernel: Callable[[], None], tell: Callable[..., None]) -> int:
        """Fork the kernel's process, behind its walls. Called in the monitor, which has a single thread.

        Args:
            kernel: to be called in the forked process; does not return.
            tell: sends the monitor a message, with open files: `tell({...}, files=[...])`.

        Returns:
            The number of the monitor's child; when that has ended, so has the kernel.
        """

    def works(self) -> str:
        """Why it cannot work here, without trying; empty where nothing speaks against it."""
        return ""


def limit_memory(memory: int) -> None:
    """Refuse one huge allocation at once, as a MemoryError in the cell that asked for it.

    Growth in small steps is caught by the grader, which watches the memory that is really used.
    """
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit = memory + RUNTIME_BYTES
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def first_to_go() -> None:
    """Where the machine's memory runs out all the same, let it be this process that is killed, and not the grader."""
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def reason(error: BaseException) -> str:
    """In a line."""
    if isinstance(error, OSError) and error.strerror is not None:
        return f"{error.strerror}{f': {error.filename}' if error.filename else ''}"
    return str(error) or type(error).__name__

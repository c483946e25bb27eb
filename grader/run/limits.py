"""Watching a running kernel, and ending a cell or the whole run that goes beyond its limits."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Literal

import psutil
from jupyter_client.manager import AsyncKernelManager

from grader.assignment import Limits
from grader.evidence import LimitBreach
from grader.run.enclosure import Enclosure, Usage

__all__ = ["Watch"]

GRACE = 5.0
"""Seconds that a cell has to end after it was interrupted, before its kernel is killed."""
PERIOD = 0.25
"""Seconds between two looks at the memory."""
PATIENCE = 1.0
"""Seconds that one look may take; it takes a thousandth."""
NO_SPACE = ("No space left on device", "File too large")
"""What the system says where the disk's own bounds are met first: those of the file system, or of one file."""
Name = Literal["cell", "run", "memory", "output", "processes", "disk", "inodes"]


@dataclass
class Watch:
    """Enforces the limits of one run. A breach interrupts the cell; a cell that goes on gets its kernel killed."""

    limits: Limits
    manager: AsyncKernelManager
    enclosure: Enclosure
    began: float = field(default_factory=time.monotonic)
    breaches: list[LimitBreach] = field(default_factory=list)
    output: int = 0
    """Bytes of output so far."""
    killed: bool = False
    """Whether the kernel was killed for a breach."""
    most: Usage = field(default_factory=lambda: Usage(0, 0))
    """The most that was written, as far as it was seen."""
    told: Usage = field(default_factory=lambda: Usage(0, 0))
    """What was written when a full disk was told of last: as long as it stays at that, no other cell is at fault."""

    @property
    def left(self) -> float:
        """Seconds left of the whole run."""
        return self.limits.run - (time.monotonic() - self.began)

    def breached(self, limit: str) -> bool:
        """Whether this limit was run into."""
        return any(breach.limit == limit for breach in self.breaches)

    def count_output(self, size: int) -> bool:
        """Add to the output; False from the moment on that there is too much of it."""
        self.output += size
        return self.output <= self.limits.output

    async def guard(self, cell: int) -> None:
        """Watch this cell until it is cancelled."""
        started = time.monotonic()
        # Where the run has printed too much already, that is told of the cell that did, and not of all that follow.
        printable = self.limits.output + (self.output if self.output > self.limits.output else 0)
        while True:
            await asyncio.sleep(PERIOD)
            # Not interrupted first: what allocates or forks fast takes the machine down meanwhile.
            if self._over_memory_or_processes(cell) or self._over_disk(cell):
                await self.kill()
                return
            used = time.monotonic() - started
            # Where a fork bomb leaves the grader no time to look, the first look is an old one by the time it is done.
            if (used > self.limits.cell or self.left <= 0) and self._over_memory_or_processes(cell):
                await self.kill()
                return
            if self._over_time(cell, used) or self._over_output(cell, printable):
                await self.manager.interrupt_kernel()
                await asyncio.sleep(GRACE)
                await self.kill()
                return

    def note_full_disk(self, cell: int, error: str) -> None:
        """Say that a cell failed because it filled the disk, if that is what its error says."""
        full = any(words in error for words in NO_SPACE)
        if not full or any(one.cell == cell and one.limit in ("disk", "inodes") for one in self.breaches):
            return
        now = self._look_at_disk()
        if max(now.inodes / self.limits.inodes, now.disk / self.limits.disk) < 0.5:
            now = self.most  # It has tidied up meanwhile.
        of_files = now.inodes / self.limits.inodes > now.disk / self.limits.disk
        self._full(cell, "inodes" if of_files else "disk", max(now.inodes if of_files else now.disk, 0))

    def _over_memory_or_processes(self, cell: int) -> bool:
        members = members_of(self.manager.provisioner)
        if len(members) > self.limits.processes:
            return self._breach("processes", f"{self.limits.processes} processes", f"{len(members)} processes", cell)
        memory = memory_of(members)
        if memory > self.limits.memory:
            return self._breach("memory", size(self.limits.memory), size(memory), cell)
        return False

    def _look_at_disk(self) -> Usage:
        now = self.enclosure.usage()
        self.most = Usage(max(now.disk, self.most.disk), max(now.inodes, self.most.inodes))
        return now

    def _over_disk(self, cell: int) -> bool:
        """Whether more was written than may be. Where the disk itself is bounded, whoever fills it gets an error."""
        now = self._look_at_disk()
        if self.enclosure.tier.hides:
            return False
        if now.disk > max(self.limits.disk, self.told.disk):
            return self._full(cell, "disk", now.disk)
        if now.inodes > max(self.limits.inodes, self.told.inodes):
            return self._full(cell, "inodes", now.inodes)
        return False

    def _full(self, cell: int, limit: Literal["disk", "inodes"], used: int) -> bool:
        self.told = self.most
        if limit == "disk":
            return self._breach("disk", size(self.limits.disk), size(used), cell)
        return self._breach("inodes", f"{self.limits.inodes} files", f"{used} files", cell)

    def _over_time(self, cell: int, used: float) -> bool:
        if self.left <= 0:
            return self._breach("run", seconds(self.limits.run), seconds(self.limits.run - self.left), cell)
        if used > self.limits.cell:
            return self._breach("cell", seconds(self.limits.cell), seconds(used), cell)
        return False

    def _over_output(self, cell: int, most: int) -> bool:
        if self.output <= most:
            return False
        return self._breach("output", size(self.limits.output), f"more than {size(self.limits.output)}", cell)

    def _breach(self, limit: Name, allowed: str, used: str, cell: int) -> bool:
        self.breaches.append(LimitBreach(limit=limit, allowed=allowed, used=used, cell=cell))
        return True

    async def kill(self) -> None:
        """End the kernel, with all that it started."""
        self.killed = True
        provisioner = self.manager.provisioner
        if tree_of(provisioner) is None:
            kill_tree(provisioner.pid)
        else:
            provisioner.process.kill()


def tree_of(provisioner: object) -> int | None:
    """The process that all of the notebook's descend from; None where the kernel is a child of the grader's."""
    return getattr(getattr(provisioner, "process", None), "tree", None)


def members_of(provisioner: object) -> list[psutil.Process]:
    """All processes of the notebook's: the kernel, and whatever it started, also what it let loose."""
    try:
        tree = tree_of(provisioner)
        if tree is not None:
            return list(psutil.Process(tree).children(recursive=True))
        kernel = psutil.Process(getattr(provisioner, "pid", None))
        return [kernel, *kernel.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def memory_of(members: list[psutil.Process]) -> int:
    """Bytes of memory that these processes keep; what several share is counted once, where Linux tells.

    Of those that can be asked in time: what keeps the grader from its turn, a bomb of forks say, shows in the next
    look at how many there are, which is not to wait for this one.
    """
    total = 0
    deadline = time.monotonic() + PATIENCE
    for member in members:
        if time.monotonic() > deadline:
            break
        try:
            total += member.memory_info().rss if len(members) == 1 else share_of(member)
        except (psutil.NoSuchProcess, ProcessLookupError, FileNotFoundError):  # It ended since the listing.
            continue
    return total


def share_of(process: psutil.Process) -> int:
    """A process's share of the memory that it uses."""
    try:
        with open(f"/proc/{process.pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except PermissionError:
        pass
    except FileNotFoundError:
        if psutil.LINUX:
            raise
    return int(process.memory_info().rss)


def kill_tree(pid: int | None) -> None:
    """Kill a process and all that descend from it."""
    try:
        process = psutil.Process(pid)
        members = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    for member in members:
        try:
            member.kill()
        except psutil.NoSuchProcess:  # It ended by itself.
            continue


def seconds(value: float) -> str:
    """``60 s``."""
    return f"{value:.0f} s"


def size(value: float) -> str:
    """``3 GB``, ``10 MB``."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value:.0f} bytes"

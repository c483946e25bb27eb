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

__all__ = ["Watch"]

GRACE = 5.0
"""Seconds that a cell has to end after it was interrupted, before its kernel is killed."""
PERIOD = 0.25
"""Seconds between two looks at the memory."""


@dataclass
class Watch:
    """Enforces the limits of one run. A breach interrupts the cell; a cell that goes on gets its kernel killed."""

    limits: Limits
    manager: AsyncKernelManager
    began: float = field(default_factory=time.monotonic)
    breaches: list[LimitBreach] = field(default_factory=list)
    output: int = 0
    """Bytes of output so far."""
    killed: bool = False
    """Whether the kernel was killed for a breach."""

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
        try:
            process = psutil.Process(self.manager.provisioner.pid)
        except psutil.NoSuchProcess:
            return
        while True:
            await asyncio.sleep(PERIOD)
            memory = memory_of(process)
            if memory > self.limits.memory:
                # Not interrupted first: what allocates fast takes the machine down meanwhile.
                self._breach("memory", size(self.limits.memory), size(memory), cell)
                await self.kill()
                return
            if self._over_time(cell, time.monotonic() - started) or self._over_output(cell):
                await self.manager.interrupt_kernel()
                await asyncio.sleep(GRACE)
                await self.kill()
                return

    def _over_time(self, cell: int, used: float) -> bool:
        if self.left <= 0:
            return self._breach("run", seconds(self.limits.run), seconds(self.limits.run - self.left), cell)
        if used > self.limits.cell:
            return self._breach("cell", seconds(self.limits.cell), seconds(used), cell)
        return False

    def _over_output(self, cell: int) -> bool:
        if self.output <= self.limits.output:
            return False
        return self._breach("output", size(self.limits.output), f"more than {size(self.limits.output)}", cell)

    def _breach(self, limit: Literal["cell", "run", "memory", "output"], allowed: str, used: str, cell: int) -> bool:
        self.breaches.append(LimitBreach(limit=limit, allowed=allowed, used=used, cell=cell))
        return True

    async def kill(self) -> None:
        """End the kernel, with all that it started."""
        self.killed = True
        kill_tree(self.manager.provisioner.pid)


def memory_of(process: psutil.Process) -> int:
    """Resident bytes of a process and all that descend from it."""
    total = 0
    try:
        for member in (process, *process.children(recursive=True)):
            try:
                total += member.memory_info().rss
            except psutil.NoSuchProcess:  # It ended between the listing and the look.
                continue
    except psutil.NoSuchProcess:
        return 0
    return total


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

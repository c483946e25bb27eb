"""Limits of the process alone: no walls. Works everywhere."""

from __future__ import annotations

import sys

from grader.run.isolation._base import Isolation

__all__ = ["Bare"]

RUNTIME_BYTES = 2 * 10**9
"""What TensorFlow's own runtime maps and never touches (thread stacks, arenas); measured at 1.1 to 1.6 GB."""


class Bare(Isolation):
    """A process with limits on memory and core dumps."""

    name = "bare"
    summary = "limits on memory and time; files and the network are NOT walled off: grade only notebooks that you trust"

    def confine(self, memory: int) -> None:
        if sys.platform == "win32":
            return
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if sys.platform == "linux":
            # One huge allocation is refused at once, as a MemoryError in the cell that asked for it; growth in
            # small steps is caught by the grader, which watches the memory that is really used.
            limit = memory + RUNTIME_BYTES
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

"""Limits of the process alone: no walls. Works everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable

from grader.run.isolation._base import Isolation, Places, Sandbox, first_to_go, limit_memory

__all__ = ["Bare", "limit_files"]


class Bare(Isolation):
    """A process with limits on memory, files and core dumps."""

    name = "bare"
    strength = 0
    summary = "limits on memory and time; files and the network are NOT walled off: grade only notebooks that you trust"
    caution = "A notebook can read your files and use the network: grade only those that you trust."

    def places(self, sandbox: Sandbox) -> Places:
        return sandbox.host

    def spawn(self, sandbox: Sandbox, kernel: Callable[[], None], tell: Callable[..., None]) -> int:
        from grader.run.isolation._calls import die_with_parent

        sandbox.fill(sandbox.host.work, sandbox.host.home)
        child = os.fork()
        if child == 0:
            die_with_parent()
            first_to_go()
            limit_memory(sandbox.memory)
            limit_files(sandbox)
            kernel()
        return child


def limit_files(sandbox: Sandbox) -> None:
    """Bound the size of each file; how many there are, the grader looks after."""
    import resource
    import signal

    # An error in the cell that writes, and not the end of the kernel.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (sandbox.disk, sandbox.disk))

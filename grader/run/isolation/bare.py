"""Limits of the process alone: no walls. Works everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable

from grader.run.isolation._base import THREADS, Isolation, Places, Sandbox, first_to_go, limit_memory

__all__ = ["Bare", "limit_files", "limit_processes"]


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
            limit_processes(sandbox.processes)
            kernel()
        return child


def limit_files(sandbox: Sandbox) -> None:
    """Bound the size of each file; how many there are, the grader looks after."""
    import resource
    import signal

    # An error in the cell that writes, and not the end of the kernel.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (sandbox.disk, sandbox.disk))


def limit_processes(most: int) -> None:
    """Bound how many there may be. Linux counts all of the user's, and does not bound root's."""
    import resource

    def count() -> int:
        total = 0
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    if os.stat(f"/proc/{name}").st_uid == os.getuid():
                        total += len(os.listdir(f"/proc/{name}/task"))
                except OSError:  # It has ended meanwhile.
                    continue
        return total

    allowed = count() + most + THREADS
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    if hard != resource.RLIM_INFINITY:
        allowed = min(allowed, hard)
    resource.setrlimit(resource.RLIMIT_NPROC, (allowed, allowed))

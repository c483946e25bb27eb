"""The processes that kernels are forked from, as a test sees them."""

from __future__ import annotations

import psutil

__all__ = ["Zygotes", "zygotes_of"]


def zygotes_of(process: psutil.Process) -> list[psutil.Process]:
    """Those that this process has started."""
    return [child for child in process.children() if "grader.run.zygote.process" in child.cmdline()]


class Zygotes:
    """The zygotes that come to be from now on."""

    def __init__(self) -> None:
        self._before = {process.pid for process in zygotes_of(psutil.Process())}

    def new(self) -> list[psutil.Process]:
        return [process for process in zygotes_of(psutil.Process()) if process.pid not in self._before]

    def forks(self) -> list[psutil.Process]:
        return [fork for process in self.new() for fork in process.children()]

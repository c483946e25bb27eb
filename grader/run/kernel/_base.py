"""What a way of starting kernels is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from jupyter_client.manager import AsyncKernelManager

from grader.run.enclosure import Enclosure
from grader.run.recorder.config import KernelConfig

__all__ = ["KernelStarter"]


class KernelStarter(ABC):
    """Prepares a kernel in which the recorder is loaded before the first cell."""

    name: ClassVar[str]

    @abstractmethod
    def manager(self, enclosure: Enclosure, config: KernelConfig) -> AsyncKernelManager:
        """A manager whose `start_kernel` starts that kernel behind the walls of the enclosure."""

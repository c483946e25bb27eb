"""What a way of starting kernels is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from jupyter_client.manager import AsyncKernelManager

from grader.run.enclosure import Enclosure
from grader.run.kernel.monitored import Launch
from grader.run.recorder.config import KernelConfig

__all__ = ["KernelStarter"]


class KernelStarter(ABC):
    """Prepares a kernel in which the recorder is loaded before the first cell."""

    name: ClassVar[str]

    @abstractmethod
    def manager(self, enclosure: Enclosure, config: KernelConfig) -> AsyncKernelManager:
        """A manager whose `start_kernel` starts that kernel behind the walls of the enclosure."""

    @abstractmethod
    def launch(self, flavour: str, environment: dict[str, str]) -> Launch:
        """How to start a monitor for another process with this Keras than a notebook's. Linux only.

        Raises:
            KernelError: it cannot be started.
        """

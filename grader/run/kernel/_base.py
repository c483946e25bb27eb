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

    def expect(self, flavour: str, training: str) -> None:  # noqa: B027 - not every way can do something about it
        """Such a kernel will be asked for soon: whatever takes long may be begun, and is not waited for."""

    def dismiss(self) -> None:  # noqa: B027 - not every way keeps something
        """No kernel will be asked for any more: what is kept for them may go, and is not waited for."""

    @abstractmethod
    def launch(self, flavour: str, environment: dict[str, str]) -> Launch:
        """How to start a monitor for another process with this Keras than a notebook's. Linux only.

        Raises:
            KernelError: it cannot be started.
        """

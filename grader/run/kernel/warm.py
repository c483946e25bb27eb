"""Kernels forked from a process that has imported TensorFlow: there in a moment, not in seconds. Linux only."""

from __future__ import annotations

import atexit

from jupyter_client.manager import AsyncKernelManager

from grader.run.enclosure import Enclosure
from grader.run.kernel._base import KernelStarter
from grader.run.kernel.cold import new_manager
from grader.run.kernel.monitored import Launch, provide
from grader.run.recorder.config import KernelConfig
from grader.run.zygote import Kind, Zygote, can_fork, started_ahead

__all__ = ["WarmKernels"]


class WarmKernels(KernelStarter):
    """Starts kernels from one zygote a Keras flavour and kind of training, which lives as long as this object.

    Args:
        lean: import only what nearly every notebook needs. For one notebook the rest does not pay; the zygote itself
            does, because it imports while the notebook is still being looked at.
    """

    name = "warm"

    def __init__(self, *, lean: bool = False) -> None:
        self._lean = lean
        self._zygotes: dict[tuple[str, str], Zygote] = {}
        atexit.register(self.close)

    @staticmethod
    def available() -> bool:
        """Whether kernels can be forked here."""
        return can_fork()

    def expect(self, flavour: str, training: str) -> None:
        """Have the zygote start to import."""
        self._begun(flavour, training)

    def manager(self, enclosure: Enclosure, config: KernelConfig) -> AsyncKernelManager:
        """A manager whose kernel is forked from the zygote of this Keras, which is started where there is none.

        Raises:
            KernelError: the zygote cannot be started.
        """
        manager = new_manager(enclosure, config)
        provide(manager, enclosure, config, self.launcher(config.flavour, config.training))
        return manager

    def launch(self, flavour: str, environment: dict[str, str]) -> Launch:
        return self.launcher(flavour)

    def launcher(self, flavour: str, training: str | None = None) -> Launch:
        """From the zygote of this Keras and kind of training; without a kind, from any that is there.

        Raises:
            KernelError: the zygote cannot be started.
        """
        if training is None:
            warm = (kind for kind, zygote in self._zygotes.items() if kind[0] == flavour and zygote.alive)
            training = next(warm, (flavour, "bounded"))[1]
        zygote = self._begun(flavour, training)
        zygote.wait()
        return zygote.fork

    def dismiss(self) -> None:
        """Have the zygotes leave."""
        for zygote in self._zygotes.values():
            zygote.dismiss()

    def _begun(self, flavour: str, training: str) -> Zygote:
        zygote = self._zygotes.get((flavour, training))
        if zygote is not None and not zygote.alive:
            zygote.close()
        if zygote is None or not zygote.alive:
            kind = Kind(flavour, training, self._lean)
            zygote = self._zygotes[flavour, training] = started_ahead(kind) or Zygote()
            zygote.become(kind)
        return zygote

    def close(self) -> None:
        """End the zygotes, and with them whatever was forked from them and is still there."""
        for zygote in self._zygotes.values():
            zygote.close()
        self._zygotes.clear()

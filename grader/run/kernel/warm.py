"""Kernels forked from a process that has imported TensorFlow: there in a moment, not in seconds. Linux only."""

from __future__ import annotations

import atexit
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager

from grader.child import python_module
from grader.errors import KernelError
from grader.run.enclosure import Enclosure
from grader.run.isolation._monitor import receive, send
from grader.run.kernel._base import KernelStarter
from grader.run.kernel.cold import font_list, kernel_environment, new_manager
from grader.run.kernel.monitored import Launch, provide
from grader.run.recorder.config import KernelConfig
from grader.run.workspace import LOCK, take_lock

__all__ = ["WarmKernels"]

STARTUP = 120
"""Seconds that a zygote may take to import everything."""


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
        return sys.platform == "linux" and hasattr(os, "fork") and Path("/proc/self/task").is_dir()

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

    def _begun(self, flavour: str, training: str) -> Zygote:
        zygote = self._zygotes.get((flavour, training))
        if zygote is not None and not zygote.alive:
            zygote.close()
        if zygote is None or not zygote.alive:
            zygote = self._zygotes[flavour, training] = Zygote(flavour, training, lean=self._lean)
        return zygote

    def close(self) -> None:
        """End the zygotes, and with them whatever was forked from them and is still there."""
        for zygote in self._zygotes.values():
            zygote.close()
        self._zygotes.clear()


class Zygote:
    """The process that kernels are forked from."""

    def __init__(self, flavour: str, training: str, *, lean: bool) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        self._home = tempfile.TemporaryDirectory(prefix="grader-zygote-")
        # As long as this process lives, no other one takes the folder for forgotten.
        self._lock = take_lock(Path(self._home.name) / LOCK)
        self._log = (Path(self._home.name) / "log").open("w+b")
        with theirs:
            self._process = subprocess.Popen(
                python_module("grader.run.kernel.zygote", flavour, "lean" if lean else "full"),
                stdin=theirs.fileno(),
                stdout=self._log,
                stderr=self._log,
                env={
                    **kernel_environment(self._home.name, flavour, training),
                    "TMPDIR": self._home.name,
                    "MPLCONFIGDIR": str(font_list()),
                    # Their thread pools would be there before the first fork.
                    "OPENBLAS_NUM_THREADS": "1",
                    "OMP_NUM_THREADS": "1",
                    # The same of Arrow's memory pool, which pandas brings along where it is installed.
                    "JE_ARROW_MALLOC_CONF": "background_thread:false",
                },
                cwd="/",
                start_new_session=True,
            )
        self._control.settimeout(STARTUP)
        self._ready = False

    def wait(self) -> None:
        """Return once it has imported what it should.

        Raises:
            KernelError: it could not, or cannot be forked afterwards.
        """
        if self._ready:
            return
        threads = self._answer().get("threads")
        if threads != 1:
            self.close()
            raise KernelError(f"Warm kernels: {threads} threads after the imports, so that nothing can be forked.")
        self._ready = True

    @property
    def alive(self) -> bool:
        """Whether it can still be forked."""
        return self._process.poll() is None

    def _answer(self) -> dict[str, Any]:
        try:
            answer = receive(self._control)[0]
        except TimeoutError:
            answer = {}
        if not answer:
            self._log.seek(0)
            lines = self._log.read().decode(errors="replace").strip().splitlines()
            self.close()
            raise KernelError(
                f"Warm kernels could not be started: {lines[-1] if lines else 'no answer'}.",
                "Run `grader doctor` to see what is missing.",
            )
        return answer

    def fork(self, theirs: socket.socket, log: int) -> None:
        """A monitor at the other end of this socket, writing to this file descriptor."""
        send(self._control, {"do": "fork"}, [theirs.fileno(), log])

    def close(self) -> None:
        """End it. Its kernels are killed with it."""
        self._control.close()
        if self._ready:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        self._process.kill()
        self._process.wait()
        self._log.close()
        self._home.cleanup()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

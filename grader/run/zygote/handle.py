"""The grader's end of a zygote."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from grader.child import python_module
from grader.errors import KernelError
from grader.run.environment import font_list, framework_settings, surroundings
from grader.run.isolation._monitor import receive, send
from grader.run.locks import LOCK, take_lock

__all__ = ["Kind", "Zygote", "can_fork"]

STARTUP = 120
"""Seconds that a zygote may take to import everything."""


def can_fork() -> bool:
    """Whether kernels can be forked here."""
    return sys.platform == "linux" and hasattr(os, "fork") and Path("/proc/self/task").is_dir()


class Kind(NamedTuple):
    """What a zygote is to become.

    Args:
        flavour: which Keras it imports, ``"2"`` or ``"3"``.
        training: for which kind of training, ``"bounded"`` or ``"full"``.
        lean: import only what nearly every notebook needs, and not whatever one of many may want.
    """

    flavour: str
    training: str
    lean: bool


class Zygote:
    """The process that kernels are forked from. It goes on importing once it is told what it is to become."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        self._home = tempfile.TemporaryDirectory(prefix="grader-zygote-")
        # As long as this process lives, no other one takes the folder for forgotten.
        self._lock = take_lock(Path(self._home.name) / LOCK)
        self._log = (Path(self._home.name) / "log").open("w+b")
        with theirs:
            self._process = subprocess.Popen(
                python_module("grader.run.zygote.process"),
                stdin=theirs.fileno(),
                stdout=self._log,
                stderr=self._log,
                env={
                    **surroundings(self._home.name),
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
        self.kind: Kind | None = None
        """What it was told to become."""

    def become(self, kind: Kind) -> None:
        """Say what it is to become; it is told once. Waits for nothing."""
        if self.kind is not None:
            return
        self.kind = kind
        settings = framework_settings(kind.flavour, kind.training)
        with contextlib.suppress(OSError):  # It is gone; whoever waits for it is told why.
            send(self._control, {"flavour": kind.flavour, "settings": settings, "lean": kind.lean})

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

    def dismiss(self) -> None:
        """Have it leave. Waits for nothing; to be closed all the same."""
        self._control.close()

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

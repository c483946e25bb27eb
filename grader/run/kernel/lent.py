"""Kernels from zygotes that another process keeps, so that workers side by side have one between them. Linux only.

    worker (LentKernels) ── which Keras, the monitor's socket, a log ──▶ grader (Lender) ── fork ──▶ zygote

The worker talks to the monitor itself from then on. Several zygotes would be as many times TensorFlow in memory, all
of them imported at the same time.
"""

from __future__ import annotations

import os
import socket
import threading

from jupyter_client.manager import AsyncKernelManager

from grader.errors import KernelError
from grader.run.enclosure import Enclosure
from grader.run.isolation._monitor import receive, send
from grader.run.kernel._base import KernelStarter
from grader.run.kernel.cold import new_manager
from grader.run.kernel.monitored import Launch, provide
from grader.run.kernel.warm import WarmKernels
from grader.run.recorder.config import KernelConfig

__all__ = ["Lender", "LentKernels"]


class Lender:
    """Keeps zygotes, and has them fork for whoever holds the other end of a socket that it gave."""

    def __init__(self) -> None:
        self._kernels = WarmKernels()
        # Each worker is served by a thread of its own, and a zygote must not be started twice.
        self._one_at_a_time = threading.Lock()

    def expect(self, flavour: str, training: str) -> None:
        """Have a zygote start to import."""
        with self._one_at_a_time:
            self._kernels.expect(flavour, training)

    def lend(self) -> socket.socket:
        """The end of a socket for one worker, whose process inherits it; to be closed here once it has."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        threading.Thread(target=self._serve, args=(ours,), name="lender", daemon=True).start()
        return theirs

    def _serve(self, worker: socket.socket) -> None:
        with worker:
            while True:
                request, files, _ = receive(worker)
                if not request:
                    return
                answer = self._fork(request["flavour"], request["training"], *files)
                try:
                    send(worker, answer)
                except OSError:  # It died meanwhile, and its monitor ends with its socket.
                    return

    def _fork(self, flavour: str, training: str | None, monitor: int, log: int) -> dict[str, str]:
        with socket.socket(fileno=monitor) as theirs:
            try:
                with self._one_at_a_time:
                    self._kernels.launcher(flavour, training)(theirs, log)
            except KernelError as exc:
                return {"error": exc.message, "remedy": exc.remedy}
            except OSError as exc:
                return {
                    "error": f"Warm kernels: the process that they are forked from has ended ({exc}).",
                    "remedy": "",
                }
            finally:
                os.close(log)
        return {"forked": "yes"}

    def close(self) -> None:
        """End the zygotes."""
        with self._one_at_a_time:
            self._kernels.close()


class LentKernels(KernelStarter):
    """Has kernels forked by a `Lender`.

    Args:
        lender: the end of the socket that it gave.
    """

    name = "warm"

    def __init__(self, lender: socket.socket) -> None:
        self._lender = lender

    def manager(self, enclosure: Enclosure, config: KernelConfig) -> AsyncKernelManager:
        manager = new_manager(enclosure, config)
        provide(manager, enclosure, config, self._launcher(config.flavour, config.training))
        return manager

    def launch(self, flavour: str, environment: dict[str, str]) -> Launch:
        return self._launcher(flavour, None)

    def _launcher(self, flavour: str, training: str | None) -> Launch:
        def launch(theirs: socket.socket, log: int) -> None:
            send(self._lender, {"flavour": flavour, "training": training}, [theirs.fileno(), log])
            answer = receive(self._lender)[0]
            if "forked" not in answer:
                raise KernelError(
                    answer.get("error", "The grader that keeps the kernels is gone."), answer.get("remedy", "")
                )

        return launch

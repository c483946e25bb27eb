"""Kernels forked from a process that has imported TensorFlow: there in a moment, not in seconds. Linux only."""

from __future__ import annotations

import array
import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

from grader.errors import KernelError
from grader.run.kernel._base import KernelStarter
from grader.run.kernel.cold import ColdKernel, kernel_environment
from grader.run.kernel.zygote import LARGEST_REQUEST, STATUS_BYTES
from grader.run.recorder.config import KernelConfig
from grader.run.workspace import Workspace

__all__ = ["WarmKernels"]

STARTUP = 120
"""Seconds that a zygote may take to import everything."""


class WarmKernels(KernelStarter):
    """Starts kernels from one zygote a Keras flavour, which lives as long as this object."""

    name = "warm"

    def __init__(self) -> None:
        self._zygotes: dict[str, Zygote] = {}
        atexit.register(self.close)

    @staticmethod
    def available() -> bool:
        """Whether kernels can be forked here."""
        return sys.platform == "linux" and hasattr(os, "fork") and Path("/proc/self/task").is_dir()

    def manager(self, folders: Workspace, config: KernelConfig) -> AsyncKernelManager:
        """A manager whose kernel is forked from the zygote of this Keras, which is started where there is none.

        Raises:
            KernelError: the zygote cannot be started.
        """
        manager = ColdKernel().manager(folders, config)
        zygote = self._zygotes.get(config.flavour)
        if zygote is None or not zygote.alive:
            zygote = self._zygotes[config.flavour] = Zygote(config.flavour, kernel_environment(folders, config))
        manager.provisioner = WarmProvisioner(
            kernel_id=str(uuid.uuid4()), kernel_spec=manager.kernel_spec, parent=manager
        )
        manager.provisioner.warm(zygote, folders.root / "kernel.json")
        return manager

    def close(self) -> None:
        """End the zygotes, and with them whatever was forked from them and is still there."""
        for zygote in self._zygotes.values():
            zygote.close()
        self._zygotes.clear()


class Zygote:
    """The process that kernels are forked from."""

    def __init__(self, flavour: str, environment: dict[str, str]) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        self._home = tempfile.TemporaryDirectory(prefix="grader-zygote-")
        self._log = (Path(self._home.name) / "log").open("w+b")
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "grader.run.kernel.zygote", flavour],
                stdin=theirs.fileno(),
                stdout=self._log,
                stderr=self._log,
                env={
                    **environment,
                    "HOME": self._home.name,
                    "TMPDIR": self._home.name,
                    # Their thread pools would be there before the first fork.
                    "OPENBLAS_NUM_THREADS": "1",
                    "OMP_NUM_THREADS": "1",
                    # The same of Arrow's memory pool, which pandas brings along where it is installed.
                    "JE_ARROW_MALLOC_CONF": "background_thread:false",
                },
                start_new_session=True,
            )
        self._control.settimeout(STARTUP)
        threads = self._answer().get("threads")
        if threads != 1:
            self.close()
            raise KernelError(f"Warm kernels: {threads} threads after the imports, so that nothing can be forked.")

    @property
    def alive(self) -> bool:
        """Whether it can still be forked."""
        return self._process.poll() is None

    def _answer(self) -> dict[str, Any]:
        try:
            message = self._control.recv(LARGEST_REQUEST)
        except TimeoutError:
            message = b""
        if not message:
            self._log.seek(0)
            lines = self._log.read().decode(errors="replace").strip().splitlines()
            self.close()
            raise KernelError(
                f"Warm kernels could not be started: {lines[-1] if lines else 'no answer'}.",
                "Run `grader doctor` to see what is missing.",
            )
        answer: dict[str, Any] = json.loads(message)
        return answer

    def fork(self, request: dict[str, Any], log: int) -> ForkedProcess:
        """A kernel for this request, writing to this file descriptor."""
        status, told = os.pipe()
        try:
            rights = array.array("i", [log, told])
            self._control.sendmsg(
                [json.dumps(request).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights.tobytes())]
            )
        except OSError:
            os.close(status)
            raise
        finally:
            os.close(told)
        return ForkedProcess(int(self._answer()["pid"]), status)

    def close(self) -> None:
        """End it. Its kernels are killed with it."""
        self._control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._process.kill()
        self._process.wait()
        self._log.close()
        self._home.cleanup()


class ForkedProcess:
    """A kernel's process as `subprocess.Popen` would show it, though it is the child of another process."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, status: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status = status
        os.set_blocking(status, False)

    def poll(self) -> int | None:
        """Its exit status as `Popen` gives it (negative: the signal that ended it); None while it runs."""
        if self.returncode is None:
            try:
                told = os.read(self._status, STATUS_BYTES)
            except BlockingIOError:
                return None
            # Without a word the monitor was killed, and the kernel with it.
            ended = os.waitstatus_to_exitcode(int.from_bytes(told, "little")) if told else -signal.SIGKILL
            self.returncode = ended
            os.close(self._status)
        return self.returncode

    def wait(self) -> int | None:
        """Called once it has ended."""
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Signal it, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)


class WarmProvisioner(LocalProvisioner):
    """Forks a zygote where jupyter_client's own provisioner starts a process."""

    def warm(self, zygote: Zygote, config: Path) -> None:
        """Say what to fork, and which configuration the kernel gets."""
        self._zygote = zygote
        self._config = config

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        request = {
            "config": str(self._config),
            "connection_file": self.parent.connection_file,
            "env": kwargs["env"],
        }
        process = self._zygote.fork(request, kwargs["stdout"].fileno())
        self.process = process
        self.pid = self.pgid = process.pid
        self.cwd = kwargs.get("cwd")
        return self.connection_info

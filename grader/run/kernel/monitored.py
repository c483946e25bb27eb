"""A kernel that a monitor looks after, which the grader talks to through a socket. Linux only."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

from grader.child import python_module
from grader.errors import KernelError
from grader.run.enclosure import Enclosure
from grader.run.recorder.config import KernelConfig

__all__ = ["Launch", "MonitoredProcess", "MonitoredProvisioner", "begin", "new_monitor", "provide"]

STARTUP = 60
"""Seconds that walls may take to be put up; they take a few hundredths of one."""
ENDING = 5.0
"""Seconds to wait for the end of a kernel that was killed, before it is left to whoever looks for it again."""
Launch = Callable[[socket.socket, int], "subprocess.Popen[bytes] | None"]
"""Starts a monitor, given its end of the socket and a file to write to; gives its process where that is a child."""


def provide(manager: AsyncKernelManager, enclosure: Enclosure, config: KernelConfig, launch: Launch) -> None:
    """Have the manager start its kernel through a monitor."""
    provisioner = MonitoredProvisioner(kernel_id=str(uuid.uuid4()), kernel_spec=manager.kernel_spec, parent=manager)
    provisioner.prepare(enclosure, config, launch)
    manager.provisioner = provisioner


def new_monitor(environment: dict[str, str]) -> Launch:
    """A monitor in a Python process of its own."""

    def launch(theirs: socket.socket, log: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            python_module("grader.run.isolation._monitor"),
            stdin=theirs.fileno(),
            stdout=log,
            stderr=log,
            env=environment,
            cwd="/",
            start_new_session=True,
        )

    return launch


class MonitoredProcess:
    """A kernel's process as `subprocess.Popen` would show it."""

    stdin = stdout = stderr = None

    def __init__(self, control: socket.socket, pid: int, tree: int, monitor: subprocess.Popen[bytes] | None) -> None:
        self.pid = pid
        self.tree = tree
        """All that the notebook started descends from this process; itself it is none of the notebook's."""
        self.returncode: int | None = None
        self._control = control
        self._monitor = monitor

    def poll(self) -> int | None:
        """Its exit status as `Popen` gives it (negative: the signal that ended it); None while it runs."""
        from grader.run.isolation._monitor import receive

        if self.returncode is None:
            self._control.setblocking(False)
            try:
                told = receive(self._control)[0]
            except BlockingIOError:
                return None
            # Without a word the monitor was killed, and the kernel with it.
            self.returncode = os.waitstatus_to_exitcode(told["ended"]) if "ended" in told else -signal.SIGKILL
            self._control.close()
            if self._monitor is not None:
                self._monitor.wait()
        return self.returncode

    def wait(self) -> int | None:
        """Called once it has ended."""
        return self.poll()

    async def ended(self) -> None:
        """Return as soon as the monitor tells that it has."""
        if self.poll() is not None:
            return
        loop, told = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._control, told.set)
        try:
            await told.wait()
        finally:
            loop.remove_reader(self._control)

    def send_signal(self, number: int) -> None:
        """SIGINT interrupts it; any other signal ends it, with all that it started."""
        if self.poll() is None:
            word = "interrupt" if number == signal.SIGINT else "kill"
            with contextlib.suppress(OSError):
                self._control.sendall(json.dumps({"do": word}).encode())

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)


def begin(enclosure: Enclosure, request: dict[str, Any], launch: Launch, output: int) -> MonitoredProcess:
    """Have a monitor put up the walls of the enclosure and start within them what is requested.

    Args:
        output: file descriptor that the monitor itself writes to.

    Raises:
        KernelError: the walls cannot be put up.
    """
    from grader.run.isolation._monitor import receive, send

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        monitor = launch(theirs, output)
    ours.settimeout(STARTUP)
    try:
        send(ours, request)
        told, files, _ = receive(ours)
    except OSError as exc:
        told, files = {"error": f"the monitor does not answer ({exc})"}, []
    if "kernel" not in told:
        ours.close()
        if monitor is not None:
            monitor.wait()
        raise KernelError(
            f"The walls around the kernel ({enclosure.tier.name}) could not be put up:"
            f" {told.get('error', 'the monitor ended')}.",
            "Run `grader doctor` to see what is missing.",
        )
    enclosure.adopt(told.get("opened", []), files)
    return MonitoredProcess(ours, told["kernel"], told["tree"], monitor)


class MonitoredProvisioner(LocalProvisioner):
    """Asks a monitor where jupyter_client's own provisioner starts a process."""

    def prepare(self, enclosure: Enclosure, config: KernelConfig, launch: Launch) -> None:
        """Say what to start, and where."""
        self._enclosure = enclosure
        self._config = config
        self._launch = launch

    async def kill(self, restart: bool = False) -> None:
        """End it, and wait for that: jupyter_client, which goes on waiting, looks only every tenth of a second."""
        await super().kill(restart)
        if self.process is not None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.process.ended(), ENDING)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        enclosure = self._enclosure
        connection = json.loads(Path(self.parent.connection_file).read_text(encoding="utf-8"))
        connection["ip"] = f"{enclosure.places.sockets}/k"
        request = {
            "sandbox": enclosure.sandbox.to_json(),
            "config": self._config.to_json(),
            "connection": connection,
            # Not what jupyter_client passes on: that has all the variables of the grader's own.
            "env": dict(self.kernel_spec.env),
            "log": enclosure.log,
        }
        self.process = begin(enclosure, request, self._launch, kwargs["stdout"].fileno())
        self.pid = self.process.pid
        self.cwd = kwargs.get("cwd")
        return self.connection_info

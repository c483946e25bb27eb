"""The process between the grader and a kernel: puts up the walls, watches, and sees to it that nothing is left.

    grader ── monitor ── (init ──) kernel ── whatever that starts

A cold kernel: `python -m grader.run.isolation._monitor` with a socket as stdin; a warm one: forked from the zygote. The
monitor is told what to do in one message, answers with the kernel's number, takes the words `interrupt` and `kill`, and
tells at last how the kernel ended. When the grader is gone, however it went, the socket closes: then the monitor
kills all that it had let loose and removes the run's folder. Linux only.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

from grader.run.isolation._base import Isolation, Sandbox, reason
from grader.run.isolation._calls import PR_SET_CHILD_SUBREAPER, prctl
from grader.run.isolation._found import tier_named

__all__ = ["LARGEST_MESSAGE", "MOST_FILES", "Monitor", "receive", "send"]

LARGEST_MESSAGE = 1 << 17
MOST_FILES = 8
CREDENTIALS = struct.Struct("3i")
Start = Callable[[dict[str, Any]], None]


def send(channel: socket.socket, message: dict[str, Any], files: list[int] | None = None) -> None:
    """One message, with open files."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files).tobytes())] if files else []
    channel.sendmsg([json.dumps(message).encode()], rights)


def receive(channel: socket.socket) -> tuple[dict[str, Any], list[int], int]:
    """One message, its open files, and the number of the process that sent it (0: not told).

    An empty message: the other side is gone.
    """
    size = array.array("i").itemsize
    space = socket.CMSG_SPACE(MOST_FILES * size) + socket.CMSG_SPACE(CREDENTIALS.size)
    try:
        data, ancillary, _, _ = channel.recvmsg(LARGEST_MESSAGE, space)
    except ConnectionResetError:
        return {}, [], 0
    files, sender = array.array("i"), 0
    for _, kind, content in ancillary:
        if kind == socket.SCM_RIGHTS:
            files.frombytes(content[: len(content) - len(content) % size])
        elif kind == socket.SCM_CREDENTIALS:
            sender = CREDENTIALS.unpack(content)[0]
    return (json.loads(data) if data else {}), list(files), sender


class Monitor:
    """One kernel, from its walls to its end."""

    def __init__(self, control: socket.socket, request: dict[str, Any], start: Start) -> None:
        self._control = control
        self._request = request
        self._start = start
        self._sandbox = Sandbox.from_json(request["sandbox"])
        self._tier: Isolation = tier_named(self._sandbox.tier)
        self._child = 0
        self._kernel = 0

    def run(self) -> None:
        """Do all of it. Never returns."""
        status = 0
        try:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
                signal.signal(number, signal.SIG_IGN)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            # What a kernel leaves behind becomes the monitor's own to end.
            prctl(PR_SET_CHILD_SUBREAPER, 1)
            self._begin()
            self._watch()
        except BaseException as exc:
            status = 1
            self._tell_grader({"error": reason(exc)})
        finally:
            self._sweep()
            os._exit(status)

    def _begin(self) -> None:
        self._inner, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._inner.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        kernel = Kernel(self._control, self._inner, theirs, self._request, self._start)
        self._child = self._tier.spawn(self._sandbox, kernel.become, kernel.tell)
        theirs.close()
        told: dict[str, Any] = {"tree": self._child if self._tier.hides else os.getpid()}
        files: list[int] = []
        while "here" not in told:
            message, opened, sender = receive(self._inner)
            if not message or "error" in message:
                raise OSError(message.get("error", "the process ended before it began"))
            told.update(message)
            files += opened
            if "here" in message:
                told["kernel"] = self._kernel = sender
        self._tell_grader(told, files)
        for file in files:
            os.close(file)
        # Not before it is known, lest it be gone and its number another's.
        self._pidfd = os.pidfd_open(self._kernel)
        send(self._inner, {"go": True})

    def _watch(self) -> None:
        """Until the kernel has ended or the grader is gone."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(os.pidfd_open(self._child), select.POLLIN)
        while True:
            ready = [source for source, _ in poll.poll()]
            if self._control.fileno() not in ready:
                self._end()
                return
            word, _, _ = receive(self._control)
            if word.get("do") == "interrupt":
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._pidfd, signal.SIGINT)
                continue
            # All at once: the child alone would wait for its turn to end among thousands of a bomb's.
            self._kill_all()
            self._end()
            if not word:
                shutil.rmtree(self._sandbox.root, ignore_errors=True)
            return

    def _end(self) -> None:
        """Wait for the child, kill what it left, and tell how the kernel ended."""
        _, ended = os.waitpid(self._child, 0)
        self._sweep()
        if self._tier.hides:
            # The init's own end says nothing; and it told nothing if it was killed.
            ended = receive(self._inner)[0].get("ended", signal.SIGKILL)
        self._tell_grader({"ended": ended})

    def _sweep(self) -> None:
        """Kill whatever is left below this process, until there is nothing."""
        self._kill_all()
        with contextlib.suppress(ChildProcessError):
            while True:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
                self._kill_all()
                time.sleep(0.005)

    def _kill_all(self) -> None:
        stopped: set[int] = set()
        if below(os.getpid()):
            be_first()
        # A bomb of forks fills each place that a killed process leaves. Stopped ones leave none.
        while not (found := set(below(os.getpid()))) <= stopped:
            for pid in found - stopped:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGSTOP)
            stopped |= found
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def _tell_grader(self, message: dict[str, Any], files: list[int] | None = None) -> None:
        with contextlib.suppress(OSError):
            send(self._control, message, files)


def be_first() -> None:
    """Go before all that a notebook may have let loose, where that is allowed: there may be thousands of them."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def below(pid: int) -> list[int]:
    """All processes that descend from this one."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    parent = int(file.read().rpartition(b")")[2].split()[1])
            except OSError:  # It has ended meanwhile.
                continue
            parents.setdefault(parent, []).append(int(name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


class Kernel:
    """The forked process on its way to being a kernel."""

    def __init__(
        self,
        control: socket.socket,
        outer: socket.socket,
        inner: socket.socket,
        request: dict[str, Any],
        start: Start,
    ) -> None:
        self._others = (control, outer)
        self._inner = inner
        self._request = request
        self._start = start

    def tell(self, message: dict[str, Any], files: list[int] | None = None) -> None:
        """Tell the monitor."""
        send(self._inner, message, files)
        for file in files or ():
            os.close(file)

    def become(self) -> None:
        """Report to the monitor and wait until it knows, then run what is to be run. Never returns."""
        status = 1
        try:
            for channel in self._others:
                channel.close()
            os.setsid()
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self.tell({"here": True})
            if "go" not in receive(self._inner)[0]:
                os._exit(1)
            self._open_only(self._request.get("log", ""))
            os.environ.clear()
            os.environ.update(self._request["env"])
            self._start(self._request)
            status = 0
        except SystemExit as exc:
            status = exc.code if isinstance(exc.code, int) else 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            with contextlib.suppress(OSError, ValueError, AttributeError):
                sys.__stderr__.flush()  # type: ignore[union-attr]
            os._exit(status)

    def _open_only(self, log: str) -> None:
        """Nothing to read from, the log to write to, and no other open file."""
        nothing = os.open(os.devnull, os.O_RDONLY)
        written = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for source, target in ((nothing, 0), (written, 1), (written, 2)):
            os.dup2(source, target)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))


def main() -> None:
    """Be the monitor of a cold kernel."""
    from grader.run.isolation._start import start_cold_kernel

    control = socket.socket(fileno=os.dup(0))
    request, _, _ = receive(control)
    if request:
        Monitor(control, request, start_cold_kernel).run()


if __name__ == "__main__":
    main()

"""Keeping a flood of output out of memory.

ipykernel queues what a cell prints faster than anybody reads it, without a bound. The grader ends a cell that prints
more than it may, but by the time it has read that much, the queue may have eaten the machine's memory.
"""

from __future__ import annotations

import os
import sys
from typing import Any

__all__ = ["bound_output", "pipe_without_network"]


def bound_output(limit: int) -> None:
    """Drop what is printed beyond twice this many bytes: enough for the grader to see that the limit is passed."""
    gate = Gate(2 * limit)
    for stream in (sys.stdout, sys.stderr):
        stream.write = gate.around(stream.write)  # type: ignore[method-assign]


def pipe_without_network() -> None:
    """Have forked children of the kernel send what they print through a file's socket: they may open no other one."""
    if sys.platform == "win32":
        return
    import zmq
    from ipykernel import kernelapp
    from ipykernel.iostream import IOPubThread
    from zmq.eventloop.zmqstream import ZMQStream

    class LocalIOPubThread(IOPubThread):
        """As ipykernel has it, but for the address."""

        def _setup_pipe_in(self) -> None:
            self._pipe_uuid = os.urandom(16)
            self._pipe_address = f"ipc://{os.environ['HOME']}/printed"
            pipe = self.socket.context.socket(zmq.PULL)
            pipe.linger = 0
            pipe.bind(self._pipe_address)
            self._pipe_in = ZMQStream(pipe, self.io_loop)
            self._pipe_in.on_recv(self._handle_pipe_msg)

        def _setup_pipe_out(self) -> Any:
            # A context of its own: the parent's is of no use after a fork.
            context = zmq.Context()
            pipe = context.socket(zmq.PUSH)
            pipe.linger = 3000
            pipe.connect(self._pipe_address)
            return context, pipe

    kernelapp.IOPubThread = LocalIOPubThread


class Gate:
    """Counts what all streams print together."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def around(self, write: Any) -> Any:
        """The stream's `write`, until the gate is shut."""

        def bounded(text: str) -> int:
            self._left -= len(text)
            # One text may be larger than all that is allowed.
            written: int = write(text if self._left >= 0 else text[: max(0, len(text) + self._left)])
            return len(text) if written is None or self._left < 0 else written

        return bounded

"""The process that warm kernels are forked from: `python -m grader.run.kernel.zygote FLAVOUR` with a socket as stdin.

It imports once what every kernel needs, runs no TensorFlow operation (the first one starts threads, and a fork would
leave a child waiting for threads that it does not have), and then only waits for requests. A request forks a monitor,
which forks the kernel, waits for its end and tells how it ended:

    zygote ── monitor ── kernel

When the grader dies the socket closes and the zygote exits; each process is killed with its parent.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import gc
import importlib
import json
import os
import random
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from grader.run.recorder.imports import collector_at_rest

__all__ = ["LARGEST_REQUEST", "STATUS_BYTES", "main"]

LARGEST_REQUEST = 1 << 16
STATUS_BYTES = 4
PR_SET_PDEATHSIG = 1
WANTED = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "IPython.core.magics",
    "IPython.core.completer",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "matplotlib_inline.backend_inline",
    "numpy",
    "pandas",
    "PIL.Image",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "h5py",
    "safetensors.numpy",
    "tensorflow",
    "grader.run.recorder.install",
    "grader.run.recorder.launch",
)
"""What notebooks of this kind import, and what a kernel is made of."""


def main(flavour: str) -> None:
    """Import, say how many threads there are, and serve until the socket closes."""
    control = socket.socket(fileno=os.dup(0))
    with collector_at_rest():
        for name in (*WANTED, f"grader.run.recorder.keras{flavour}"):
            importlib.import_module(name)
        # What is garbage by now would never be looked at again.
        gc.collect()
    threads = len(os.listdir("/proc/self/task"))
    control.send(json.dumps({"threads": threads}).encode())
    # Monitors are nobody's to wait for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        message, files = receive(control)
        if not message:
            return
        if os.fork() == 0:
            monitor(control, json.loads(message), *files)
        for file in files:
            os.close(file)


def receive(control: socket.socket) -> tuple[bytes, list[int]]:
    """One request with its file descriptors: the log, and the pipe for the status."""
    size = array.array("i").itemsize
    message, ancillary, _, _ = control.recvmsg(LARGEST_REQUEST, socket.CMSG_SPACE(2 * size))
    files = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            files.frombytes(data[: len(data) - len(data) % size])
    return message, list(files)


def die_with_parent() -> None:
    """Be killed as soon as the parent is gone."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def monitor(control: socket.socket, request: dict[str, Any], log: int, status: int) -> None:
    """Fork the kernel, tell its number, wait for it, tell how it ended. Never returns."""
    try:
        die_with_parent()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = os.fork()
        if child == 0:
            os.close(status)
            control.close()
            kernel(request, log)
        control.send(json.dumps({"pid": child}).encode())
        control.close()
        _, ended = os.waitpid(child, 0)
        os.write(status, ended.to_bytes(STATUS_BYTES, "little"))
    finally:
        os._exit(0)


def kernel(request: dict[str, Any], log: int) -> None:
    """Become the kernel of one notebook. Never returns."""
    status = 1
    try:
        die_with_parent()
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.environ.clear()
        os.environ.update(request["env"])
        reseed()
        from grader.run.recorder.config import KernelConfig
        from grader.run.recorder.launch import serve

        serve(KernelConfig.read(Path(request["config"])), request["connection_file"])
        status = 0
    except SystemExit as exc:
        status = exc.code if isinstance(exc.code, int) else 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.__stderr__.flush()  # type: ignore[union-attr]
        os._exit(status)


def reseed() -> None:
    """Undo what forking does to chance: every child would draw the same numbers."""
    import numpy as np

    random.seed()
    np.random.seed()


if __name__ == "__main__":
    main(sys.argv[1])

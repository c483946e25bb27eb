"""The zygote itself: `python -m grader.run.zygote.process`. Its stdin is a socket.

It imports what every kernel has, is told which Keras it is to import and whether anything else, and then only waits for
requests. It runs no TensorFlow operation: the first one starts threads, and a fork would leave a child waiting for
threads that it does not have. A request forks a monitor (`grader.run.isolation._monitor`), which puts up the walls and
forks the kernel. When the grader dies its sockets close, and the zygote and all monitors end.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import random
import shutil
import signal
import socket
import tempfile
from typing import Any

from grader.run.compat import hazards
from grader.run.isolation._monitor import Monitor, receive, send
from grader.run.isolation._start import start_kernel
from grader.run.recorder.imports import collector_at_rest, leave_debugger_out
from grader.run.recorder.introspection import quick_introspection
from grader.run.recorder.launch import import_common, import_needed

__all__ = ["main"]

WANTED = (
    "ipykernel.ipkernel",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.pylabtools",
    "IPython.extensions.storemagic",
    "tornado.platform.asyncio",
    "tornado.queues",
    "matplotlib.backends.backend_agg",
    "numpy",
    "pandas",
    "PIL.Image",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "h5py",
    "safetensors.numpy",
    "tensorflow",
    "grader.run.recorder.install",
)
"""What else notebooks of this kind import, and kernels are made of. Not Matplotlib's inline backend: while it is being
imported it tells the kernel's shell how to show a figure, and here there is no shell yet."""


def main() -> None:
    """Import, say how many threads there are, and serve until the socket closes."""
    control = socket.socket(fileno=os.dup(0))
    import_common()
    told, _, _ = receive(control)
    if not told:  # Nobody wanted one.
        leave()
        return
    os.environ.update(told["settings"])
    if told["lean"]:
        import_needed(told["flavour"])
    else:
        import_wanted(told["flavour"])
    threads = len(os.listdir("/proc/self/task"))
    with contextlib.suppress(BrokenPipeError):  # Gone already; the loop below then ends at once.
        send(control, {"threads": threads})
    # Monitors are nobody's to wait for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        request, files, _ = receive(control)
        if not request:
            leave()
            return
        channel, log = files
        if os.fork() == 0:
            monitor(control, socket.socket(fileno=channel), log)
        for file in files:
            os.close(file)


def leave() -> None:
    """Remove the folder of this process. The grader does that too, if it ends by itself."""
    shutil.rmtree(os.environ["HOME"], ignore_errors=True)


def import_wanted(flavour: str) -> None:
    """Import whatever some notebook may want."""
    with collector_at_rest(), quick_introspection():
        leave_debugger_out()
        for name in (*WANTED, *map("grader.run.compat.{}".format, hazards()), f"grader.run.recorder.keras{flavour}"):
            importlib.import_module(name)
        # What is garbage by now would never be looked at again.
        gc.collect()


def monitor(zygotes: socket.socket, control: socket.socket, log: int) -> None:
    """Become the monitor of one kernel, once it is told which. Never returns."""
    try:
        zygotes.close()
        for target in (1, 2):
            os.dup2(log, target)
        os.close(log)
        request, _, _ = receive(control)
        if request:
            Monitor(control, request, start).run()
    finally:
        os._exit(0)


def start(request: dict[str, Any]) -> None:
    """Be a kernel that other forks have nothing in common with."""
    reseed()
    # Python looks for the folder for temporary files once: in the zygote, whose own is not there any more.
    tempfile.tempdir = None
    start_kernel(request)


def reseed() -> None:
    """Undo what forking does to chance: every child would draw the same numbers."""
    import numpy as np

    random.seed()
    np.random.seed()


if __name__ == "__main__":
    main()
    # Tidying TensorFlow up takes a while, and nobody would notice.
    os._exit(0)

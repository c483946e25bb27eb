"""A worker's process: `python -m grader.batch.worker FOLDER [SOCKET]` runs one notebook after the other.

A line of JSON (`Task`) on stdin gives a line of JSON (`{"ran": ...}` or `{"broke": ...}`) on stdout. The process ends
when stdin closes, also in the middle of a run, so that no worker outlives its grader.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import sys
import tempfile
import threading
from typing import TextIO

from grader.batch.work import Task, broke, run_task
from grader.run.kernel import KernelStarter, LentKernels, best_for

__all__ = ["main"]

LEAVING = 5.0
"""Seconds for cleaning up when the grader is gone."""
MANY = 1000
"""A worker runs as many notebooks as there are."""


def main(folder: str, lender: str = "") -> None:
    """Serve until stdin closes.

    Args:
        folder: for temporary files.
        lender: number of the socket to whoever keeps the zygotes; without it, this process starts its own kernels.
    """
    tempfile.tempdir = folder
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Whatever else is printed must not end up among the answers.
    os.dup2(2, 1)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=listen, args=(lines,), daemon=True).start()
    starter = LentKernels(socket.socket(fileno=int(lender))) if lender else best_for(MANY)
    while line := lines.get():
        answer(line, answers, starter)


def listen(lines: queue.SimpleQueue[str]) -> None:
    """Pass lines on; where they end, end the process, whatever it is at."""
    for line in sys.stdin:
        lines.put(line)
    lines.put("")
    # To the main thread as Ctrl-C would: the run's folder and kernel are put away.
    signal.raise_signal(signal.SIGTERM) if os.name == "nt" else os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(LEAVING)
    os._exit(1)


def stop(number: int, frame: object) -> None:
    """SIGTERM is as good as Ctrl-C."""
    raise KeyboardInterrupt


def answer(line: str, answers: TextIO, starter: KernelStarter) -> None:
    """Run one task and tell what came of it."""
    try:
        told = f'{{"ran": {run_task(Task.model_validate_json(line), starter).model_dump_json()}}}'
    except Exception as error:
        told = f'{{"broke": {broke(error).model_dump_json()}}}'
    answers.write(told + "\n")
    answers.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(1)

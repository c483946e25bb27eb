"""Locks of `multiprocessing`, which Keras takes to read images with threads, where files of `/dev/shm` are walled off.

Landlock shows a kernel none of that folder: other people's shared memory lies there too. A pipe does as well: each
byte in it is a permit, threads and forked processes share it, and it leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import sys
import threading
import time
from typing import Any

from grader.run.compat._base import CompatContext

__all__ = ["PipeSemaphore", "before_imports"]

RECURSIVE = 0
"""The kind of semaphore that its holder may take again."""
MOST = 30_000
"""Permits that are counted; a pipe holds twice as many."""


def before_imports(context: CompatContext) -> None:
    """Make locks of pipes where the system makes none."""
    if sys.platform == "win32":
        return
    native: Any = importlib.import_module("_multiprocessing")

    try:
        native.SemLock(1, 1, 1, f"/grader-{os.getpid()}", True)
    except OSError:
        context.patch(native, "SemLock", PipeSemaphore)


class PipeSemaphore:
    """What `_multiprocessing.SemLock` is to Python's own classes.

    Args:
        kind: 0 for a lock that its holder may take again, else 1.
        value: permits at the beginning.
        maxvalue: permits that there may be.
    """

    SEM_VALUE_MAX = 2**31 - 1

    def __init__(self, kind: int, value: int, maxvalue: int, name: str = "", unlink: bool = True) -> None:
        self.kind = kind
        self.maxvalue = maxvalue
        self.name = None
        self._held = 0
        self._holder = 0
        self.handle, self._end = os.pipe()
        os.set_blocking(self.handle, False)
        # A queue without a bound asks for two thousand million.
        self._limitless = value > MOST
        os.write(self._end, b"" if self._limitless else b"." * value)

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take a permit; wait for one, so long at most."""
        if self._limitless or (self.kind == RECURSIVE and self._is_mine()):
            self._held += 1
            return True
        deadline = None if timeout is None else time.monotonic() + max(0.0, timeout)
        while True:
            with contextlib.suppress(BlockingIOError):
                os.read(self.handle, 1)
                self._held += 1
                self._holder = threading.get_ident()
                return True
            left = None if deadline is None else deadline - time.monotonic()
            if not block or (left is not None and left <= 0):
                return False
            select.select([self.handle], [], [], left)

    def release(self) -> None:
        """Give a permit back.

        Raises:
            AssertionError: it is another thread's.
            ValueError: there are as many as there may be.
        """
        if self._limitless:
            self._held -= 1
            return
        if self.kind == RECURSIVE:
            if not self._is_mine():
                raise AssertionError("attempt to release recursive lock not owned by thread")
            if self._held > 1:
                self._held -= 1
                return
        elif self.maxvalue < self.SEM_VALUE_MAX and self._get_value() >= self.maxvalue:
            raise ValueError("semaphore or lock released too many times")
        self._held -= 1
        os.write(self._end, b".")

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self.release()

    def __del__(self) -> None:
        for number in (self.handle, self._end):
            with contextlib.suppress(OSError):
                os.close(number)

    def _count(self) -> int:
        return self._held

    def _is_mine(self) -> bool:
        return self._held > 0 and self._holder == threading.get_ident()

    def _get_value(self) -> int:
        import array
        import fcntl
        import termios

        waiting: Any = array.array("i", [0])
        fcntl.ioctl(self.handle, termios.FIONREAD, waiting, True)
        return int(waiting[0])

    def _is_zero(self) -> bool:
        return self._get_value() == 0

    def _after_fork(self) -> None:
        self._held = 0

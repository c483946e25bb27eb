"""One grader at a time works on a class; whoever comes second is told who holds it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from grader.batch.store.schema import now
from grader.errors import HeldError, StoreError

__all__ = ["held"]

LOCK = ".lock"
HOLDER = ".holder.json"


@contextmanager
def held(folder: Path, doing: str) -> Iterator[None]:
    """Hold the folder while within. The lock is the system's: it goes with the process, however that ends.

    Args:
        folder: of the class; made where there is none.
        doing: what for, as a participle: ``grading``.

    Raises:
        HeldError: another process holds it.
        StoreError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        lock.acquire(timeout=0)
    except Timeout:
        raise HeldError(f"{folder}: {holder(folder)}.", "Wait until it is done, or stop it.") from None
    except OSError as exc:
        raise StoreError(f"{folder}: cannot be written: {exc.strerror}.", "Name another folder with -o.") from exc
    note = folder / HOLDER
    try:
        mine = {"pid": os.getpid(), "host": socket.gethostname(), "since": now().isoformat(), "doing": doing}
        # The note is for people; a disk too full for it is not yet a reason to stop.
        with suppress(OSError):
            note.write_text(json.dumps(mine), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            note.unlink(missing_ok=True)
        lock.release()


def holder(folder: Path) -> str:
    """Who holds it, as a clause."""
    try:
        told = json.loads((folder / HOLDER).read_text(encoding="utf-8"))
        return f"{told['doing']} is under way in process {told['pid']} on {told['host']}, since {told['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another grader is at work on it"

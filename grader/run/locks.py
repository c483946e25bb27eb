"""Locks that tell whose a folder is: held as long as the process that made it lives, however that ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["LOCK", "take_lock"]

LOCK = "lock"
"""Name of the file."""


def take_lock(path: Path) -> int | None:
    """Lock this file for as long as this process lives; None where that is not possible, or another one has it."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file

"""JSON that is not quite JSON, read as what it was meant to be: within bounds, since a stranger wrote it."""

from __future__ import annotations

import ctypes
import re
import threading

import json_repair

__all__ = ["BeyondRepairError", "repaired"]

PATIENCE = 10.0
"""Seconds. A notebook of a megabyte takes a tenth of one; a text of stray quotes takes their number squared."""
LONGEST_NUMBER = 4300
"""Digits that Python reads."""
STACK = 64 * 2**20
"""Bytes; the repair goes as deep as the brackets do."""


class BeyondRepairError(Exception):
    """The text says nothing that could be read; why, as the end of a sentence that begins with the file."""


def repaired(text: str) -> object:
    """The value that the text was meant to be.

    Raises:
        BeyondRepairError: it is not to be had.
    """
    if re.search(rf"\d{{{LONGEST_NUMBER + 1}}}", text):
        raise BeyondRepairError(f"holds a number of more than {LONGEST_NUMBER:,} digits")
    found: list[object] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            found.append(json_repair.loads(text))
        except BaseException as exc:
            errors.append(exc)

    before = threading.stack_size(STACK)
    try:
        worker = threading.Thread(target=work, daemon=True)
        worker.start()
    finally:
        threading.stack_size(before)
    worker.join(PATIENCE)
    if worker.is_alive() and worker.ident is not None:
        # There is no asking it to stop, and it would go on for hours.
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker.ident), ctypes.py_object(SystemExit))
        worker.join(PATIENCE)
        raise BeyondRepairError(f"is not valid JSON, and could not be repaired within {PATIENCE:.0f} s")
    if errors:  # What the library raises on depth is different from one kind of nesting to the next.
        raise BeyondRepairError("is nested deeper than any notebook")
    return found[0]

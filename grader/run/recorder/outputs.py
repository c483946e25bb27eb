"""Keeping a flood of output out of memory.

ipykernel queues what a cell prints faster than anybody reads it, without a bound. The grader ends a cell that prints
more than it may, but by the time it has read that much, the queue may have eaten the machine's memory.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["bound_output"]


def bound_output(limit: int) -> None:
    """Drop what is printed beyond twice this many bytes: enough for the grader to see that the limit is passed."""
    gate = Gate(2 * limit)
    for stream in (sys.stdout, sys.stderr):
        stream.write = gate.around(stream.write)  # type: ignore[method-assign]


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

"""Calls of `train_on_batch` by the thousand, of which a few are enough to know what all of them did.

With full training, each one that is written down costs kilobytes in the journal and the arrays that it changed. Of
calls that have nothing new about them the first, second, fourth, eighth... are written down one by one, so that
a kernel which is killed leaves a trace, and those in between as one stretch of training each.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Row", "Rows"]

ONE_BY_ONE = 8
"""Calls that are all written down, before it is every power of two."""


@dataclass
class Row:
    """Calls on one model that are more of the same.

    Args:
        about: what they have in common: the compile, and what `trainable` says.
        count: how many there were.
        after: the snapshot after the last one that was written down.
        write: writes a stretch that begins at `after` and ends now, given how many calls it stands for.
        waiting: calls since then, none of which is written down yet.
        interrupted: whether the weights may have been changed otherwise since then.
    """

    about: tuple[Any, ...]
    count: int = 0
    after: int = 0
    write: Callable[[int, int], None] = lambda after, calls: None
    waiting: int = 0
    interrupted: bool = False


class Rows:
    """The rows of all models."""

    def __init__(self) -> None:
        self._rows: weakref.WeakKeyDictionary[Any, Row] = weakref.WeakKeyDictionary()

    def step(self, model: Any, about: tuple[Any, ...]) -> tuple[Row, bool]:
        """One more call: its row, and whether it is to be written down."""
        row = self._rows.get(model)
        if row is None or row.about != about:
            self.settle(interrupted=False)
            row = self._rows[model] = Row(about)
        row.count += 1
        interrupted, row.interrupted = row.interrupted, False
        return row, interrupted or row.count <= ONE_BY_ONE or row.count & (row.count - 1) == 0

    def settle(self, *, interrupted: bool) -> None:
        """Something else comes now: write down what waits.

        Args:
            interrupted: whether what comes may change weights in another way.
        """
        for row in list(self._rows.values()):
            row.interrupted |= interrupted
            if row.waiting:
                calls, row.waiting = row.waiting, 0
                row.write(row.after, calls)

"""A zygote from before it is known which Keras is wanted: it begins with what all of them have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from grader.run.zygote.handle import Zygote, can_fork

__all__ = ["started_ahead", "zygote_ahead"]

AHEAD: list[Zygote] = []
"""The one that nobody has asked for yet."""


@contextmanager
def zygote_ahead() -> Iterator[None]:
    """A notebook is going to be run within: start a zygote now, and wait for nothing."""
    if not can_fork():
        yield
        return
    zygote = Zygote()
    AHEAD.append(zygote)
    try:
        yield
    finally:
        # Where the notebook cannot be read, say, nobody ever asked for it.
        if zygote in AHEAD:
            AHEAD.remove(zygote)
            zygote.close()


def started_ahead() -> Zygote | None:
    """The zygote that was started ahead, which is the caller's from now on; None where there is none."""
    return AHEAD.pop() if AHEAD else None

"""A zygote from before it is known which Keras is wanted: it begins with what all of them have."""

from __future__ import annotations

import atexit

from grader.run.zygote.handle import Zygote, can_fork

__all__ = ["start_ahead", "started_ahead"]

AHEAD: list[Zygote] = []
"""The one that nobody has asked for yet."""


def start_ahead() -> None:
    """A notebook is going to be run in this process: start a zygote, and wait for nothing."""
    if can_fork():
        zygote = Zygote()
        AHEAD.append(zygote)
        # Where the notebook cannot be read, nobody ever asks for it. To close it twice does no harm.
        atexit.register(zygote.close)


def started_ahead() -> Zygote | None:
    """The zygote that was started ahead, which is the caller's from now on; None where there is none."""
    return AHEAD.pop() if AHEAD else None

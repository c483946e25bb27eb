"""A zygote from before it is known which Keras is wanted: it begins with what all of them have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from grader.run.zygote.handle import Kind, Zygote, can_fork

__all__ = ["foretell", "started_ahead", "zygote_ahead"]

AHEAD: list[Zygote] = []
"""The one that nobody has asked for yet."""


@contextmanager
def zygote_ahead() -> Iterator[None]:
    """Notebooks are going to be run within: start a zygote now, and wait for nothing."""
    if not can_fork():
        yield
        return
    zygote = Zygote()
    AHEAD.append(zygote)
    try:
        yield
    finally:
        # Where no notebook can be read, say, nobody ever asked for it.
        if zygote in AHEAD:
            AHEAD.remove(zygote)
            zygote.close()


def foretell(flavour: str, training: str) -> None:
    """Many notebooks are likely to want such kernels: what was started ahead goes on to import what these need."""
    for zygote in AHEAD:
        zygote.become(Kind(flavour, training, lean=False))


def started_ahead(kind: Kind) -> Zygote | None:
    """The zygote that was started ahead, which is the caller's from now on; None where there is none of this kind."""
    return AHEAD.pop() if AHEAD and AHEAD[-1].kind in (None, kind) else None

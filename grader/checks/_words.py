"""Numbers, layers and places as a reader would say them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grader.evidence import Base, Place
from grader.results import Location

__all__ = ["batchnorms", "cells", "count", "locate", "plain", "sentence", "span", "weighted"]

RUNS_SHOWN = 3


def count(number: int, noun: str) -> str:
    """``1 layer``, ``24 layers``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def cells(numbers: Iterable[int]) -> str:
    """``Cell 4``, ``Cells 4 and 6``, ``Cells 4 to 9 and 12``: begins a sentence."""
    ordered = sorted(set(numbers))
    parts: list[str] = []
    for run in runs(ordered, range(ordered[0], ordered[-1] + 1)):
        if len(run) > 2:
            parts.append(f"{run[0]} to {run[-1]}")
        else:
            parts.extend(str(number) for number in run)
    return f"{'Cell' if len(ordered) == 1 else 'Cells'} {listed(parts)}"


def plain(text: str, limit: int = 200) -> str:
    """Foreign text made fit for a message: one line, at most `limit` characters, no unpaired backtick."""
    line = " ".join(text.split())
    if len(line) > limit:
        line = line[: limit - 3].rstrip() + "..."
    return line.replace("`", "'") if line.count("`") % 2 else line


def sentence(text: str) -> str:
    """The text with a full stop, unless it ends with a mark of its own."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def locate(place: Place | None) -> Location | None:
    """Where a finding points."""
    return Location(cell=place.cell, line=place.line) if place else None


def weighted(base: Base) -> tuple[int, ...]:
    """Indices of the layers that carry weights which gradients can train, in order."""
    return tuple(layer.index for layer in base.layers if layer.has_weights)


def batchnorms(base: Base) -> frozenset[int]:
    """Indices of the BatchNorm layers."""
    return frozenset(layer.index for layer in base.layers if layer.is_batchnorm)


def runs(indices: Iterable[int], universe: Sequence[int]) -> list[list[int]]:
    """`indices` cut into stretches that have no gap in `universe`."""
    wanted, open_stretch = set(indices), False
    stretches: list[list[int]] = []
    for index in universe:
        if index not in wanted:
            open_stretch = False
        elif open_stretch:
            stretches[-1].append(index)
        else:
            stretches.append([index])
            open_stretch = True
    return stretches


def span(base: Base, indices: Iterable[int]) -> str:
    """Layers with weights by number and name: ``120 (`block_13_depthwise`) to 152 (`Conv_1_bn`)``.

    Layers without weights never break a stretch, and BatchNorm layers do not where none of them is in it.
    """
    wanted = set(indices)
    names = {layer.index: layer.name for layer in base.layers}
    stretches = runs(wanted, weighted(base))
    note = ""
    if len(stretches) > 1 and not wanted & batchnorms(base):
        stretches = runs(wanted, [index for index in weighted(base) if index not in batchnorms(base)])
        note = " without the BatchNorm layers"
    shown = [
        f"{run[0]} (`{names[run[0]]}`) to {run[-1]} (`{names[run[-1]]}`)"
        if len(run) > 1
        else f"{run[0]} (`{names[run[0]]}`)"
        for run in stretches[:RUNS_SHOWN]
    ]
    if len(stretches) > RUNS_SHOWN:
        left = sum(len(run) for run in stretches[RUNS_SHOWN:])
        shown.append(f"{left} more")
    return listed(shown) + note

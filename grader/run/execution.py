"""What one run of a notebook left behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from nbformat import NotebookNode

from grader.evidence import LimitBreach, Note

__all__ = ["CellOutcome", "CellStatus", "Execution"]

CellStatus = Literal["ran", "failed", "timed_out", "killed", "not_run"]


@dataclass(frozen=True)
class CellOutcome:
    """What became of one code cell that is not empty.

    Args:
        cell: number over all cells, from 1.
        count: the kernel's execution count; None for a cell that was not run.
        ename, evalue: class and text of the exception; empty if there was none.
        line: line of this cell that the exception came through, from 1.
        frames: all the cells that it came through, outermost first, as (execution count, line).
        seconds: wall time.
    """

    cell: int
    status: CellStatus
    count: int | None = None
    ename: str = ""
    evalue: str = ""
    line: int | None = None
    frames: tuple[tuple[int, int], ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Execution:
    """One run.

    Args:
        notebook: the executed notebook, with its outputs.
        evidence: folder with the recorder's journal and arrays.
        cells: one outcome for each code cell that is not empty, in order.
        breaches: limits that were run into.
        died: how the kernel ended, where it did not end by itself.
        isolation: name of the tier it ran under.
        seconds: wall time by stage (`kernel`, `cells`).
        notes: what a reader should know about the run.
    """

    notebook: NotebookNode
    evidence: Path
    cells: tuple[CellOutcome, ...]
    breaches: tuple[LimitBreach, ...] = ()
    died: str = ""
    isolation: str = "bare"
    seconds: dict[str, float] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

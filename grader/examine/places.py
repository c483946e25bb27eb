"""From the kernel's execution counts to cells and lines as a reader counts them."""

from __future__ import annotations

from nbformat import NotebookNode

from grader.evidence import Place
from grader.examine.journal import PlaceFacts
from grader.run.execution import CellOutcome

__all__ = ["Places"]

MOST_CODE = 200
MOST_SOURCE = 4000


class Places:
    """Translates places of one run, and remembers which cells were spoken of."""

    def __init__(self, notebook: NotebookNode, cells: tuple[CellOutcome, ...]) -> None:
        self._sources = {index + 1: cell.source for index, cell in enumerate(notebook.cells)}
        self._cells = {outcome.count: outcome.cell for outcome in cells if outcome.count is not None}
        self._spoken_of: set[int] = set()

    def place(self, facts: PlaceFacts | None) -> Place | None:
        """The place in the notebook; None where the kernel could not tell."""
        cell = self._cells.get(facts.count) if facts else None
        if facts is None or cell is None:
            return None
        self._spoken_of.add(cell)
        source = self._sources[cell]
        lines = source.splitlines()
        line = facts.line
        if line is not None:
            # IPython drops blank lines at the top before it compiles a cell.
            line += len(source) - len(source.lstrip("\n"))
        if line is None or not 1 <= line <= len(lines):
            return Place(cell=cell)
        return Place(cell=cell, line=line, code=lines[line - 1].strip()[:MOST_CODE])

    def mention(self, cell: int) -> None:
        """Some evidence speaks of this cell."""
        self._spoken_of.add(cell)

    def sources(self) -> dict[int, str]:
        """Source of each cell that was spoken of."""
        return {cell: self._sources[cell][:MOST_SOURCE] for cell in sorted(self._spoken_of) if cell in self._sources}

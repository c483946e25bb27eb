"""The notebook as it was executed, with what there is to say beside the cells that it speaks of."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from grader.errors import RenderError
from grader.feedback.bars import layer_bars
from grader.feedback.formats._base import Format, Options
from grader.feedback.formats.markdown import BAR_WIDTH, DIALECT, tidy
from grader.feedback.page import CheckView, Page
from grader.feedback.templating import lay_out
from grader.results import Finding, Report

__all__ = ["FORMAT"]


@dataclass(frozen=True)
class Remark:
    """One finding, with the check that made it."""

    check: CheckView
    finding: Finding


def render(report: Report, options: Options) -> str:
    """The annotated notebook; the student's cells are as they were.

    Raises:
        RenderError: no notebook was given, or a template is broken.
    """
    if options.notebook is None:
        raise RenderError(
            "The notebook format needs the executed notebook.", "Choose another format, or pass a notebook."
        )
    page = Page(report)
    cells = options.notebook.cells
    remarks = remarks_by_cell(page, len(cells))
    values = {**page.values(), "bars": layer_bars(report, BAR_WIDTH), "elsewhere": remarks[0]}
    summary = lay_out("notebook_summary.md.j2", DIALECT, values, options.templates)
    annotated = copy.deepcopy(options.notebook)
    maker = CellMaker(options.notebook, report.submission.sha256)
    new_cells = [maker.markdown("summary", summary, [])]
    for number, cell in enumerate(annotated.cells, 1):
        new_cells.append(cell)
        if here := remarks[number]:
            text = lay_out("notebook_finding.md.j2", DIALECT, {**page.values(), "remarks": here}, options.templates)
            new_cells.append(maker.markdown(f"cell-{number}", text, here))
    annotated.cells = new_cells
    return str(nbformat.writes(annotated, version=nbformat.NO_CONVERT))


def remarks_by_cell(page: Page, cells: int) -> Mapping[int, list[Remark]]:
    """Cell number (from 1) -> what to say after it; 0: what belongs to no cell."""
    remarks: dict[int, list[Remark]] = defaultdict(list)
    for check in page.to_read:
        for finding in check.findings:
            cell = finding.location.cell if finding.location else 0
            remarks[cell if 1 <= cell <= cells else 0].append(Remark(check, finding))
    return remarks


class CellMaker:
    """Makes Markdown cells that fit the notebook's own version of the format, with ids that are not taken.

    Cells have ids from version 4.5 on; before that an id would make the notebook invalid.
    """

    def __init__(self, notebook: NotebookNode, sha256: str) -> None:
        self.with_ids = (notebook.nbformat, notebook.nbformat_minor) >= (4, 5)
        self.taken = {cell.get("id") for cell in notebook.cells}
        self.stem = f"feedback-{sha256[:8]}"

    def markdown(self, name: str, source: str, remarks: Sequence[Remark]) -> NotebookNode:
        """A cell that is marked as the grader's."""
        codes = list(dict.fromkeys(remark.check.result.code for remark in remarks))
        cell: NotebookNode = nbformat.from_dict(
            {
                "cell_type": "markdown",
                "metadata": {"tags": ["grader-feedback"], "grader": {"checks": codes}},
                "source": tidy(source).strip(),
            }
        )
        if self.with_ids:
            cell["id"] = self.free_id(name)
        return cell

    def free_id(self, name: str) -> str:
        """An id like ``feedback-1a2b3c4d-cell-7``."""
        wanted, tries = f"{self.stem}-{name}", 1
        while wanted in self.taken:
            tries += 1
            wanted = f"{self.stem}-{name}-{tries}"
        self.taken.add(wanted)
        return wanted


FORMAT = Format(suffix=".ipynb", render=render)

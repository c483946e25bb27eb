"""Many reports at a glance: one row a submission."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.feedback.formats.text import ASCII_ICONS, ICONS, THEME
from grader.feedback.neutral import one_line
from grader.feedback.wording import points_text
from grader.results import Outcome, Report

__all__ = ["print_table"]


def print_table(reports: Sequence[Report], paths: Sequence[Path | None], console: Console) -> None:
    """Print name, outcome, score, the codes that failed and where the report lies.

    Args:
        reports: in the order in which they are shown.
        paths: the file of each report, as it is to be shown; None where none was written.
        console: where to print.

    Raises:
        ValueError: there is not one path a report.
    """
    icons = ASCII_ICONS if console.options.ascii_only else ICONS
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="soft", show_edge=False)
    table.add_column("notebook", overflow="ellipsis", no_wrap=True, max_width=32)
    table.add_column("outcome", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("failed", overflow="fold", min_width=17)
    if any(path is not None for path in paths):
        table.add_column("report", overflow="fold", style="soft")
    for report, path in zip(reports, paths, strict=True):
        outcome = report.outcome.value
        cells = [
            Text(one_line(report.submission.name)),
            Text(f"{icons[outcome]} {outcome}", style=outcome),
            Text(f"{points_text(report.score)} / {points_text(report.max_score)}"),
            codes_to_show(report),
        ]
        table.add_row(*cells, *([Text(str(path or ""))] if len(table.columns) == 5 else []))
    with console.use_theme(THEME):
        console.print(table)


def codes_to_show(report: Report) -> Text:
    """Codes that failed, then those that erred, then how many were not assessed."""
    shown = Text()
    for outcome in (Outcome.FAILED, Outcome.ERROR):
        for code in (check.code for check in report.checks if check.outcome is outcome):
            shown.append(" " if shown else "").append(code, style=outcome.value)
    waiting = sum(check.outcome is Outcome.SKIPPED and check.max_points > 0 for check in report.checks)
    if waiting:
        shown.append(", " if shown else "").append(f"{waiting} not assessed", style="skipped")
    return shown

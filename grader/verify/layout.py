"""What is printed of a notebook that did not come out as declared."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.results import Outcome, Report
from grader.verify.cases import Case
from grader.verify.verdict import Mismatch

__all__ = ["WIDTH", "mismatch_text"]

WIDTH = 100


def mismatch_text(case: Case, report: Report, mismatches: Sequence[Mismatch]) -> str:
    """The mismatches as a table, what else was said, and how to see the whole report."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in ("check", "declared", "seen", "what it said"):
        table.add_column(column, overflow="fold", no_wrap=column == "check")
    for each in mismatches:
        said = "\n".join(each.findings)
        table.add_row(*(Text(cell) for cell in (each.code or "report", each.expected, each.seen, said)))
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None, legacy_windows=False)
    console.print(Text(f"{case.assignment.slug}, {case.name} on Keras {case.keras}: {case.claim}\n"))
    console.print(table)
    named = {each.code for each in mismatches}
    if agreed := [check.code for check in report.checks if stands_out(check.outcome) and check.code not in named]:
        outcomes = {check.code: check.outcome.value for check in report.checks}
        console.print(Text("\nAs declared: " + ", ".join(f"{code} {outcomes[code]}" for code in agreed) + "."))
    command = f"grader check {case.path} -a {case.assignment.folder} --keras {case.keras}"
    file = console.file
    assert isinstance(file, io.StringIO)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + f"\n\nThe whole report: {command}"


def stands_out(outcome: Outcome) -> bool:
    """Whether an outcome is worth naming beside the mismatches."""
    return outcome in (Outcome.FAILED, Outcome.SKIPPED)

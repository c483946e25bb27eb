"""What a regrade changes, for people: by check, by student, and as CSV."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.batch.regrading import Change
from grader.feedback.neutral import one_line
from grader.feedback.wording import points_text

__all__ = ["changes_csv", "print_changes"]

MOST = 30
"""Students that are shown; the others are counted."""
VALUES = ("outcome", "points", "of")
COLUMNS = (
    "student",
    "name",
    "check",
    *(f"{value} before" for value in VALUES),
    *(f"{value} after" for value in VALUES),
)


def print_changes(changes: Sequence[Change], total: int, console: Console) -> None:
    """Print what changes for whom."""
    console.print(f"[bold]{len(changes)} of {total} change[/]", highlight=False)
    if not changes:
        return
    console.print(by_check(changes))
    console.print()
    console.print(by_student(changes))
    if len(changes) > MOST:
        console.print(f"and {len(changes) - MOST} more: --csv FILE has all", style="dim", highlight=False)


def by_check(changes: Sequence[Change]) -> Table:
    """One row a check: for how many it changes, and by how many points in all."""
    counts: dict[str, int] = defaultdict(int)
    points: dict[str, float] = defaultdict(float)
    for change in changes:
        for code, before, after in change.checks:
            counts[code] += 1
            points[code] += (after[1] if after else 0.0) - (before[1] if before else 0.0)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in ("check", "students", "points in all"):
        table.add_column(column, justify="left" if column == "check" else "right")
    for code in sorted(counts):
        table.add_row(code, str(counts[code]), signed(points[code]))
    return table


def by_student(changes: Sequence[Change]) -> Table:
    """One row a student: the score before and after, and the checks."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("student", overflow="ellipsis", no_wrap=True, max_width=24)
    table.add_column("before", justify="right", no_wrap=True)
    table.add_column("after", justify="right", no_wrap=True)
    table.add_column("checks", overflow="fold")
    for change in changes[:MOST]:
        student = change.before.student
        table.add_row(
            Text(one_line(student.name or student.key)),
            of(change.before.score, change.before.max_score),
            of(change.after.score, change.after.max_score),
            Text(", ".join(described(*entry) for entry in change.checks)),
        )
    return table


def described(code: str, before: Any, after: Any) -> str:
    """``TL103 0 to 1.5``"""
    if after is None:
        return f"{code} gone"
    if before is None:
        return f"{code} new: {points_text(after[1])}"
    if before[1] != after[1]:
        return f"{code} {points_text(before[1])} to {points_text(after[1])}"
    if before[0] != after[0]:
        return f"{code} {before[0]} to {after[0]}"
    points = points_text(after[1])
    return f"{code} {points} of {points_text(before[2])} to {points} of {points_text(after[2])}"


def of(score: float, most: float) -> str:
    """``7.5 / 10``"""
    return f"{points_text(score)} / {points_text(most)}"


def signed(points: float) -> str:
    """With its sign."""
    return f"{'+' if points >= 0 else '-'}{points_text(abs(points))}"


def changes_csv(changes: Sequence[Change]) -> str:
    """A row for each check of each student that changes, and one with no check for the whole."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for change in changes:
        student = change.before.student
        for row in rows(change):
            writer.writerow([student.key, student.name, *row])
    return text.getvalue()


def rows(change: Change) -> Iterator[list[object]]:
    """The changed values of one student."""
    whole = ([one.outcome, one.score, one.max_score] for one in (change.before, change.after))
    yield ["", *(value for values in whole for value in values)]
    for code, before, after in change.checks:
        old, new = (list(told) if told else ["", "", ""] for told in (before, after))
        yield [code, *old, *new]

"""What a class came to: outcomes, scores, and above all what needs a person."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.batch.gradebook import Gradebook, Row
from grader.feedback.formats.text import ASCII_ICONS, ICONS, THEME
from grader.feedback.neutral import one_line
from grader.feedback.wording import points_text
from grader.results import Outcome

__all__ = ["exit_status", "needs_a_person", "print_closing"]

MOST = 20
"""Rows that are shown of what needs a person; the others are counted."""


def needs_a_person(row: Row) -> str:
    """Why somebody has to look at this student's work; empty where nobody has to."""
    if row.score is None and row.trouble:
        return row.trouble
    if row.report is None:
        return "" if row.score is not None else "Not graded."
    if row.score is None:
        erred = [check.code for check in row.report.checks if check.outcome is Outcome.ERROR]
        return f"The grader failed on {', '.join(erred)}."
    doubts = [note.text for note in row.report.notes if note.kind == "integrity"]
    return doubts[0] if doubts else ""


def exit_status(gradebook: Gradebook) -> int:
    """0: all passed. 1: there are findings. 2: some could not be graded."""
    if any(row.score is None for row in gradebook.rows):
        return 2
    outcomes = {row.report.outcome for row in gradebook.rows if row.report}
    return int(Outcome.FAILED in outcomes or Outcome.ERROR in outcomes)


def print_closing(gradebook: Gradebook, console: Console) -> None:
    """Print counts and scores, then a row for each student who needs a person."""
    icons = ASCII_ICONS if console.options.ascii_only else ICONS
    with console.use_theme(THEME):
        console.print(counts(gradebook, icons), highlight=False)
        if scores := statistics_of(gradebook.rows, gradebook.max_score):
            console.print(scores, highlight=False, style="soft")
        rows = [(row, why) for row in gradebook.rows if (why := needs_a_person(row))]
        if rows or gradebook.refused:
            console.print(f"\n[bold]{people(len(rows), len(gradebook.refused))}[/]", highlight=False)
            console.print(table(rows, gradebook))
        alike = sum(bool(row.same_code) for row in gradebook.rows)
        if alike:
            console.print(f"\n{alike} students have the same code as another one: worth a look.", highlight=False)
        alike = sum(bool(row.same_weights) for row in gradebook.rows)
        if alike:
            console.print(
                f"\n{alike} students trained to the same weights by other code: worth a look.", highlight=False
            )


def counts(gradebook: Gradebook, icons: dict[str, str]) -> Text:
    """``30 students: 12 passed, 18 failed``"""
    found = Counter(outcome_of(row) for row in gradebook.rows)
    text = Text(f"{len(gradebook.rows)} student{'s' if len(gradebook.rows) != 1 else ''}: ", style="bold")
    parts = [(name, found[name]) for name in ("passed", "warned", "failed", "error") if found[name]]
    for number, (name, count) in enumerate(parts):
        text.append(", " if number else "").append(f"{icons[name]} {count} {name}", style=name)
    return text


def outcome_of(row: Row) -> str:
    """In one word; what has no score is an error."""
    if row.score is None:
        return "error"
    return row.report.outcome.value if row.report else "passed"


def statistics_of(rows: Sequence[Row], most: float) -> str:
    """Mean, median and range of the scores there are."""
    scores = [row.score for row in rows if row.score is not None]
    if not scores:
        return ""
    mean, median = points_text(statistics.mean(scores)), points_text(statistics.median(scores))
    low, high = points_text(min(scores)), points_text(max(scores))
    return f"Scores of {points_text(most)}: mean {mean}, median {median}, from {low} to {high}"


def people(rows: int, refused: int) -> str:
    """The heading of the table."""
    parts = [f"{rows} need{'s' if rows == 1 else ''} a person"] if rows else []
    parts += [f"{refused} thing{'s' if refused != 1 else ''} in the source not graded"] if refused else []
    return ", ".join(parts)


def table(rows: Sequence[tuple[Row, str]], gradebook: Gradebook) -> Table:
    """Who or what, and why."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="soft", show_edge=False)
    shown.add_column("who or what", overflow="fold", max_width=28)
    shown.add_column("why", overflow="fold")
    lines = [(row.student.name or row.student.key, why) for row, why in rows]
    lines += [(refused.what, refused.reason) for refused in gradebook.refused]
    for who, why in lines[:MOST]:
        shown.add_row(Text(one_line(who)), Text(one_line(why)))
    if len(lines) > MOST:
        shown.add_row(Text(f"and {len(lines) - MOST} more", style="soft"), Text(""))
    return shown

"""The mutation matrix on a terminal, 100 columns wide."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.text import Text

from grader.results import Outcome
from grader.verify.matrix import Bar, Matrix, Row, bars, catches

__all__ = ["print_bars", "print_matrix"]

WIDTH = 100
MARKS = {
    Outcome.FAILED: ("✕", "red"),
    Outcome.PASSED: ("·", "dim"),
    Outcome.WARNED: ("!", "yellow"),
    Outcome.SKIPPED: ("–", "dim"),
    Outcome.ERROR: ("E", "bold magenta"),
}
LEGEND = "✕ failed  · passed  ! warned  – not assessed  E grader's error; reversed: not as declared"


def print_matrix(matrix: Matrix, console: Console) -> None:
    """One table a Keras: a row a variant, a column a check, and below how many each check catches."""
    for keras in matrix.flavours:
        rows = matrix.on(keras)
        wrong = [row for row in rows if row.case.is_wrong]
        caught = sum(row.caught for row in wrong)
        title = f"{matrix.slug} on Keras {keras}: {caught} of {len(wrong)} wrong variants caught"
        console.print(Text(title, style="bold"))
        for line in lines_of(matrix, rows, wrong):
            console.print(line, no_wrap=True, overflow="ignore", crop=False)
        console.print()


def lines_of(matrix: Matrix, rows: Sequence[Row], wrong: Sequence[Row]) -> list[Text]:
    """Head, rows and foot of one table."""
    room = WIDTH - len(columns("", dict.fromkeys(matrix.codes, Text("  ")), 0).plain)
    longest = max((len(row.case.name) for row in rows), default=0)
    width = max(len("the only one to fail"), min(longest, room))
    lines = [*head(matrix.codes, width)]
    for is_right, group in groupby(sorted(rows, key=lambda row: not row.case.is_wrong), lambda r: not r.case.is_wrong):
        if is_right and wrong:
            lines.append(Text("right on this Keras", style="dim italic"))
        lines += [columns(row.case.name, marks(matrix, row), width) for row in group]
    counts = {code: sum(code in row.record.failed for row in wrong) for code in matrix.codes}
    alone = {code: sum(row.record.failed == {code} for row in wrong) for code in matrix.codes}
    lines.append(Text("─" * len(lines[1].plain), style="dim"))
    lines.append(columns("caught by it", {code: count(value) for code, value in counts.items()}, width))
    lines.append(columns("the only one to fail", {code: count(value) for code, value in alone.items()}, width))
    shares = {code: count(round(100 * value / len(wrong))) for code, value in counts.items()} if wrong else {}
    lines.append(columns("share in %", shares, width))
    return lines


def head(codes: Sequence[str], width: int) -> tuple[Text, Text]:
    """Two lines: the family once (`TL2`), and the last two digits of each code."""
    upper, previous = {}, ""
    for code in codes:
        upper[code] = Text(code[:3] if code[:3] != previous else "", style="bold")
        previous = code[:3]
    return columns("", upper, width), columns("variant", {code: Text(code[3:], "bold") for code in codes}, width)


def columns(name: str, cells: dict[str, Text], width: int) -> Text:
    """A line: the name, then a cell of two columns for each check, with a gap between families."""
    shown = name if len(name) <= width else name[: width - 1] + "…"
    line = Text(f"{shown:<{width}} ")
    previous = ""
    for code, cell in cells.items():
        if code[:3] != previous:
            line.append(" ")
            previous = code[:3]
        # The name of a family is a column wider than its cells; the gap takes it.
        line.append(" " * max(0, 2 - len(cell))).append_text(cell)
        if len(cell) < 3:
            line.append(" ")
    line.rstrip()
    return line


def marks(matrix: Matrix, row: Row) -> dict[str, Text]:
    """One sign a check."""
    cells = {}
    for code in matrix.codes:
        outcome = row.record.outcomes[code]
        sign, style = MARKS[outcome]
        expected = row.case.expected
        declared = (code in expected.fails, code in expected.skips)
        agrees = declared == (outcome is Outcome.FAILED, outcome is Outcome.SKIPPED) and outcome is not Outcome.ERROR
        cells[code] = Text(sign, style if agrees else f"reverse {style}")
    return cells


def count(number: int) -> Text:
    """A number for the foot; nothing stands out as a zero does."""
    return Text(str(number), "" if number else "yellow")


def print_bars(matrices: Sequence[Matrix], console: Console) -> bool:
    """Print which bars are met, and the checks that catch most; whether all are met."""
    console.print(Text(LEGEND, style="dim"))
    console.print()
    total = sum(len(matrix.wrong()) for matrix in matrices)
    caught = catches(matrices)
    if total:
        shares = sorted(((len(keys), code) for code, keys in caught.items()), key=lambda pair: (-pair[0], pair[1]))
        text = ", ".join(f"{code} {number} ({100 * number / total:.0f} %)" for number, code in shares)
        console.print(Text(f"Of {total} wrong variants each check catches: {text}"), width=WIDTH)
        console.print()
    found = bars(matrices)
    for bar in found:
        print_bar(bar, console)
    return all(bar.met for bar in found)


def print_bar(bar: Bar, console: Console) -> None:
    """One line, and one for each exception."""
    sign, style = ("✓", "green") if bar.met else ("✕", "red")
    console.print(Text.assemble((sign, style), " ", bar.claim), width=WIDTH)
    for exception in bar.exceptions:
        console.print(Text(f"  {exception}", style), width=WIDTH)

"""For a terminal: the template says what stands where, rich wraps and colours it.

A line of the template is one to three parts, set apart by tabs: text; label, text; or label, text, and what
stands at the right edge. What is wrapped keeps to the column of its part. Styles are written in rich markup.
"""

from __future__ import annotations

import io
import re

from rich.console import Console
from rich.style import Style
from rich.text import Text
from rich.theme import Theme

from grader.feedback.bars import ASCII, UNICODE, layer_bars
from grader.feedback.formats._base import Format, Options
from grader.feedback.neutral import Safe, clean, one_line, spans
from grader.feedback.page import Page
from grader.feedback.templating import Dialect, lay_out
from grader.results import Report

__all__ = ["DIALECT", "FORMAT", "inline", "print_report"]

WIDTH_PIPED, WIDTH_MOST = 80, 100
"""Columns where there is no terminal, and at most: longer lines are hard to read."""
BAR_WIDTH = 60

# Two characters that `clean` takes out of every text stand in for those that rich markup reads.
BRACKET, BACKSLASH = "\ue000", "\ue001"
STAND_INS = str.maketrans({"[": BRACKET, "\\": BACKSLASH})
ORIGINALS = str.maketrans({BRACKET: "[", BACKSLASH: "\\"})

# The sixteen colours that a terminal's own theme makes readable on its background.
THEME = Theme(
    {
        "title": Style(bold=True),
        "soft": Style(dim=True),
        "code": Style(color="cyan"),
        "passed": Style(color="green"),
        "failed": Style(color="red", bold=True),
        "warned": Style(color="yellow", bold=True),
        "skipped": Style(dim=True),
        "error": Style(color="magenta", bold=True),
        "hit": Style(color="red"),
        "add": Style(color="green"),
        "frozen": Style(color="blue"),
        "partly": Style(color="yellow"),
        "trained": Style(color="yellow"),
        "still": Style(dim=True),
        "drifted": Style(color="red", bold=True),
        "empty": Style(),
        "asked": Style(color="cyan"),
    }
)
ICONS = {"passed": "✓", "failed": "✗", "warned": "!", "skipped": "–", "error": "?"}
ASCII_ICONS = {"passed": "+", "failed": "x", "warned": "!", "skipped": "-", "error": "?"}
ASCII_MARKS = str.maketrans({"·": "-", "–": "-", "—": "-", "→": ">", "─": "-", "…": ".", "’": "'", "±": "~"})


def escape(text: str) -> str:
    """The text on one line, without escape sequences and with nothing that rich reads as markup."""
    return one_line(text).translate(STAND_INS)


def verbatim(text: str) -> Safe:
    """The text with all its blanks: a line of code, or something padded to a column."""
    return Safe(clean(text).replace("\n", " ").translate(STAND_INS))


def inline(text: str) -> Safe:
    """The text of a finding: `backticks` become a colour, the rest is escaped."""
    return Safe("".join(styled(piece) if is_code else piece.translate(STAND_INS) for piece, is_code in spans(text)))


def styled(piece: str) -> str:
    """A piece of code."""
    return f"[code]{piece.translate(STAND_INS)}[/code]"


DIALECT = Dialect(neutralise=escape, filters={"inline": inline, "verbatim": verbatim})


def print_report(report: Report, console: Console, options: Options | None = None) -> None:
    """Print a report as wide as the console, at most 100 columns.

    Raises:
        RenderError: a template is missing or broken.
    """
    plain = console.options.ascii_only
    width = min(console.width, WIDTH_MOST)
    values = {
        **Page(report).values(),
        "bars": layer_bars(report, min(BAR_WIDTH, width - 25), ASCII if plain else UNICODE),
        "icons": ASCII_ICONS if plain else ICONS,
        "width": width,
        "rule": ("-" if plain else "─") * width,
    }
    document = lay_out("report.txt.j2", DIALECT, values, options.templates if options else None)
    with console.use_theme(THEME):
        for line in re.sub(r"\n{3,}", "\n\n", document.strip("\n")).split("\n"):
            for text in laid_out(line, width, console):
                if plain:
                    text.plain = text.plain.translate(ASCII_MARKS).encode("ascii", "replace").decode()
                console.print(text, soft_wrap=True, highlight=False)


def laid_out(line: str, width: int, console: Console) -> list[Text]:
    """One line of the template, wrapped to the width."""
    parts = [original(part) for part in line.split("\t")]
    label, body, right = Text(), parts[0], Text()
    if len(parts) == 1:
        indent = len(body.plain) - len(body.plain.lstrip(" "))
        label, body = Text(" " * indent), body[indent:]
    else:
        label, body = parts[0], parts[1]
        right = parts[2] if len(parts) > 2 else right
    room = max(10, width - label.cell_len - (right.cell_len + 2 if right else 0))
    wrapped = list(body.wrap(console, room, tab_size=4, overflow="fold")) or [Text()]
    lines = [
        Text.assemble(label if number == 0 else " " * label.cell_len, piece) for number, piece in enumerate(wrapped)
    ]
    for piece in lines:
        piece.rstrip()
    if right:
        lines[0].append(" " * max(2, width - lines[0].cell_len - right.cell_len))
        lines[0].append_text(right)
    return lines


def original(markup: str) -> Text:
    """A part of a line, with the characters that were stood in for."""
    text = Text.from_markup(markup, emoji=False)
    text.plain = text.plain.translate(ORIGINALS)
    return text


def render(report: Report, options: Options) -> str:
    """The report as plain text, 80 columns wide."""
    stream = io.StringIO()
    console = Console(file=stream, width=WIDTH_PIPED, color_system=None, force_terminal=False, legacy_windows=False)
    print_report(report, console, options)
    return stream.getvalue()


FORMAT = Format(suffix=".txt", render=render)

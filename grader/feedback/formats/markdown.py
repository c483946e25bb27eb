"""Markdown that suits a comment on GitHub, and the cells of a notebook."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from grader.feedback.bars import layer_bars
from grader.feedback.formats._base import Format, Options
from grader.feedback.neutral import Safe, clean, one_line, spans
from grader.feedback.page import CodeLine, Page
from grader.feedback.templating import Dialect, lay_out
from grader.results import Report

__all__ = ["DIALECT", "FORMAT", "code_span", "escape", "fenced", "inline", "tidy"]

WORD_JOINER = "\u2060"
SPECIAL = re.compile(r"[\\`*_\[\]|~$]")
AT_LINE_START = re.compile(r"^(\s*)([#+\-=]|\d+(?=[.)](?:\s|$)))")
# What GitHub makes a link of without being asked: @someone, #12, addresses. An invisible joiner breaks them.
AUTOLINK = re.compile(r"(@|#(?=\d)|\bGH-(?=\d)|\b(?:https?|ftp|mailto|xmpp):|\bwww(?=\.))", re.IGNORECASE)
BAR_WIDTH = 64


def escape(text: str, at_start: bool = True) -> str:
    """The text on one line, with nothing left in it that Markdown, HTML or GitHub would read as more than text."""
    text = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = SPECIAL.sub(r"\\\g<0>", text)
    if at_start:
        text = AT_LINE_START.sub(lambda match: f"{match[1]}{escaped_start(match[2])}", text)
    return AUTOLINK.sub(rf"\1{WORD_JOINER}", text)


def escaped_start(mark: str) -> str:
    """The first mark of a line, so that it starts no heading, list or rule; a number keeps its digits."""
    return f"{mark}{WORD_JOINER}" if mark.isdigit() else f"\\{mark}"


def code_span(text: str, in_table: bool = False) -> Safe:
    """The text as code, fenced by more backticks than it holds."""
    text = one_line(text)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest or text != text.strip() or not text else ""
    return Safe(f"{fence}{pad}{text.replace('|', chr(92) + '|') if in_table else text}{pad}{fence}")


def inline(text: str, in_table: bool = False) -> Safe:
    """The text of a finding: `backticks` stay code, the rest is escaped."""
    pieces = enumerate(spans(text))
    return Safe(
        "".join(code_span(piece, in_table) if code else escape_piece(piece, not at) for at, (piece, code) in pieces)
    )


def escape_piece(piece: str, at_start: bool) -> str:
    """`escape`, keeping the blanks that set a piece apart from the code beside it."""
    lead, trail = piece[: len(piece) - len(piece.lstrip())], piece[len(piece.rstrip()) :]
    return f"{lead}{escape(piece, at_start)}{trail}" if piece.strip() else piece


def fenced(lines: Sequence[CodeLine]) -> Safe:
    """An excerpt as a fenced block that shows the line to change and what to write, as a diff does."""
    marks = {"hit": "-", "add": "+", "": " "}
    changed = any(line.kind == "add" for line in lines)
    texts: list[str] = []
    for line in lines:
        mark = marks[line.kind] if changed else ">" if line.kind == "hit" else " "
        texts.extend(f"{mark} {part}".rstrip() for part in clean(line.text).split("\n"))
    longest = max((len(run) for text in texts for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Safe("\n".join([f"{fence}{'diff' if changed else 'text'}", *texts, fence]))


def verbatim(text: str) -> Safe:
    """The text inside a block that is fenced already: blanks are kept, and nothing in it ends the block."""
    return Safe(clean(text).replace("\n", " ").replace("`", "'"))


FILTERS: dict[str, Callable[..., Safe]] = {"inline": inline, "code": code_span, "fenced": fenced, "verbatim": verbatim}
DIALECT = Dialect(neutralise=escape, filters=FILTERS)


def render(report: Report, options: Options) -> str:
    """The comment."""
    values = {**Page(report).values(), "bars": layer_bars(report, BAR_WIDTH)}
    return tidy(lay_out("report.md.j2", DIALECT, values, options.templates))


def tidy(document: str) -> str:
    """The document without runs of empty lines, ended by one line break."""
    return re.sub(r"\n{3,}", "\n\n", document.strip()) + "\n"


FORMAT = Format(suffix=".md", render=render)

"""One self-contained page: no script, nothing from a network, light and dark, print and phone."""

from __future__ import annotations

from markupsafe import Markup, escape

from grader.feedback.formats._base import Format, Options
from grader.feedback.neutral import clean, spans
from grader.feedback.page import Page
from grader.feedback.pictures import layers_picture
from grader.feedback.switches import switches_table
from grader.feedback.templating import Dialect, lay_out
from grader.results import Report

__all__ = ["DIALECT", "FORMAT", "inline"]


def inline(text: str) -> Markup:
    """The text of a finding: `backticks` become ``<code>``, the rest is escaped."""
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if code else escape(piece) for piece, code in spans(text)
    )


DIALECT = Dialect(neutralise=clean, autoescape=True, filters={"inline": inline})


def render(report: Report, options: Options) -> str:
    """The page."""
    values = {
        **Page(report).values(),
        "picture": layers_picture(report),
        "switches": switches_table(report),
    }
    return lay_out("report.html.j2", DIALECT, values, options.templates)


FORMAT = Format(suffix=".html", render=render)

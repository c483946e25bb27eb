"""Lay out one `Report` in any format. A format is a file in `grader.feedback.formats`, found by its name."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from pathlib import Path

from nbformat import NotebookNode
from rich.console import Console

from grader.errors import RenderError
from grader.feedback import formats
from grader.feedback.formats._base import Format, Options
from grader.results import Report

__all__ = ["FORMATS", "print_text", "render", "suffix"]

FORMATS: tuple[str, ...] = tuple(
    sorted(info.name for info in pkgutil.iter_modules(formats.__path__) if not info.name.startswith("_"))
)
"""Names of all formats."""


def render(report: Report, format: str, *, notebook: NotebookNode | None = None, templates: Path | None = None) -> str:
    """The report as a document.

    Args:
        report: what to lay out.
        format: one of `FORMATS`.
        notebook: the notebook as executed; only the ``notebook`` format needs it.
        templates: the assignment's folder of templates, which go before the grader's own of the same name.

    Raises:
        RenderError: there is no such format, it needs a notebook, or a template is missing or broken.
    """
    return load(format).render(report, Options(notebook=notebook, templates=templates))


def suffix(format: str) -> str:
    """Of a file in this format, with its dot.

    Raises:
        RenderError: there is no such format.
    """
    return load(format).suffix


def print_text(report: Report, console: Console, *, templates: Path | None = None) -> None:
    """Print the report: coloured on a terminal, plain where piped, as wide as the console (at most 100 columns).

    Raises:
        RenderError: a template is missing or broken.
    """
    from grader.feedback.formats.text import print_report

    print_report(report, console, Options(templates=templates))


def load(format: str) -> Format:
    """The format of this name."""
    if format not in FORMATS:
        close = difflib.get_close_matches(format, FORMATS, n=1)
        hint = f"Did you mean {close[0]}?" if close else f"Known are: {', '.join(FORMATS)}."
        raise RenderError(f"There is no format {format!r}.", hint)
    module = importlib.import_module(f"{formats.__name__}.{format}")
    found = getattr(module, "FORMAT", None)
    if not isinstance(found, Format):
        raise RenderError(f"{module.__file__}: a format's file must hold FORMAT, a Format.")
    return found

"""What a format is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from grader.results import Report

__all__ = ["Format", "Options"]


@dataclass(frozen=True)
class Options:
    """What a format may need beside the report."""

    notebook: NotebookNode | None = None
    """The notebook as executed."""
    templates: Path | None = None
    """The assignment's own templates, which go before the grader's."""


@dataclass(frozen=True)
class Format:
    """One way to lay out a report."""

    suffix: str
    """Of a file in this format, with its dot."""
    render: Callable[[Report, Options], str]
    """The whole document; raises `grader.errors.RenderError`."""

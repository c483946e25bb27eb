"""The report itself: what programs read, and nothing else."""

from __future__ import annotations

from grader.feedback.formats._base import Format, Options
from grader.results import Report

__all__ = ["FORMAT"]


def render(report: Report, options: Options) -> str:
    """The record as JSON."""
    return report.model_dump_json(indent=2)


FORMAT = Format(suffix=".json", render=render)

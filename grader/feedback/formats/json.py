"""The report itself: what programs read, and nothing else."""

from __future__ import annotations

import re

from grader.feedback.formats._base import Format, Options
from grader.results import Report

__all__ = ["FORMAT"]

ACTIVE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What JSON may hold as it is, and a terminal or an editor obeys: control characters, and changes of direction."""


def render(report: Report, options: Options) -> str:
    """The record as JSON; such characters stand only within its strings, where their number means the same."""
    return ACTIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", report.model_dump_json(indent=2))


FORMAT = Format(suffix=".json", render=render)

"""Text out of a stranger's process, fit to be shown."""

from __future__ import annotations

import re

__all__ = ["printable"]

ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def printable(text: str) -> str:
    """The text without terminal escape sequences and other control characters (line ends and tabs stay)."""
    return "".join(char for char in ESCAPES.sub("", text) if char.isprintable() or char in "\n\t")

"""Text out of a stranger's process, fit to be kept and shown: what a terminal would obey is taken out."""

from __future__ import annotations

import re

__all__ = ["printable", "without_escapes"]

ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\]|\x9d).*?(?:\x07|\x1b\\|\x9c|$)"  # operating system commands: titles, links, clipboard
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f]).*?(?:\x1b\\|\x9c|$)"  # device control and other strings
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # colours, cursor moves
    r"|\x1b[ -/]*[0-~]?",
    re.DOTALL,
)


def without_escapes(text: str) -> str:
    """The text without terminal escape sequences, whole or cut off. Other control characters stay."""
    return ESCAPE_SEQUENCE.sub("", text)


def printable(text: str) -> str:
    """The text without escape sequences and without any character that has no form (line ends and tabs stay).

    For what is looked through or compared. What is laid out for a reader goes through `grader.feedback.neutral`,
    which shows that something was there.
    """
    return "".join(char for char in without_escapes(text) if char.isprintable() or char in "\n\t")

"""What a shell escape gives where no shell is run: the few commands whose output notebooks go on with."""

from __future__ import annotations

import os
import shlex

__all__ = ["first_line", "output_of"]


def first_line(command: str) -> str:
    """A command as it is named in a note: its first line, at most 60 characters."""
    line = " ".join(command.strip().splitlines()[0].split()) if command.strip() else ""
    return line if len(line) <= 60 else line[:59] + "…"


def output_of(command: str) -> list[str] | None:
    """The lines that a harmless command would print; None for one that is not carried out at all.

    `ls`, `pwd`, `echo` and `cat` look at the files that the notebook sees; `mkdir` makes its folders.
    """
    try:
        words = shlex.split(command.strip())
    except ValueError:
        return None
    if not words or any(mark in command for mark in "|;<>&`$"):
        return None
    name, options, rest = (
        words[0],
        [w for w in words[1:] if w.startswith("-")],
        [w for w in words[1:] if not w.startswith("-")],
    )
    try:
        if name == "ls":
            return [line for folder in rest or ["."] for line in listing(folder)]
        if name == "pwd":
            return [os.getcwd()]
        if name == "echo":
            return [" ".join(rest)]
        if name == "cat" and rest and not options:
            return [line for file in rest for line in text_of(file)]
        if name == "mkdir":
            for folder in rest:
                os.makedirs(folder, exist_ok=True)
            return []
    except OSError as exc:
        return [f"{name}: {exc.strerror}"]
    return None


def listing(path: str) -> list[str]:
    """The names in a folder, or a file's own."""
    if os.path.isfile(path):
        return [path]
    return sorted(name for name in os.listdir(path) if not name.startswith("."))


def text_of(path: str) -> list[str]:
    """The lines of a text file."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(1_000_000).splitlines()

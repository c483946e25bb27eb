"""Commands that a notebook starts through `os` and `subprocess`."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from typing import Any

from grader.run.compat._base import CompatContext
from grader.run.compat._commands import first_line

INSTALLER = re.compile(
    r"(^|[\s/])(pip3?|conda|mamba|uv|apt|apt-get|brew|wget|curl|git|kaggle|gdown|gsutil|unzip|tar|7z|unrar)(\s|$)"
)


def before_imports(context: CompatContext) -> None:
    """Let installers and downloads do nothing, and `os.system` too; other programs are the sandbox's business."""

    def system(command: str) -> int:
        not_run(context, command)
        return 0

    context.patch(os, "system", system)
    for name in ("run", "call", "check_call", "check_output"):
        context.wrap(subprocess, name, lambda original, name=name: filtered(context, name, original))  # type: ignore[misc]


def filtered(context: CompatContext, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """A function of `subprocess` that does not start installers."""

    def function(*args: Any, **kwargs: Any) -> Any:
        command = args[0] if args else kwargs.get("args", "")
        text = command if isinstance(command, str) else " ".join(map(str, command))
        if not INSTALLER.search(text):
            return original(*args, **kwargs)
        not_run(context, text)
        empty: Any = "" if kwargs.get("text") or kwargs.get("universal_newlines") or kwargs.get("encoding") else b""
        results = {"run": subprocess.CompletedProcess(command, 0, empty, empty), "check_output": empty}
        return results.get(name, 0)

    return function


def not_run(context: CompatContext, command: str) -> None:
    """Note that a command had no effect."""
    context.say(f"`{first_line(command)}` was not run: the grader runs no commands of a notebook.")

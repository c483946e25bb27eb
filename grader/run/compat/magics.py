"""Magics and shell escapes: what concerns the notebook alone works, what reaches outside does nothing and is noted."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable
from typing import Any

from IPython.utils.text import SList

from grader.run.compat._base import CompatContext
from grader.run.compat._commands import first_line, output_of

SHELLS = frozenset(
    {
        *("bash", "sh", "script", "shell", "perl", "ruby", "python", "python2", "python3", "pypy", "system", "sx", "!"),
        *("pip", "conda", "mamba", "micromamba", "uv", "debug", "pdb", "store", "bookmark", "edit", "ed", "recall"),
        *("notebook", "killbgscripts", "load", "loadpy", "pastebin"),
    }
)
"""Magics of IPython that run other programs, wait for a person, or keep things between runs."""
COMMANDS_OF_IPYTHON = frozenset(
    {"ls", "ll", "lf", "lk", "ldir", "lx", "mkdir", "cat", "more", "less", "man", "cp", "mv", "rm", "rmdir"}
)


def before_imports(context: CompatContext) -> None:
    """Stand between the notebook and the shell."""
    shell = context.shell
    system = system_of(context)
    for name in ("system", "system_piped", "system_raw"):
        context.patch(shell, name, system)
    context.patch(shell, "getoutput", getoutput_of(context))
    context.wrap(shell, "run_line_magic", lambda original: line_magic_of(context, original))
    context.wrap(shell, "run_cell_magic", lambda original: cell_magic_of(context, original))


def system_of(context: CompatContext) -> Callable[[str], None]:
    """`shell.system`, which ``!command`` calls."""

    def system(command: str) -> None:
        lines = output_of(command)
        context.shell.user_ns["_exit_code"] = 0
        if lines is None:
            not_run(context, f"!{first_line(command)}")
        elif lines:
            print("\n".join(lines))

    return system


def getoutput_of(context: CompatContext) -> Callable[..., Any]:
    """`shell.getoutput`, which ``x = !command`` calls."""

    def getoutput(command: str, split: bool = True, depth: int = 0) -> Any:
        lines = output_of(command)
        if lines is None:
            not_run(context, f"!{first_line(command)}")
        return SList(lines or []) if split else "\n".join(lines or [])

    return getoutput


def line_magic_of(context: CompatContext, original: Callable[..., Any]) -> Callable[..., Any]:
    """`shell.run_line_magic`."""

    def run_line_magic(magic_name: str, line: str, _stack_depth: int = 1) -> Any:
        if magic_name in COMMANDS_OF_IPYTHON:
            return context.shell.system(f"{magic_name} {line}")
        if magic_name in ("sx", "system"):
            return context.shell.getoutput(line)
        if magic_name == "cd":
            return change_folder(context, line)
        if magic_name in SHELLS or not context.shell.find_line_magic(magic_name):
            return not_run(context, f"%{magic_name} {line}".strip())
        if magic_name == "matplotlib":
            line = "inline"
        elif magic_name == "timeit":
            line = bounded(line)
        elif magic_name in ("load_ext", "reload_ext"):
            return load_extension(context, original, magic_name, line)
        return original(magic_name, line, _stack_depth=_stack_depth + 1)

    return run_line_magic


def cell_magic_of(context: CompatContext, original: Callable[..., Any]) -> Callable[..., Any]:
    """`shell.run_cell_magic`."""

    def run_cell_magic(magic_name: str, line: str, cell: str) -> Any:
        if magic_name in SHELLS:
            return not_run(context, f"%%{magic_name} {line}".strip())
        if magic_name == "timeit":
            line = bounded(line)
        if context.shell.find_cell_magic(magic_name):
            return original(magic_name, line, cell)
        return run_body(context, f"%%{magic_name} {line}".strip(), cell)

    return run_cell_magic


def not_run(context: CompatContext, command: str) -> None:
    """Note that a command had no effect."""
    context.say(f"`{first_line(command)}` was not run: the grader runs no commands of a notebook.")


def run_body(context: CompatContext, command: str, cell: str) -> None:
    """Run the cell below a magic that is not known: nearly all of those run Python."""
    code = context.shell.transform_cell(cell)
    try:
        ast.parse(code)
    except SyntaxError:
        return not_run(context, command)
    context.say(f"`{first_line(command)}` is not known here: its cell was run without it.")
    result = context.shell.run_cell(cell, store_history=False)
    error = result.error_before_exec or result.error_in_exec
    if error is not None:
        raise error
    return None


def change_folder(context: CompatContext, line: str) -> None:
    """``%cd`` inside the notebook's folders."""
    target = line.strip().strip("\"'")
    folder = os.path.realpath(os.path.expanduser(target)) if target else str(context.work)
    inside = any(folder == str(root) or folder.startswith(f"{root}/") for root in (context.work, context.dataset))
    if inside and os.path.isdir(folder):
        os.chdir(folder)
    else:
        context.say(f"`%cd {target}` was not run: the notebook stays in its own folder.")


def bounded(line: str) -> str:
    """The arguments of ``%timeit``, for one run of one loop."""
    rest = re.sub(r"^(\s*-[nr]\s*\d+)+", "", line)
    return f"-n 1 -r 1 {rest.strip()}"


def load_extension(context: CompatContext, original: Callable[..., Any], magic: str, line: str) -> Any:
    """``%load_ext`` of an extension that may not be here."""
    if "tensorboard" in line:
        return not_run(context, f"%{magic} {line}")
    try:
        return original(magic, line)
    except ImportError:
        return not_run(context, f"%{magic} {line}")

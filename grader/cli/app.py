"""The Typer app: its commands, and what becomes of an error."""

from __future__ import annotations

import atexit
import gc
import importlib
import pkgutil
import sys
from typing import Annotated

import typer

__all__ = ["app", "fail", "main"]

INTERRUPTED = 130
"""What Typer makes of Ctrl-C."""

app = typer.Typer(
    name="grader",
    help="Grade transfer-learning notebooks from evidence: what trained, what moved, and how BatchNorm was called.",
    epilog="Exit status: 0 all passed, 1 findings, 2 the grader could not do its work.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        from grader import __version__

        typer.echo(f"grader {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """What all commands share."""


def fail(message: str, remedy: str = "") -> None:
    """One line on stderr, coloured where it is a terminal.

    A message may name a stranger's file: nothing in it is left that a terminal would obey.
    """
    from grader.feedback.neutral import one_line

    mark = typer.style("grader: ", fg=typer.colors.RED, bold=True)
    typer.echo(mark + one_line(f"{message} {remedy}"), err=True)


def main() -> None:
    """Entry point of the `grader` command."""
    from grader import cli
    from grader.errors import GraderError

    # Nothing that is still there in the end is worth looking through for garbage: that takes a tenth of a second.
    atexit.register(gc.freeze)
    for module in pkgutil.iter_modules(cli.__path__):
        importlib.import_module(f"{cli.__name__}.{module.name}")
    try:
        app()
    except GraderError as exc:
        fail(exc.message, exc.remedy)
        sys.exit(2)
    except SystemExit as exc:
        if exc.code != INTERRUPTED:
            raise
        fail("stopped.")
        sys.exit(2)

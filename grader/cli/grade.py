"""`grader grade`: a whole class, from the folder or zip that a course system gives."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli.app import app, fail
from grader.cli.run_options import (
    AssignmentOption,
    Isolation,
    IsolationOption,
    KerasOption,
    ReplayOption,
    TrainingOption,
    options_of,
    warn_of_isolation,
)
from grader.run.zygote import zygote_ahead

if TYPE_CHECKING:
    from grader.batch.progress import Tally

STOPPED = 2


@app.command()
def grade(
    source: Annotated[
        Path, typer.Argument(help="Folder or zip with the submissions, e.g. as downloaded from Canvas or Moodle.")
    ],
    out: Annotated[Path, typer.Option("-o", "--output", help="Folder for grades and feedback.", show_default=False)],
    assignment: AssignmentOption = "",
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", min=1, help="Notebooks at a time; without it, by cores and memory.", show_default=False
        ),
    ] = None,
    dask: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Run on this Dask cluster, e.g. tcp://head:8786 or local:4.", show_default=False
        ),
    ] = "",
    keras: KerasOption = None,
    training: TrainingOption = None,
    replay: ReplayOption = None,
    isolation: IsolationOption = Isolation.AUTO,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Run again what was run by another version of grader or assignment.")
    ] = False,
) -> None:
    """Grade a class. The same command again goes on where it stood."""
    from rich.console import Console

    # TensorFlow takes longest, and can be imported while the submissions are still being looked at.
    with contextlib.nullcontext() if dask else zygote_ahead():
        from grader.batch.closing import exit_status, print_closing
        from grader.batch.progress import Tally
        from grader.batch.session import Order, grade_class

        options = options_of(keras, training, replay, isolation)
        if not dask:  # Elsewhere it is for the workers to say.
            warn_of_isolation(options)
        tally = Tally()
        signal.signal(signal.SIGTERM, stop)
        try:
            gradebook = grade_class(Order(source, out, assignment, options, jobs, dask, rerun), tally)
        except KeyboardInterrupt:
            fail(f"stopped: {tally.done} of {tally.total} submissions are graded.", "The same command goes on.")
            raise typer.Exit(STOPPED) from None
    print_closing(gradebook, Console())
    hint(tally, out)
    raise typer.Exit(exit_status(gradebook))


def stop(number: int, frame: object) -> None:
    """SIGTERM is as good as Ctrl-C."""
    raise KeyboardInterrupt


def hint(tally: Tally, out: Path) -> None:
    """What to do next."""
    if tally.otherwise:
        typer.echo(f"\n{tally.otherwise} were scored by an earlier rubric. See what would change: grader regrade {out}")
    if tally.outdated:
        typer.echo(f"\n{tally.outdated} were run by another version of grader or assignment. Run them again: --rerun")
    if tally.errors:
        typer.echo("\nThe grader failed on some. The same command tries them again.")
    typer.echo(f"\nThe class at a glance: {(out / 'index.html').resolve()}")

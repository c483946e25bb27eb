"""`grader check`: one notebook (or a few, one after the other) from file to feedback."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from enum import Enum
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
    from grader.assignment import Assignment
    from grader.grade import Graded
    from grader.options import Options
    from grader.run.kernel import KernelStarter
    from grader.submission import Submission

PARTIAL = 2
"""Exit status where some notebooks could not be graded."""


class OutputFormat(str, Enum):
    """How to lay the report out."""

    TEXT = "text"
    MD = "md"
    HTML = "html"
    JSON = "json"
    NOTEBOOK = "notebook"


LAYOUTS = {OutputFormat.MD: "markdown"}
"""Formats whose name on the command line is not their file's."""


@app.command()
def check(
    notebooks: Annotated[
        list[Path], typer.Argument(metavar="NOTEBOOK...", help="The notebook to grade.", show_default=False)
    ],
    assignment: AssignmentOption = "",
    keras: KerasOption = None,
    training: TrainingOption = None,
    isolation: IsolationOption = Isolation.AUTO,
    replay: ReplayOption = None,
    format: Annotated[
        OutputFormat, typer.Option("--format", "-f", help="How to lay the report out.")
    ] = OutputFormat.TEXT,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Write here and not to stdout; a folder for several notebooks.", show_default=False
        ),
    ] = None,
    keep_weights: Annotated[
        Path | None, typer.Option(help="Keep the recorder's journal and the arrays in this folder.", show_default=False)
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")] = False,
) -> None:
    """Grade a notebook and say what happened."""
    layout = Layout(format, output, quiet)
    # TensorFlow takes longest, and does not need this process: it is imported while all else is.
    with zygote_ahead():
        options = options_of(keras, training, replay, isolation, keep_weights)
        if len(notebooks) == 1:
            check_one(notebooks[0], assignment, options, layout)
        else:
            warn_of_isolation(options)
            check_several(notebooks, assignment, options, layout)


@dataclass(frozen=True)
class Layout:
    """How and where the feedback goes."""

    format: OutputFormat
    output: Path | None
    quiet: bool


def check_one(path: Path, assignment: str, options: Options, layout: Layout) -> None:
    """Grade one notebook; its report is what this prints or writes."""
    from grader.run.flavour import asked_flavour, choose_flavour
    from grader.run.kernel import best_for

    task, starter = read(path, assignment), best_for(notebooks=1)
    asked = asked_flavour(options.keras, task.assignment.keras)
    keras = asked or choose_flavour(task.submission.notebook)
    starter.expect(keras.flavour, options.training or task.assignment.training)
    warn_of_isolation(options)
    graded = grade_task(task, options, layout.quiet, starter)
    starter.dismiss()
    if layout.format is OutputFormat.TEXT and layout.output is None:
        show(graded)
    else:
        write(lay_out(graded, layout.format), layout.output)
    raise typer.Exit(int(has_findings(graded)))


def check_several(notebooks: list[Path], assignment: str, options: Options, layout: Layout) -> None:
    """Grade several notebooks one after the other, a report for each into a folder, and end with a table."""
    from grader.errors import GraderError
    from grader.run.kernel import best_for

    folder = layout.output or Path("feedback")
    starter = best_for(len(notebooks))
    done: list[Graded] = []
    paths: list[Path] = []
    for number, path in enumerate(notebooks, 1):
        try:
            task = read(path, assignment)
            graded = grade_task(task, options, layout.quiet, starter, f"[{number}/{len(notebooks)}] ")
        except GraderError as exc:
            # The others are still worth grading; the exit status tells.
            fail(exc.message, exc.remedy)
            continue
        paths.append(free_name(folder, path.stem, suffix_of(layout.format), paths))
        write(lay_out(graded, layout.format), paths[-1])
        done.append(graded)
    finish(done, paths, folder)
    raise typer.Exit(PARTIAL if len(done) < len(notebooks) else int(any(map(has_findings, done))))


def has_findings(graded: Graded) -> bool:
    """Whether the exit status tells of it."""
    return graded.report.outcome.value in ("failed", "error")


@dataclass(frozen=True)
class Task:
    """A notebook, and what it is to be graded by."""

    submission: Submission
    assignment: Assignment


def read(path: Path, assignment: str) -> Task:
    """The notebook in this file, for the assignment of this name, or the one that it shows to belong to.

    Raises:
        GraderError: either cannot be read or found.
    """
    from grader.assignment import find_assignment, find_assignments
    from grader.recognise import recognise
    from grader.submission import load_submission

    chosen = find_assignment(assignment) if assignment else None
    submission = load_submission(path)
    return Task(submission, chosen or recognise(submission, find_assignments()))


def grade_task(task: Task, options: Options, quiet: bool, starter: KernelStarter, prefix: str = "") -> Graded:
    """Grade it, with progress on stderr."""
    from grader.grade import grade
    from grader.progress import TerminalProgress

    with TerminalProgress(f"{prefix}{task.submission.path.name}", quiet=quiet) as progress:
        return grade(task.submission, task.assignment, options, progress, starter=starter)


def lay_out(graded: Graded, format: OutputFormat) -> str:
    """The report as a document."""
    from grader.feedback.render import render

    name = LAYOUTS.get(format, format.value)
    return render(graded.report, name, notebook=graded.notebook, templates=graded.templates)


def show(graded: Graded) -> None:
    """The report on the terminal, as wide and as colourful as that is."""
    from rich.console import Console

    from grader.feedback.render import print_text

    print_text(graded.report, Console(), templates=graded.templates)


def suffix_of(format: OutputFormat) -> str:
    """Of a file in this format."""
    from grader.feedback.render import suffix

    return suffix(LAYOUTS.get(format, format.value))


def free_name(folder: Path, stem: str, suffix: str, taken: list[Path]) -> Path:
    """A path for this notebook's report that no other one of this call has."""
    safe = re.sub(r"[^\w.+ -]", "_", stem) or "notebook"
    path, number = folder / f"{safe}{suffix}", 2
    while path in taken:
        path, number = folder / f"{safe}-{number}{suffix}", number + 1
    return path


def write(text: str, path: Path | None) -> None:
    """To the file, or to stdout."""
    from grader.errors import GraderError

    if path is None:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise GraderError(f"{path}: cannot be written: {exc.strerror}.", "Name another place with -o.") from exc


def finish(done: list[Graded], paths: list[Path], folder: Path) -> None:
    """The table that ends a call with several notebooks."""
    from rich.console import Console

    from grader.feedback.table import print_table

    console = Console()
    # Their folder is told once, below.
    print_table([graded.report for graded in done], [Path(path.name) for path in paths], console)
    console.print(f"\n{len(paths)} reports in {folder.resolve()}", soft_wrap=True, highlight=False)

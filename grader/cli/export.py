"""`grader export`: from a graded class to the file that a system of a course takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli.app import app

if TYPE_CHECKING:
    from grader.batch.exports import Export, Exported, Given

SHOWN = 12
"""Remarks of one kind that are listed before the rest is counted."""
HEADINGS = {
    "no grade": "without a grade, exported as none (never as 0)",
    "not found": "not in the file, so the system would not get their score",
    "skipped": "that the system would skip",
    "created": "that the system would create",
    "note": "to know",
}


def complete_format(incomplete: str) -> list[str]:
    """Names for the shell's completion."""
    from grader.batch.exports import exports

    return [name for name in exports() if name.startswith(incomplete)]


@app.command()
def export(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder that `grader grade` wrote.")],
    format: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="canvas, moodle, moodle-feedback, gradescope, prairielearn, coursera, nbgrader, junit, csv, jsonl, "
            "parquet.",
            autocompletion=complete_format,
            show_default=False,
        ),
    ],
    into: Annotated[
        Path | None, typer.Option(help="The system's own download, to be filled in.", show_default=False)
    ] = None,
    column: Annotated[
        str, typer.Option(help="Title of the column in that file that takes the grades.", show_default=False)
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the system would skip or create; write nothing.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write, or folder.", show_default=False)
    ] = None,
) -> None:
    """Write grades as Canvas, Moodle, Gradescope and others take them."""
    from grader.batch.exports import find_export
    from grader.batch.store import read_gradebook
    from grader.errors import GraderError

    chosen = find_export(format)
    if into is not None and not chosen.fills:
        raise GraderError(f"The export {format} does not fill in a file.", "Leave --into out.")
    if output is None and not dry_run:
        raise GraderError("There is no place to write to.", "Name a file with -o, or look first with --dry-run.")
    if output is not None and into is not None and output.resolve() == into.resolve():
        raise GraderError(f"{output}: this is the file to be filled in.", "Name another one with -o.")
    exported = chosen.export(read_gradebook(out), given_file(into, column))
    if output is not None and not dry_run:
        write(chosen, exported, output)
    report(exported, output, dry_run)


def given_file(into: Path | None, column: str) -> Given | None:
    """The file to fill in."""
    from grader.batch.exports import Given
    from grader.errors import GraderError

    if into is None:
        return None
    try:
        return Given(str(into), into.read_bytes(), column)
    except OSError as exc:
        raise GraderError(f"{into}: cannot be read: {exc.strerror}.", "Check the path after --into.") from exc


def write(chosen: Export, exported: Exported, output: Path) -> None:
    """The one file, or the folder."""
    from grader.errors import GraderError

    try:
        for name, data in exported.files.items():
            path = output / name if chosen.is_folder else output
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    except OSError as exc:
        raise GraderError(f"{output}: cannot be written: {exc.strerror}.", "Name another place with -o.") from exc


def report(exported: Exported, output: Path | None, dry_run: bool) -> None:
    """What was written, and what there is to know about it."""
    from rich.console import Console

    from grader.feedback.neutral import one_line

    console = Console(highlight=False, markup=False)
    students = f"{exported.written} student{'s' if exported.written != 1 else ''}"
    where = "would be written (nothing was)" if dry_run else f"written to {output}"
    console.print(f"Grades of {students} {where}.", soft_wrap=True)
    for kind, heading in HEADINGS.items():
        remarks = [remark for remark in exported.remarks if remark.kind == kind]
        if not remarks:
            continue
        console.print(f"\n{len(remarks)} {heading}:")
        for remark in remarks[:SHOWN]:
            who = f"{one_line(remark.who)}: " if remark.who else ""
            console.print(f"  {who}{one_line(remark.text)}", soft_wrap=True)
        if len(remarks) > SHOWN:
            console.print(f"  and {len(remarks) - SHOWN} more")

"""`grader verify`: is the grader right about an assignment's reference notebooks?"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli.app import app, fail
from grader.cli.run_options import complete_assignment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.verify import Reference

FINDINGS, PARTIAL = 1, 2


@app.command(context_settings={"ignore_unknown_options": True})
def verify(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ASSIGNMENT",
            help="Slugs or folders; without them, all that the nearest reference has. Options of pytest that are not "
            "named below are passed on to it if written in one word, such as -x, -v or --maxfail=2.",
            autocompletion=complete_assignment,
            show_default=False,
        ),
    ] = None,
    select: Annotated[
        str, typer.Option("-k", metavar="EXPRESSION", help='E.g. "training-flag and keras3".', show_default=False)
    ] = "",
    processes: Annotated[
        str, typer.Option("-n", metavar="N", help="So many at a time (pytest-xdist).", show_default=False)
    ] = "",
    junitxml: Annotated[
        Path | None, typer.Option("--junitxml", help="Write the results as JUnit XML.", show_default=False)
    ] = None,
    kept: Annotated[
        bool, typer.Option("--kept", help="Judge what the last run kept; run only notebooks that changed since.")
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Rebuild and measure every model too: does it agree with the recorder?")
    ] = False,
    matrix: Annotated[
        bool, typer.Option("--matrix", help="Run nothing: show which check caught which variant in the last run.")
    ] = False,
    reference: Annotated[
        Path | None,
        typer.Option(help="Folder of references; without it, found beside the assignments.", show_default=False),
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(help="Keep the records here, not in build/verify beside the references.", show_default=False),
    ] = None,
) -> None:
    """Check the grader itself: full marks for the solution, none for the starter, and each variant caught.

    A variant must fail exactly the checks that its variants.toml declares.
    """
    from grader.errors import GraderError
    from grader.verify.cases import find_references

    if importlib.util.find_spec("pytest") is None:
        raise GraderError("grader verify needs pytest.", "Install it: pip install 'grader[verify]'.")
    references = find_references([word for word in words or () if not word.startswith("-")], reference)
    if matrix:
        raise typer.Exit(show_matrix(references, records))
    arguments = ["--verify-kept"] if kept else []
    arguments += ["--verify-replay"] if replay else []
    arguments += [f"--verify-records={records.resolve()}"] if records else []
    arguments += ["-k", select] if select else []
    # Some notebooks take three times as long as others, and nobody knows beforehand which.
    arguments += ["-n", processes, "--dist=worksteal"] if processes else []
    arguments += [f"--junitxml={junitxml.resolve()}"] if junitxml else []
    arguments += [word for word in words or () if word.startswith("-")]
    raise typer.Exit(run_pytest(references, arguments))


def run_pytest(references: Sequence[Reference], arguments: list[str]) -> int:
    """Run the items; the exit status."""
    import pytest

    from grader.verify.keeper import Keeper

    keeper = Keeper()
    files = [str(reference.file.resolve()) for reference in references]
    # Whatever pytest settings the current folder has are for other tests.
    alone = ["-c", os.devnull, f"--rootdir={references[0].folder.resolve().parent}", "--noconftest", "--no-header"]
    alone += ["-p", "no:cacheprovider", "-p", "grader.verify.plugin"]
    status = pytest.main([*alone, *arguments, *files], plugins=[keeper])
    if status == pytest.ExitCode.NO_TESTS_COLLECTED:
        fail("nothing was selected.", "Without -k, all notebooks are.")
    if keeper.broken:
        return PARTIAL
    return int(status) if status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) else PARTIAL


def show_matrix(references: Sequence[Reference], records: Path | None) -> int:
    """Print it and whether the bars are met; the exit status."""
    from rich.console import Console

    from grader.verify.matrix import Matrix
    from grader.verify.matrix_view import print_bars, print_matrix
    from grader.verify.records import Records, default_records

    # In a file or a log there is room for all columns.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    matrices = [Matrix.of(reference, Records(records or default_records(reference.folder))) for reference in references]
    for matrix in matrices:
        print_matrix(matrix, console)
    if missing := [f"{matrix.slug}::{case.id}" for matrix in matrices for case in matrix.missing]:
        what = f"{len(missing)} notebooks and checks as they are now, e.g. {missing[0]}"
        fail(f"no record of {what}.", "Run grader verify --kept.")
        return PARTIAL
    return 0 if print_bars(matrices, console) else FINDINGS

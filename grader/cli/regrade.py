"""`grader regrade`: score stored evidence by the assignment as it is now. Nothing is run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli.app import app, fail
from grader.cli.run_options import complete_assignment

if TYPE_CHECKING:
    from grader.assignment import Assignment
    from grader.batch.regrading import Regraded
    from grader.batch.store import Store


@app.command()
def regrade(
    out: Annotated[Path, typer.Argument(help="Folder of a class that was graded.")],
    assignment: Annotated[
        str,
        typer.Option(
            "--assignment",
            "-a",
            help="Slug or folder; without it, the folder that the class was graded by.",
            autocompletion=complete_assignment,
            show_default=False,
        ),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Keep the new grades without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and keep nothing.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Write all changes to this file.", show_default=False)] = None,
    history: Annotated[bool, typer.Option("--history", help="Show the earlier gradings and do nothing.")] = False,
    feedback: Annotated[bool, typer.Option(help="Write the pages of feedback anew.")] = True,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Processes; by default one a core.", show_default=False)
    ] = None,
) -> None:
    """Score a class anew after points, parameters or checks changed, without running a notebook."""
    from rich.console import Console

    from grader.batch.changes import changes_csv, print_changes
    from grader.batch.publishing import publish
    from grader.batch.regrading import changes_of
    from grader.batch.regrading import regrade as score_all
    from grader.batch.store import gradebook_of, working_on
    from grader.cli.check import write
    from grader.errors import GraderError
    from grader.feedback.wording import joined

    if history:
        show_history(out)
        return
    with working_on(out, "regrading") as store:
        chosen = chosen_assignment(store, assignment)
        regraded = score_all(store, chosen, jobs)
        changes = changes_of(regraded)
        console = Console(highlight=False)
        print_changes(changes, sum(one.present for one in regraded.standings), console)
        if regraded.stale:
            parts = joined(regraded.stale)
            fail(f"{parts} changed since the runs.", "What comes of that only grader grade SOURCE --rerun shows.")
        if csv is not None:
            write(changes_csv(changes), csv)
        if dry_run:
            return
        if not changes and is_current(store, chosen):
            if feedback:
                publish(store, gradebook_of(store), chosen)
            return
        if changes and not yes:
            if not sys.stdin.isatty():
                raise GraderError("Nothing was kept.", "Keep the new grades with --yes.")
            if not typer.confirm("Keep the new grades?"):
                typer.echo("Nothing was kept.")
                return
        keep(store, chosen, regraded)
        if feedback:
            publish(store, gradebook_of(store), chosen)
        typer.echo("The new grades are kept; the earlier ones: --history")


def chosen_assignment(store: Store, named: str) -> Assignment:
    """The one that is named, else the one that the class was graded by."""
    from grader.assignment import find_assignment
    from grader.batch.store.people import the_class
    from grader.errors import StoreError

    with store.session() as session:
        about = the_class(session)
        slug, folder = about.assignment, about.folder
    if not named and not (Path(folder) / "assignment.toml").is_file():
        raise StoreError(f"{store.folder}: was graded by {folder}, which is not there.", "Name the assignment with -a.")
    found = find_assignment(named or folder)
    if found.slug != slug:
        raise StoreError(
            f"{store.folder}: holds grades of {slug}, not of {found.slug}.", "Name the right assignment with -a."
        )
    return found


def is_current(store: Store, assignment: Assignment) -> bool:
    """Whether all results are by this rubric already."""
    from grader.batch.fingerprint import rubric_hash
    from grader.batch.store.results import scored_otherwise

    with store.session() as session:
        return scored_otherwise(session, rubric_hash(assignment)) == 0


def keep(store: Store, assignment: Assignment, regraded: Regraded) -> None:
    """Let the new results count, all of them or, if anything fails, none."""
    from grader.batch.store.people import enter_class
    from grader.batch.store.results import begin_scoring, keep_results

    with store.session() as session:
        enter_class(session, assignment, store.folder)
        keep_results(session, begin_scoring(session, assignment, "regrade"), regraded.results)


def show_history(out: Path) -> None:
    """One row a grading."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from grader.batch.store import open_store
    from grader.batch.store.results import history
    from grader.feedback.wording import points_text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in ("when", "what", "rubric", "grader", "results", "mean"):
        table.add_column(column, justify="right" if column in ("results", "mean") else "left")
    with open_store(out).session() as session:
        for one in history(session):
            mean = "" if one.mean is None else points_text(one.mean)
            when = one.made.astimezone().strftime("%Y-%m-%d %H:%M")
            table.add_row(when, one.kind, one.rubric[:12], one.grader, str(one.results), mean)
    Console().print(table)

"""`grader adjust`: points that a person sets, over what the grader gave."""

from __future__ import annotations

import getpass
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli.app import app, fail

if TYPE_CHECKING:
    from grader.batch.adjusting import Wish
    from grader.batch.store import Store
    from grader.batch.store.adjustments import Entry


@app.command()
def adjust(
    out: Annotated[Path, typer.Argument(help="Folder of a class that was graded.")],
    student: Annotated[str, typer.Argument(help="Key, name or e-mail address.", show_default=False)] = "",
    check: Annotated[
        str, typer.Option("--check", "-c", help="E.g. TL103; without it, the whole score.", show_default=False)
    ] = "",
    points: Annotated[float | None, typer.Option("--points", "-p", show_default=False, help="What it is now.")] = None,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; the student reads it.", show_default=False)] = "",
    file: Annotated[
        Path | None,
        typer.Option("--from", help="Take them from this CSV: student, check, points, reason.", show_default=False),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", "-l", help="Show all adjustments.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take it back: what the grader gave counts again.")] = False,
) -> None:
    """Set a student's points by hand. It outlives regrading, and feedback says who set it and why.

    Who: the name that you are logged in by, or GRADER_USER. OUT/overrides.csv has them all, as --from takes them.
    """
    who = user()
    if listed:
        show(out)
    elif remove:
        take_back(out, require_student(student), check, who)
    elif file is not None:
        from grader.batch.adjusting import read_overrides

        set_all(out, read_overrides(file, who))
    else:
        from grader.batch.adjusting import Wish
        from grader.errors import AdjustmentError

        if points is None:
            raise AdjustmentError("No points are given.", "Give them with --points.")
        set_all(out, [Wish(require_student(student), check, points, reason, who)])


def user() -> str:
    """Who runs this."""
    try:
        return os.environ.get("GRADER_USER") or getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "staff"


def require_student(student: str) -> str:
    """The word for a student, which must be there."""
    from grader.errors import AdjustmentError

    if not student:
        raise AdjustmentError("No student is named.", "E.g. grader adjust OUT STUDENT --points 2 --reason WHY.")
    return student


def set_all(out: Path, wishes: Sequence[Wish]) -> None:
    """Let them hold, and say what is what now."""
    from grader.batch.adjusting import keep_wishes
    from grader.batch.store import working_on

    with working_on(out, "adjusting") as store:
        with store.session() as session:
            kept = keep_wishes(session, wishes)
        republish(store)
    for entry, worth, changed in kept:
        typer.echo(f"{told(entry)}{'' if changed else ' (as before)'}")
        if worth is not None and entry.points > worth:
            fail(f"{entry.check} is worth {worth:g}: {entry.points:g} is more.", "Kept all the same.")


def take_back(out: Path, student: str, check: str, by: str) -> None:
    """Remove one."""
    from grader.batch.adjusting import Roll
    from grader.batch.store import working_on
    from grader.batch.store.adjustments import remove_entry
    from grader.errors import AdjustmentError

    with working_on(out, "adjusting") as store:
        with store.session() as session:
            roll = Roll(session)
            found, code = roll.student(student), roll.check(check)
            if not remove_entry(session, found.key, code, by):
                what = code or "the whole score"
                raise AdjustmentError(
                    f"{found.key} has no adjustment of {what}.", "Show all: grader adjust OUT --list."
                )
        republish(store)
    typer.echo(f"{found.key}: what the grader gave for {code or 'the whole'} counts again")


def republish(store: Store) -> None:
    """Write the pages that tell of it anew, where the assignment is still there to lay them out."""
    from grader.assignment import Assignment
    from grader.batch.adjusting import entries_csv
    from grader.batch.publishing import publish
    from grader.batch.store import gradebook_of
    from grader.batch.store.adjustments import entries
    from grader.batch.store.people import the_class
    from grader.cli.check import write

    with store.session() as session:
        folder = Path(the_class(session).folder)
        written = entries_csv(entries(session))
    write(written, store.folder / "overrides.csv")
    if (folder / "assignment.toml").is_file():
        publish(store, gradebook_of(store), Assignment.load(folder))
    else:
        fail(f"{folder}: the assignment is not there, so that feedback is not written anew.")


def told(entry: Entry) -> str:
    """One line."""
    what = entry.check or "whole score"
    return f"{entry.student.name or entry.student.key}: {what} is {entry.points:g} now: {entry.reason}"


def show(out: Path) -> None:
    """One row an adjustment."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from grader.batch.store import open_store
    from grader.batch.store.adjustments import entries
    from grader.feedback.neutral import one_line

    with open_store(out).session() as session:
        found = entries(session)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in ("student", "check", "points", "by", "when", "reason"):
        table.add_column(column, justify="right" if column == "points" else "left", overflow="fold")
    for entry in found:
        day = entry.made.astimezone().strftime("%Y-%m-%d")
        who = Text(one_line(entry.student.name or entry.student.key))
        reason = Text(one_line(entry.reason))
        table.add_row(who, entry.check or "(whole)", f"{entry.points:g}", Text(one_line(entry.by)), day, reason)
    Console().print(table if found else "There are no adjustments.")

"""`grader weights list|add|fetch`: the store of pretrained weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grader.weights import WeightsRecord

weights = typer.Typer(help="The store of pretrained weights.", no_args_is_help=True)
app.add_typer(weights, name="weights")


@weights.command("list")
def list_weights() -> None:
    """List what the store holds."""
    from grader.weights import WeightsStore

    store = WeightsStore()
    show(store.list())
    typer.echo(f"{store.folder}", err=True)


@weights.command()
def add(
    file: Annotated[Path, typer.Argument(help="An .h5 file as keras.applications downloads it.")],
    application: Annotated[
        str, typer.Option(help="What it is of, e.g. MobileNetV2, where its name does not tell.", show_default=False)
    ] = "",
    name: Annotated[
        str,
        typer.Option(help="The name that the application asks for, where the file has another.", show_default=False),
    ] = "",
) -> None:
    """Put a real weights file into the store, in place of a stand-in."""
    from grader.weights import WeightsStore

    show([WeightsStore().add(file, application or None, name or None)])


@weights.command()
def fetch(
    application: Annotated[str, typer.Argument(help="Name in keras.applications, e.g. MobileNetV2.")],
    size: Annotated[
        int | None, typer.Option(help="Height and width of the images, in pixels.", show_default=False)
    ] = None,
) -> None:
    """Download the real weights of an application into the store."""
    from grader.weights import WeightsStore

    shape = (size, size, 3) if size else None
    show(WeightsStore().fetch(application, shape, progress=lambda line: typer.echo(line, err=True)))


def show(records: Iterable[WeightsRecord]) -> None:
    """One row a file."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in ("application", "kind", "file", "source"):
        table.add_column(column, overflow="fold")
    for record in records:
        table.add_row(record.application, record.kind, record.file, record.source)
    Console().print(table)

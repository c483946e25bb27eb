"""Options of every command that runs notebooks: declared here once."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from grader.options import Options

__all__ = [
    "AssignmentOption",
    "Isolation",
    "IsolationOption",
    "Keras",
    "KerasOption",
    "Replay",
    "ReplayOption",
    "Training",
    "TrainingOption",
    "complete_assignment",
    "options_of",
    "warn_of_isolation",
]


class Keras(str, Enum):
    """Which Keras to run on."""

    AUTO = "auto"
    TWO = "2"
    THREE = "3"


class Isolation(str, Enum):
    """How strong the walls around a notebook must be."""

    AUTO = "auto"
    STRICT = "strict"
    NONE = "none"


class Training(str, Enum):
    """How much of the training to run."""

    BOUNDED = "bounded"
    FULL = "full"


class Replay(str, Enum):
    """When to rebuild the model and measure it outside the notebook's process."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


def complete_assignment(incomplete: str) -> list[str]:
    """Slugs for the shell's completion."""
    from grader.assignment import find_assignments

    return [found.slug for found in find_assignments() if found.slug.startswith(incomplete)]


AssignmentOption = Annotated[
    str,
    typer.Option(
        "--assignment",
        "-a",
        help="Slug or folder; without it, recognised from what is graded.",
        autocompletion=complete_assignment,
        show_default=False,
    ),
]
KerasOption = Annotated[
    Keras | None, typer.Option(help="Run on this Keras, whatever the assignment says.", show_default=False)
]
TrainingOption = Annotated[
    Training | None, typer.Option(help="Shorten `fit` to one step, or run all of it.", show_default=False)
]
IsolationOption = Annotated[
    Isolation, typer.Option(help="Walls around the notebook: the best there are, none but full ones, or none at all.")
]
ReplayOption = Annotated[
    Replay | None,
    typer.Option(
        help="Rebuild the model and measure it outside the notebook's process: always, never, or where a check failed "
        "or the evidence leaves a doubt.",
        show_default=False,
    ),
]


def options_of(
    keras: Keras | None,
    training: Training | None,
    replay: Replay | None,
    isolation: Isolation = Isolation.AUTO,
    keep_weights: Path | None = None,
) -> Options:
    """What was said on the command line, as a run takes it."""
    from grader.options import Options

    return Options(
        keras=keras.value if keras else None,
        training=training.value if training else None,
        isolation=isolation.value,
        replay=replay.value if replay else None,
        keep_weights=keep_weights,
    )


def warn_of_isolation(options: Options) -> None:
    """Say once, before anything runs, that walls are lower than they could be.

    Raises:
        IsolationError: strict walls were asked for, and cannot be had.
    """
    from grader.run.isolation import choose

    warning = choose(options.isolation).warning
    if warning:
        typer.echo(f"grader: {warning}", err=True)

"""Which of an application's files a given name means, found by asking the application. Subprocess only."""

from __future__ import annotations

from typing import Any

from grader.errors import WeightsError
from grader.weights.ask import Answer, Application, NoSuchFileError
from grader.weights.names import decimals, numbers, without_top

__all__ = ["choose"]


def choose(application: Application, wanted: str, given: str) -> tuple[Answer, tuple[int, ...] | None, dict[str, Any]]:
    """The file of that very name; for another name, the one file that the application has with (or without) top.

    Args:
        application: what the file is said to be of.
        wanted: cleaned name; empty where the given one is no HDF5 file's.
        given: the name as the user has it, for messages.

    Returns:
        The answer, the input shape and the further arguments that bring the application to ask for it.

    Raises:
        WeightsError: the application asks for no such name, and it has several that could be meant.
    """
    include_top = not without_top(wanted)
    asked: dict[str, None] = {}
    for shape in [None, *((n, n, 3) for n in numbers(wanted, application.name))]:
        for alpha in [None, *widths(application, wanted)]:
            more = {} if alpha is None else {"alpha": alpha}
            try:
                answer = application.ask(include_top, shape, values=False, **more)
            except NoSuchFileError:
                continue
            if answer.file.lower() == wanted.lower():
                return answer, shape, more
            asked[answer.file] = None
    if not numbers(next(iter(asked)), application.name):
        return application.ask(include_top, None, values=False), None, {}
    raise WeightsError(
        f"{given}: {application.name} asks for no file of this name, but for such as {next(iter(asked))}.",
        "Give the file the name under which keras.applications downloads it.",
    )


def widths(application: Application, wanted: str) -> list[float]:
    """Width multipliers that the name may mean; MobileNet writes 0.75 as ``7_5``."""
    if not application.has_width:
        return []
    text = wanted.replace("7_5", "0.75").replace("2_5", "0.25").replace("5_0", "0.50")
    return decimals(text, application.name)

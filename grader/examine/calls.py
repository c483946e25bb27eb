"""How the base was called: what the model's config says, and where the student's code said it."""

from __future__ import annotations

from typing import Literal

from grader.evidence import BaseCall
from grader.examine.bases import FoundBase
from grader.examine.graph import ModelConfig
from grader.examine.journal import CallEvent, Journal
from grader.examine.places import Places

__all__ = ["base_calls"]


def base_calls(
    journal: Journal, base: FoundBase, name: str | None, config: ModelConfig | None, places: Places
) -> tuple[BaseCall, ...]:
    """Each different way in which the base was called while this model was built.

    The trained model's config decides, where it has a graph; the recorder tells the place. For a subclassed
    model there is only the recorder, which sees every call that the student's `call` makes.

    Args:
        name: the name of the base in the model; None for a base whose layers lie in the outer model.
    """
    if name is None:
        return ()
    seen = student_calls(journal, base)
    if config is None or not config.has_graph:
        return distinct(
            [BaseCall(training=value_of(event), place=places.place(event.place), source="recorder") for event in seen]
        )
    calls = []
    for training in config.training_of(name):
        told = [event for event in seen if event.symbolic and value_of(event) == training]
        at = [places.place(event.place) for event in told if event.place]
        calls.append(BaseCall(training=training, place=at[-1] if at else None, source="config"))
    return distinct(calls)


def student_calls(journal: Journal, base: FoundBase) -> list[CallEvent]:
    """Calls of the base (of the object in this model, or the one it was copied from) out of the student's code."""
    numbers = {base.number, base.application.model}
    return [event for event in journal.calls if event.model in numbers and (event.by_student or event.symbolic)]


def value_of(event: CallEvent) -> Literal["true", "false", "unset"]:
    """The argument; a tensor that is known only at run time counts as training mode, which it can switch on."""
    return "true" if event.training == "dynamic" else event.training


def distinct(calls: list[BaseCall]) -> tuple[BaseCall, ...]:
    """Without repetitions, in order."""
    return tuple(dict.fromkeys(calls))

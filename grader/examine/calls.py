"""How the base was called: what the model's config says, and where the student's code said it."""

from __future__ import annotations

from collections.abc import Mapping

from grader.evidence import BaseCall
from grader.examine.bases import FoundBase
from grader.examine.graph import ModelConfig, Training
from grader.examine.journal import CallEvent, Journal
from grader.examine.places import Places
from grader.examine.tree import ModelTree

__all__ = ["base_calls"]

UNSET: Training = "unset"


def base_calls(
    journal: Journal, tree: ModelTree, base: FoundBase, configs: Mapping[int, ModelConfig], places: Places
) -> tuple[BaseCall, ...]:
    """Each different way in which the base was called while this model was built.

    The config of the model that holds the base decides, where it has a graph; the recorder tells the place. For a
    subclassed model or layer there is only the recorder, which sees every call that the student's `call` makes.

    Args:
        configs: of the models around the base by their numbers, outermost first, as far as they have a config.
    """
    if base.number is None:
        return ()
    name = tree.containers[base.number].name
    seen = student_calls(journal, base)
    written = written_calls(journal, tree, name, configs)
    if not written:
        # A call outside of all layers is a look at the features.
        own = [event for event in seen if event.within in tree.containers]
        return distinct(
            [BaseCall(training=value_of(event), place=places.place(event.place), source="recorder") for event in own]
        )
    calls = []
    for training in written:
        alike = [event for event in seen if event.symbolic and value_of(event) == training]
        at = [places.place(event.place) for event in alike if event.place]
        calls.append(BaseCall(training=training, place=at[-1] if at else None, source="config"))
    return distinct(calls)


def written_calls(journal: Journal, tree: ModelTree, name: str, configs: Mapping[int, ModelConfig]) -> list[Training]:
    """What the configs say of the calls of the layer with this name; empty where none speaks of it."""
    for number, config in configs.items():
        # A model that a subclassed one holds is called by the student's own code.
        passed: list[Training] = [
            value_of(event) for event in journal.calls if event.model == number and event.within in tree.containers
        ]
        around = list(dict.fromkeys(passed)) or [UNSET]
        told = [training for value in around for training in config.training_of(name, value)]
        if told:
            return told
    return []


def student_calls(journal: Journal, base: FoundBase) -> list[CallEvent]:
    """Calls of the base (of the object in this model, or the one it was copied from) out of the student's code."""
    numbers = {base.number, base.application.model}
    return [event for event in journal.calls if event.model in numbers and (event.by_student or event.symbolic)]


def value_of(event: CallEvent) -> Training:
    """The argument; a tensor that is known only at run time counts as training mode, which it can switch on."""
    return "true" if event.training == "dynamic" else event.training


def distinct(calls: list[BaseCall]) -> tuple[BaseCall, ...]:
    """Without repetitions, in order."""
    return tuple(dict.fromkeys(calls))

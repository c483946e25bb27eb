"""Finding the pretrained network inside a model: by the very layers, else by their names and shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from grader.examine.journal import ApplicationEvent, Journal
from grader.examine.tree import Leaf, ModelTree

__all__ = ["FoundBase", "find_base"]

Style = Literal["nested", "flattened", "sequential", "subclassed"]
FUNCTIONAL = ("Functional", "Model")


@dataclass(frozen=True)
class FoundBase:
    """The base as it lies in one model.

    Args:
        application: the recorded construction that it goes back to.
        number: of the container that is the base in this model; None if its layers lie in the outer model.
        layers: its layers in the application's own order; index in this list = index of the base layer.
        style: how the model holds it.
        holder: number of the model or layer that the container lies in; None if the base has no container.
    """

    application: ApplicationEvent
    number: int | None
    layers: tuple[Leaf, ...]
    style: Style
    holder: int | None = None

    def keys(self, *, trains: bool | None = None) -> set[str]:
        """Keys of the base's weights."""
        return {key for leaf in self.layers for key in leaf.keys(trains=trains)}

    def indices(self, keys: set[str]) -> tuple[int, ...]:
        """Indices of the base layers that own at least one of these weights."""
        return tuple(index for index, leaf in enumerate(self.layers) if keys.intersection(leaf.keys()))


def find_base(journal: Journal, tree: ModelTree) -> FoundBase | None:
    """The base of this model; None if it has none.

    A model that was cloned, or saved and loaded, holds other layer objects with the same names and shapes.
    """
    by_number = {leaf.number: leaf for leaf in tree.leaves}
    by_name = {(leaf.name, tuple(weight.shape for weight in leaf.own)): leaf for leaf in tree.leaves}
    for event in reversed(journal.applications):
        original = application_layers(journal, event)
        weighty = [leaf for leaf in original if leaf.own]
        if not weighty:
            continue
        if sum(leaf.number in by_number for leaf in weighty) > len(weighty) / 2:
            layers = tuple(by_number.get(leaf.number, bare(leaf)) for leaf in original)
            return placed(tree, event, layers)
    for event in reversed(journal.applications):
        original = application_layers(journal, event)
        named = [by_name.get((leaf.name, tuple(weight.shape for weight in leaf.own))) for leaf in original]
        present = [found for leaf, found in zip(original, named, strict=True) if leaf.own and found]
        if present and len(present) > sum(bool(leaf.own) for leaf in original) / 2:
            layers = tuple(found or bare(leaf) for leaf, found in zip(original, named, strict=True))
            return placed(tree, event, layers)
    return None


def application_layers(journal: Journal, event: ApplicationEvent) -> list[Leaf]:
    """The layers of an application, in its own order."""
    described = journal.model(event.model)
    return ModelTree(journal, described).leaves if described else []


def bare(leaf: Leaf) -> Leaf:
    """A layer of the application that this model does not hold (its input, a top that was cut off)."""
    return Leaf(leaf.number, leaf.name, leaf.kind, (), ())


def placed(tree: ModelTree, event: ApplicationEvent, layers: tuple[Leaf, ...]) -> FoundBase:
    """The base with its container and style."""
    held = [leaf for leaf in layers if leaf.containers]
    shared = next((leaf.containers for leaf in held if leaf.own), ())
    for leaf in held:
        shared = tuple(a for a, b in zip(shared, leaf.containers, strict=False) if a == b)
    container = shared[-1] if shared else tree.model.model
    if container == tree.model.model or not is_the_base(tree, container, held):
        return FoundBase(event, None, layers, "flattened")
    outer = tree.containers[shared[-2]]
    style: Style = "nested"
    if outer.kind == "Sequential":
        style = "sequential"
    elif outer.config is None and outer.kind not in FUNCTIONAL:
        style = "subclassed"
    return FoundBase(event, container, layers, style, outer.model)


def is_the_base(tree: ModelTree, container: int, held: list[Leaf]) -> bool:
    """Whether the container holds the base's layers and no others that have weights."""
    numbers = {leaf.number for leaf in held}
    inside = [leaf for leaf in tree.leaves if container in leaf.containers and leaf.own]
    return all(leaf.number in numbers for leaf in inside)

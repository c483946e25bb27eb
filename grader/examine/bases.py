"""Finding the pretrained network inside a model: by the very layers, else by their names and shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from grader.examine.journal import ApplicationEvent, Journal, WeightFacts
from grader.examine.tree import Leaf, ModelTree

__all__ = ["FoundBase", "Member", "find_base"]

Style = Literal["nested", "flattened", "sequential", "subclassed"]
FUNCTIONAL = ("Functional", "Model")


@dataclass(frozen=True)
class Member:
    """One entry of an application's own `layers`: a layer, or (in ConvNeXt) a few of them in a `Sequential`.

    Args:
        name, kind: as recorded.
        leaves: what it consists of, in order.
    """

    name: str
    kind: str
    leaves: tuple[Leaf, ...]

    @property
    def own(self) -> tuple[WeightFacts, ...]:
        """All its weights."""
        return tuple(weight for leaf in self.leaves for weight in leaf.own)

    def keys(self) -> set[str]:
        """Keys of all its weights."""
        return set().union(*(leaf.keys() for leaf in self.leaves))


@dataclass(frozen=True)
class FoundBase:
    """The base as it lies in one model.

    Args:
        application: the recorded construction that it goes back to.
        number: of the container that is the base in this model; None if its layers lie in the outer model.
        members: its layers as the application's own `layers` has them; index in this list = index of the base layer.
        style: how the model holds it.
        holder: number of the model or layer that the container lies in; None if the base has no container.
    """

    application: ApplicationEvent
    number: int | None
    members: tuple[Member, ...]
    style: Style
    holder: int | None = None

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """Its layers without layers inside them, in order."""
        return tuple(leaf for member in self.members for leaf in member.leaves)

    def keys(self, *, trains: bool | None = None) -> set[str]:
        """Keys of the base's weights."""
        return {key for leaf in self.leaves for key in leaf.keys(trains=trains)}

    def indices(self, keys: set[str]) -> tuple[int, ...]:
        """Indices of the base layers that own at least one of these weights."""
        return tuple(index for index, member in enumerate(self.members) if keys & member.keys())


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
            found = {leaf.number: by_number.get(leaf.number) for leaf in original}
            return placed(tree, event, members_of(journal, event, original, found))
    for event in reversed(journal.applications):
        original = application_layers(journal, event)
        named = [by_name.get((leaf.name, tuple(weight.shape for weight in leaf.own))) for leaf in original]
        present = [copy for leaf, copy in zip(original, named, strict=True) if leaf.own and copy]
        if present and len(present) > sum(bool(leaf.own) for leaf in original) / 2:
            found = {leaf.number: copy for leaf, copy in zip(original, named, strict=True)}
            return placed(tree, event, members_of(journal, event, original, found))
    return None


def application_layers(journal: Journal, event: ApplicationEvent) -> list[Leaf]:
    """The layers of an application, in its own order."""
    described = journal.model(event.model)
    return ModelTree(journal, described).leaves if described else []


def members_of(
    journal: Journal, event: ApplicationEvent, original: list[Leaf], found: Mapping[int, Leaf | None]
) -> tuple[Member, ...]:
    """The application's layers as they are in this model.

    Args:
        original: the leaves of the application.
        found: by the numbers of these, what stands for them in the model; None where nothing does.
    """
    described = journal.model(event.model)
    layers = described.layers if described else ()
    leaves: dict[int, list[Leaf]] = {layer.number: [] for layer in layers}
    for leaf in original:
        holder = next((number for number in (leaf.number, *leaf.containers) if number in leaves), None)
        if holder is not None:
            leaves[holder].append(found[leaf.number] or bare(leaf))
    return tuple(Member(layer.name, layer.kind, tuple(leaves[layer.number])) for layer in layers)


def bare(leaf: Leaf) -> Leaf:
    """A layer of the application that this model does not hold (its input, a top that was cut off)."""
    return Leaf(leaf.number, leaf.name, leaf.kind, (), ())


def placed(tree: ModelTree, event: ApplicationEvent, members: tuple[Member, ...]) -> FoundBase:
    """The base with its container and style."""
    held = [leaf for member in members for leaf in member.leaves if leaf.containers]
    shared = next((leaf.containers for leaf in held if leaf.own), ())
    for leaf in held:
        shared = tuple(a for a, b in zip(shared, leaf.containers, strict=False) if a == b)
    container = shared[-1] if shared else tree.model.model
    if container == tree.model.model or not is_the_base(tree, container, held):
        return FoundBase(event, None, members, "flattened")
    outer = tree.containers[shared[-2]]
    style: Style = "nested"
    if outer.kind == "Sequential":
        style = "sequential"
    elif outer.config is None and outer.kind not in FUNCTIONAL:
        style = "subclassed"
    return FoundBase(event, container, members, style, outer.model)


def is_the_base(tree: ModelTree, container: int, held: list[Leaf]) -> bool:
    """Whether the container holds the base's layers and no others that have weights."""
    numbers = {leaf.number for leaf in held}
    inside = [leaf for leaf in tree.leaves if container in leaf.containers and leaf.own]
    return all(leaf.number in numbers for leaf in inside)

"""The layers of a model, whatever they are nested in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from grader.examine.journal import Journal, LayerFacts, ModelEvent, WeightFacts

__all__ = ["Leaf", "ModelTree"]


MOST_DEPTH = 50


@dataclass(frozen=True)
class Leaf:
    """A layer without layers inside it.

    Args:
        number, name, kind: as recorded.
        own: its weights; the variable's key is ``f"{number}.{position}"``.
        containers: numbers of what it is nested in, outermost (the model) first.
    """

    number: int
    name: str
    kind: str
    own: tuple[WeightFacts, ...]
    containers: tuple[int, ...]

    def keys(self, *, trains: bool | None = None) -> list[str]:
        """Keys of its weights: all, those that gradients can train, or those that they cannot."""
        return [
            f"{self.number}.{position}"
            for position, weight in enumerate(self.own)
            if trains is None or weight.trains == trains
        ]


class ModelTree:
    """One recorded model with all that is in it."""

    def __init__(self, journal: Journal, model: ModelEvent) -> None:
        self.model = model
        self.containers: dict[int, ModelEvent] = {model.model: model}
        self.leaves: list[Leaf] = []
        seen: set[int] = set()
        for leaf in self._walk(journal, model, (model.model,)):
            # A layer that is shared, or called several times, is one layer.
            if leaf.number not in seen:
                seen.add(leaf.number)
                self.leaves.append(leaf)

    def _walk(self, journal: Journal, container: ModelEvent, path: tuple[int, ...]) -> Iterator[Leaf]:
        if container.own:
            yield Leaf(container.model, container.name, container.kind, container.own, path)
        for layer in container.layers:
            inner = journal.model(layer.number) if layer.nested else None
            if inner is None or layer.number in path or len(path) > MOST_DEPTH:
                yield leaf_of(layer, path)
                continue
            if layer.number in self.containers:
                # Walked already: what is shared again and again on every level would never end.
                continue
            self.containers[layer.number] = inner
            yield from self._walk(journal, inner, (*path, layer.number))

    def signature(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Roles and shapes of all weights in order: equal for two models of the same architecture."""
        return tuple((weight.role, weight.shape) for leaf in self.leaves for weight in leaf.own)

    def keys(self, *, trains: bool | None = None) -> list[str]:
        """Keys of all weights; see `Leaf.keys`."""
        return [key for leaf in self.leaves for key in leaf.keys(trains=trains)]


def leaf_of(layer: LayerFacts, path: tuple[int, ...]) -> Leaf:
    """A recorded layer as a leaf."""
    return Leaf(layer.number, layer.name, layer.kind, layer.own, path)

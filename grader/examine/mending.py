"""A model's flags or config with one fault mended: what the replay measures beside the model as it is."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from grader.examine.bases import FoundBase
from grader.examine.journal import FrozenFacts
from grader.examine.tree import ModelTree

__all__ = ["batchnorm_frozen", "from_layer_on", "inside", "whole_base_frozen", "with_training_false"]

MOST_DEPTH = 20


def inside(tree: ModelTree, base: FoundBase) -> set[int]:
    """Numbers of the base's layers and of what they are grouped in, the base's own among them."""
    numbers = {leaf.number for leaf in base.leaves}
    if base.number is not None:
        numbers.add(base.number)
        for leaf in base.leaves:
            if base.number in leaf.containers:
                numbers.update(leaf.containers[leaf.containers.index(base.number) :])
    return numbers & ({leaf.number for leaf in tree.leaves} | set(tree.containers))


def whole_base_frozen(frozen: FrozenFacts, tree: ModelTree, base: FoundBase) -> FrozenFacts:
    """All of the base frozen, beside what was."""
    return changed(frozen, freeze=inside(tree, base), keys=base.keys(trains=True))


def batchnorm_frozen(frozen: FrozenFacts, base: FoundBase) -> FrozenFacts:
    """Each BatchNorm layer of the base frozen, beside what was."""
    leaves = [leaf for leaf in base.leaves if any(weight.role == "moving_mean" for weight in leaf.own)]
    keys = {key for leaf in leaves for key in leaf.keys(trains=True)}
    return changed(frozen, freeze={leaf.number for leaf in leaves}, keys=keys)


def from_layer_on(frozen: FrozenFacts, tree: ModelTree, base: FoundBase, start: int) -> FrozenFacts:
    """The base trainable from this layer on and nowhere else; the rest of the model as it was."""
    around = {number for leaf in base.leaves for number in leaf.containers}
    opened = changed(frozen, melt=inside(tree, base) | around | {tree.model.model}, keys=base.keys(trains=True))
    below = [leaf for member in base.members[:start] for leaf in member.leaves]
    keys = {key for leaf in below for key in leaf.keys(trains=True)}
    return changed(opened, freeze={leaf.number for leaf in below}, keys=keys)


def changed(
    frozen: FrozenFacts, *, freeze: set[int] | None = None, melt: set[int] | None = None, keys: set[str]
) -> FrozenFacts:
    """With these layers and the keys of their weights frozen, or else not frozen."""
    if freeze is not None:
        layers, weights = set(frozen.layers) | freeze, set(frozen.weights) | keys
    else:
        layers, weights = set(frozen.layers) - (melt or set()), set(frozen.weights) - keys
    return FrozenFacts(layers=tuple(sorted(layers)), weights=tuple(sorted(weights)))


def with_training_false(config: dict[str, Any], name: str) -> dict[str, Any] | None:
    """The config with `training=False` in every call of the layer with this name; None where there is no call."""
    mended = copy.deepcopy(config)
    calls = [keywords for layer in layers_named(mended, name, 0) for keywords in keywords_of(layer)]
    for keywords in calls:
        keywords["training"] = False
    return mended if calls else None


def layers_named(config: dict[str, Any], name: str, depth: int) -> Iterator[dict[str, Any]]:
    """The entries of the layers with this name, on whatever level they lie."""
    inner = config.get("config")
    layers = inner.get("layers") if isinstance(inner, dict) else None
    for layer in layers if isinstance(layers, list) and depth <= MOST_DEPTH else ():
        if isinstance(layer, dict):
            if layer.get("name") == name:
                yield layer
            else:
                yield from layers_named(layer, name, depth + 1)


def keywords_of(layer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The keyword arguments of each of its calls: Keras 3 has them apart, Keras 2 with the call's first tensor."""
    nodes = layer.get("inbound_nodes")
    for node in nodes if isinstance(nodes, list) else ():
        if isinstance(node, dict):
            yield node.setdefault("kwargs", {})
        elif isinstance(node, list) and node and isinstance(node[0], list) and len(node[0]) == 4:
            yield node[0][3]

"""From a config, arrays and flags back to a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from grader.run.recorder.adapter import KerasAdapter
from grader.run.replay.request import Item, Part

__all__ = ["MisfitError", "Rebuilt", "load_arrays"]


class MisfitError(Exception):
    """What was written down of the model and its config do not belong together."""


class Rebuilt:
    """A model made anew, whose layers and weights are known by the numbers and keys of the original's.

    Args:
        adapter: of the Keras that it ran on.
        part: what to make.

    Raises:
        MisfitError: the config makes other layers or weights than were written down.
    """

    def __init__(self, adapter: KerasAdapter, part: Part) -> None:
        self._adapter = adapter
        self.model = adapter.keras.models.model_from_json(part.config)
        self.layers: dict[int, Any] = {}
        self.variables: dict[str, Any] = {}
        self.trains: dict[str, bool] = {}
        """For each key, whether gradients can train it at all."""
        self.owners: dict[int, dict[str, str]] = {}
        """For each layer with moving statistics: the key of each weight by its role."""
        self._match(self.model, part.tree)

    def _match(self, layer: Any, tree: Mapping[str, Any]) -> None:
        number = int(tree["number"])
        self.layers[number] = layer
        own = self._adapter.own_variables(layer)
        if [list(variable.shape) for variable, _ in own] != [list(shape) for _, shape in tree["own"]]:
            raise MisfitError(
                f"the config gives `{layer.name}` weights of the shapes "
                f"{shapes(variable.shape for variable, _ in own)}, not {shapes(shape for _, shape in tree['own'])}"
            )
        roles = {}
        for (variable, trains), (key, _) in zip(own, tree["own"], strict=True):
            self.variables[key], self.trains[key] = variable, trains
            roles[self._adapter.role(variable)] = key
        if "moving_mean" in roles and "moving_variance" in roles:
            self.owners[number] = roles
        waiting: dict[str, list[Mapping[str, Any]]] = {}
        for child in tree["layers"]:
            waiting.setdefault(child["name"], []).append(child)
        for child in self._adapter.children(layer):
            if waiting.get(child.name):
                self._match(child, waiting[child.name].pop(0))
            elif child.weights:
                raise MisfitError(f"the config has a layer `{child.name}`, which was not there")
        left = [entry["name"] for entries in waiting.values() for entry in entries if weighty(entry)]
        if left:
            raise MisfitError(f"the config lacks the layer `{left[0]}`")

    def restore(self, arrays: Mapping[str, np.ndarray], item: Item) -> None:
        """Give the model these weights, and freeze what the item says."""
        for key, variable in self.variables.items():
            variable.assign(arrays[key])
        layers, weights = frozenset(item.frozen_layers), frozenset(item.frozen_weights)
        for number, layer in self.layers.items():
            self._adapter.set_flag(layer, number not in layers)
        for key, variable in self.variables.items():
            if self.trains[key]:
                self._adapter.set_variable_flag(variable, key not in weights)

    def values(self) -> dict[str, np.ndarray]:
        """All weights as they are now."""
        return dict(zip(self.variables, self._adapter.values(self.variables.values()), strict=True))

    def keys_of(self, variables: list[Any]) -> list[str]:
        """Keys of these weights."""
        wanted = {id(variable) for variable in variables}
        return [key for key, variable in self.variables.items() if id(variable) in wanted]


def weighty(tree: Mapping[str, Any]) -> bool:
    """Whether there are weights in this layer or below it."""
    return bool(tree["own"]) or any(weighty(child) for child in tree["layers"])


def shapes(of: Any) -> str:
    """``(3, 3, 32), (32)``; ``none``."""
    return ", ".join(f"({', '.join(map(str, shape))})" for shape in of) or "none"


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays in a file that the grader wrote."""
    from safetensors.numpy import load_file

    arrays: dict[str, np.ndarray] = load_file(path)
    return arrays


def as_json(value: Any) -> str:
    """One line."""
    return json.dumps(value, allow_nan=False)

"""The trained model's own config: what is called on what, and with which `training` argument.

The config is JSON that a stranger's process wrote. It is read as data; no layer is ever made from it here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from grader.evidence import GraphNode
from grader.examine.wall import RefusedError, parse_json, read_bytes

__all__ = ["ModelConfig", "Training"]

MOST_BYTES = 20 * 10**6
MOST_NODES = 60
MOST_DEPTH = 20

Training = Literal["false", "true", "unset"]


class ModelConfig:
    """A model's config, as `to_json` gave it."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    @classmethod
    def read(cls, folder: Path, name: str | None) -> ModelConfig | None:
        """The config in this file; None where there is none that can be read."""
        if not name:
            return None
        try:
            # Only a plain name in this very folder: the name comes out of the kernel.
            data = parse_json(read_bytes(folder, name, MOST_BYTES))
        except (FileNotFoundError, RefusedError, ValueError):
            return None
        return cls(data) if isinstance(data, dict) else None

    @property
    def has_graph(self) -> bool:
        """Whether the config lists layers (a subclassed model's does not)."""
        return bool(self._layers(self._data))

    @property
    def data(self) -> dict[str, Any]:
        """As it was read."""
        return self._data

    @property
    def kind(self) -> str:
        """Class of the model, e.g. ``Sequential``."""
        return str(self._data.get("class_name", ""))

    @property
    def layers(self) -> list[dict[str, Any]]:
        """The entries of its layers, the outer level alone."""
        return self._layers(self._data)

    @property
    def outputs(self) -> Any:
        """Its output tensors, as written; None in a `Sequential`."""
        config = self._data.get("config")
        return config.get("output_layers") if isinstance(config, dict) else None

    @staticmethod
    def _layers(data: Any) -> list[dict[str, Any]]:
        config = data.get("config") if isinstance(data, dict) else None
        layers = config.get("layers") if isinstance(config, dict) else None
        return [layer for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []

    def training_of(self, name: str, around: Training = "unset") -> list[Training]:
        """The `training` argument of each call of the layer with this name, as the config records it.

        Where a call passes nothing, the argument with which the model around it was called holds, as it does when
        Keras runs it. In a `Sequential` nothing can be passed.

        Args:
            around: the argument with which this model itself is called.
        """
        return list(self._calls_in(self._data, name, around, 0))

    def _calls_in(self, data: dict[str, Any], name: str, around: Training, depth: int) -> Iterator[Training]:
        """See `training_of`; ``around`` is the argument that reaches this container."""
        if depth > MOST_DEPTH:
            return
        sequential = data.get("class_name") == "Sequential"
        for layer in self._layers(data):
            passed: list[Training] = ["unset"] if sequential else [training_argument(node) for node in nodes_of(layer)]
            reaching = [around if training == "unset" else training for training in passed]
            if name_of(layer) == name:
                yield from reaching
                continue
            for training in dict.fromkeys(reaching):
                yield from self._calls_in(layer, name, training, depth + 1)

    def nodes(self, without: frozenset[str]) -> tuple[GraphNode, ...]:
        """The outer graph, without the layers of these names, at most `MOST_NODES` nodes."""
        nodes: list[GraphNode] = []
        for layer in self._layers(self._data):
            name = name_of(layer)
            if name in without or len(nodes) >= MOST_NODES:
                continue
            calls = nodes_of(layer)
            inputs = tuple(source for node in calls for source in inputs_of(node))[:8]
            training: Training = training_argument(calls[0]) if calls else "unset"
            nodes.append(
                GraphNode(name=name[:80], kind=str(layer.get("class_name", ""))[:60], inputs=inputs, training=training)
            )
        return tuple(nodes)


def name_of(layer: dict[str, Any]) -> str:
    """The layer's name; in a `Sequential` it stands only in the inner config."""
    config = layer.get("config")
    inner = config.get("name") if isinstance(config, dict) else None
    return str(layer.get("name") or inner or "")


def nodes_of(layer: dict[str, Any]) -> list[Any]:
    """Its calls."""
    nodes = layer.get("inbound_nodes")
    return nodes if isinstance(nodes, list) else []


def training_argument(node: Any) -> Training:
    """`training` of one call: Keras 3 writes ``{"args": ..., "kwargs": {...}}``, Keras 2 nested lists that end in
    the keyword arguments."""
    for arguments in keyword_arguments(node):
        value = arguments.get("training")
        if value is not None:
            return "true" if value else "false"
    return "unset"


def keyword_arguments(node: Any) -> Iterator[dict[str, Any]]:
    """The keyword arguments of one call."""
    if isinstance(node, dict):
        kwargs = node.get("kwargs")
        if isinstance(kwargs, dict):
            yield kwargs
    elif isinstance(node, list):
        for entry in node:
            if isinstance(entry, dict):
                yield entry
            elif isinstance(entry, list):
                yield from keyword_arguments(entry)


def inputs_of(node: Any) -> Iterator[str]:
    """Names of the layers that the call takes its tensors from."""
    if isinstance(node, dict):
        config = node.get("config")
        is_tensor = node.get("class_name") == "__keras_tensor__" and isinstance(config, dict)
        history = config.get("keras_history") if is_tensor and isinstance(config, dict) else None
        if isinstance(history, list) and history:
            yield str(history[0])[:80]
            return
        for value in node.values():
            yield from inputs_of(value)
    elif isinstance(node, list):
        if len(node) >= 3 and isinstance(node[0], str) and isinstance(node[1], int) and isinstance(node[2], int):
            yield node[0][:80]
            return
        for value in node:
            yield from inputs_of(value)

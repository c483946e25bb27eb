"""The trained model's own config: what is called on what, and with which `training` argument.

The config is JSON that a stranger's process wrote. It is read as data; no layer is ever made from it here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from grader.evidence import GraphNode

__all__ = ["ModelConfig"]

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
        # Only a plain name in this very folder: the name comes out of the kernel.
        path = folder / Path(name).name if name else None
        if path is None or not path.is_file() or path.is_symlink() or path.stat().st_size > MOST_BYTES:
            return None
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError):
            return None
        return cls(data) if isinstance(data, dict) else None

    @property
    def has_graph(self) -> bool:
        """Whether the config lists layers (a subclassed model's does not)."""
        return bool(self._layers(self._data))

    @staticmethod
    def _layers(data: Any) -> list[dict[str, Any]]:
        config = data.get("config") if isinstance(data, dict) else None
        layers = config.get("layers") if isinstance(config, dict) else None
        return [layer for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []

    def _every_layer(self, data: Any, depth: int = 0) -> Iterator[tuple[dict[str, Any], bool]]:
        """Each layer config on every level, and whether it lies in a `Sequential`."""
        if depth > MOST_DEPTH:
            return
        sequential = data.get("class_name") == "Sequential"
        for layer in self._layers(data):
            yield layer, sequential
            yield from self._every_layer(layer, depth + 1)

    def training_of(self, name: str) -> list[Training]:
        """The `training` argument of each call of the layer with this name, as the config records it.

        In a `Sequential` nothing can be passed: that counts as one call with the argument unset.
        """
        for layer, sequential in self._every_layer(self._data):
            if name_of(layer) == name:
                return ["unset"] if sequential else [training_argument(node) for node in nodes_of(layer)]
        return []

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
        history = node.get("config", {}).get("keras_history") if node.get("class_name") == "__keras_tensor__" else None
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

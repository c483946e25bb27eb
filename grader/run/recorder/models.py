"""Which models there are, what they are made of, and what their weights are at a moment.

Objects are followed, not names: each layer gets a number when it is first seen, and a variable is known by
its layer's number and its place in that layer (``17.2``), however many models hold it.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterable, Iterator
from typing import Any

from grader.run.recorder.adapter import KerasAdapter
from grader.run.recorder.journal import Journal
from grader.run.recorder.settings import layer_settings, model_shape

__all__ = ["ModelBook"]


class ModelBook:
    """Numbers layers, describes models in the journal, takes snapshots of their weights."""

    def __init__(self, adapter: KerasAdapter, journal: Journal) -> None:
        self._adapter = adapter
        self._journal = journal
        self._numbers: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._described: dict[int, str] = {}
        self._frozen: dict[int, dict[str, list[Any]]] = {}
        self._next = 1
        self._alive: weakref.WeakSet[Any] = weakref.WeakSet()
        self._pretrained: set[int] = set()

    def number(self, layer: Any) -> int:
        """The layer's number, the same for as long as the layer lives."""
        if layer not in self._numbers:
            self._numbers[layer] = self._next
            self._next += 1
        return self._numbers[layer]

    def appeared(self, model: Any) -> None:
        """A model was created; it may not be built yet."""
        self._alive.add(model)

    def is_pretrained_base(self, model: Any) -> None:
        """This model came from `keras.applications`."""
        self._pretrained.add(self.number(model))

    def alive(self) -> list[Any]:
        """The built models that still exist and are no bare application, in order of appearance."""
        # A model whose construction failed has no `built`; the error's traceback keeps it alive.
        built = [model for model in list(self._alive) if getattr(model, "built", False)]
        return sorted((model for model in built if self.number(model) not in self._pretrained), key=self.number)

    def is_recorded(self, model: Any) -> bool:
        """Whether this model stands in the journal; a bare application does not count."""
        number = self._numbers.get(model)
        return number in self._described and number not in self._pretrained

    def walk(self, layer: Any) -> Iterator[Any]:
        """Every layer below, each once, depth first."""
        seen = {id(layer)}
        stack = list(reversed(self._adapter.children(layer)))
        while stack:
            child = stack.pop()
            if id(child) in seen:
                continue
            seen.add(id(child))
            yield child
            stack.extend(reversed(self._adapter.children(child)))

    def variables(self, model: Any) -> Iterator[tuple[str, Any, bool]]:
        """Key, variable and whether gradients can train it, for every weight of the model."""
        for layer in (model, *self.walk(model)):
            number = self.number(layer)
            for position, (variable, trains) in enumerate(self._adapter.own_variables(layer)):
                yield f"{number}.{position}", variable, trains

    def keys_of(self, model: Any, variables: Iterable[Any]) -> list[str]:
        """Keys of these variables of the model."""
        wanted = {id(variable) for variable in variables}
        return [key for key, variable, _ in self.variables(model) if id(variable) in wanted]

    def trainable(self, model: Any) -> list[str] | None:
        """Keys of the weights that `trainable` says gradients may change; None where Keras does not tell."""
        try:
            return self.keys_of(model, model.trainable_weights)
        except ValueError:  # Keras 2 refuses to tell while a part of the model is unbuilt.
            return None

    def frozen(self, model: Any) -> dict[str, list[Any]]:
        """Numbers of the layers, the model among them, whose own `trainable` is False, and keys of the weights that
        gradients could train but for a flag of the weight's own. The rest is what it is made to be: trainable."""
        return {
            "layers": [self.number(layer) for layer in (model, *self.walk(model)) if not self._adapter.flag(layer)],
            "weights": [
                key
                for key, variable, trains in self.variables(model)
                if trains and not self._adapter.variable_flag(variable)
            ],
        }

    def note_flags(self, model: Any) -> None:
        """Write to the journal which layers and weights of the model are frozen, where that has changed."""
        number, frozen = self.number(model), self.frozen(model)
        if self._frozen.get(number) != frozen:
            self._frozen[number] = frozen
            self._journal.event("flags", model=number, frozen=frozen)

    def describe(self, model: Any) -> int:
        """Write the model's layers and config to the journal, unless that stands there already.

        Returns:
            The model's number.
        """
        number = self.number(model)
        settled = number not in self._pretrained
        layers = [self._layer_facts(child, settled) for child in self._adapter.children(model)]
        # A weight may also be the model's own (a subclassed model with `add_weight`).
        own = self._weight_facts(model)
        fingerprint = json.dumps([layers, own])
        if self._described.get(number) == fingerprint:
            return number
        self._described[number] = fingerprint
        for child in self._adapter.children(model):
            if self._adapter.children(child):
                self.describe(child)
        is_model = isinstance(model, self._adapter.keras.Model)
        config = self._write_config(model, number) if is_model and number not in self._pretrained else None
        self._journal.event(
            "model",
            model=number,
            name=model.name,
            kind=type(model).__name__,
            is_model=is_model,
            layers=layers,
            own=own,
            config=config,
            input_shape=model_shape(model, "input_shape"),
            output_shape=model_shape(model, "output_shape"),
        )
        return number

    def _layer_facts(self, layer: Any, settings: bool) -> dict[str, Any]:
        return {
            "number": self.number(layer),
            "name": layer.name,
            "kind": type(layer).__name__,
            "nested": bool(self._adapter.children(layer)),
            "own": self._weight_facts(layer),
            # Those of a pretrained network are known.
            "settings": layer_settings(layer) if settings and not self._adapter.children(layer) else {},
        }

    def _weight_facts(self, layer: Any) -> list[dict[str, Any]]:
        return [
            {"role": self._adapter.role(variable), "shape": [int(n) for n in variable.shape], "trains": trains}
            for variable, trains in self._adapter.own_variables(layer)
        ]

    def _write_config(self, model: Any, number: int) -> str | None:
        try:
            text = model.to_json()
        except Exception as exc:  # A student's own class may raise anything here, or have no config at all.
            self._journal.event("no_config", model=number, reason=f"{type(exc).__name__}: {exc}"[:200])
            return None
        name = f"config-{number}-{len(self._described)}.json"
        self._journal.document(name, text)
        return name

    def snapshot(self, models: Iterable[Any]) -> tuple[int, frozenset[str]]:
        """Write the weights of these models as they are now; see `Journal.snapshot`."""
        arrays = {key: variable for model in models for key, variable, _ in self.variables(model)}
        return self._journal.snapshot(dict(zip(arrays, self._adapter.values(arrays.values()), strict=True)))

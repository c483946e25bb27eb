"""Private parts of Keras 3 (3.5 to 3.15) on TensorFlow that the recorder depends on."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import keras

from grader.run.recorder.adapter import KerasAdapter

__all__ = ["Keras3"]

Flags = tuple[list[tuple[Any, bool]], list[tuple[Any, bool]]]


class Keras3(KerasAdapter):
    """Keras 3: `trainable` is read when `fit` first traces, and holds until `compile` is called again."""

    flavour = "3"
    keras = keras

    def __init__(self) -> None:
        self._traced: weakref.WeakKeyDictionary[Any, Flags] = weakref.WeakKeyDictionary()

    def children(self, layer: Any) -> list[Any]:
        return list(layer._flatten_layers(include_self=False, recursive=False))

    def own_variables(self, layer: Any) -> list[tuple[Any, bool]]:
        trainable = [(variable, True) for variable in layer._trainable_variables]
        return trainable + [
            (variable, False)
            for variable in layer._non_trainable_variables
            if "seed" not in variable.name and not variable.dtype.startswith(("uint", "string"))
        ]

    def role(self, variable: Any) -> str:
        return str(variable.name)

    def variable_flag(self, variable: Any) -> bool:
        return bool(variable.trainable)

    def set_variable_flag(self, variable: Any, value: bool) -> None:
        variable.trainable = value

    def stored(self, variable: Any) -> Any:
        return getattr(variable, "_value", variable)

    def _flags(self, model: Any) -> Flags:
        layers = model._flatten_layers()
        return (
            [(layer, bool(layer._trainable)) for layer in layers],
            [(variable, bool(variable.trainable)) for variable, trains in self._variables(layers) if trains],
        )

    def _variables(self, layers: list[Any]) -> Iterator[tuple[Any, bool]]:
        for layer in layers:
            yield from self.own_variables(layer)

    @staticmethod
    def _set(flags: Flags) -> None:
        # Not through the property: its setter passes the value down to every layer below.
        for layer, value in flags[0]:
            layer._trainable = value
        for variable, value in flags[1]:
            variable.trainable = value

    @contextmanager
    def as_compiled(self, model: Any) -> Iterator[None]:
        traced = self._traced.get(model)
        if traced is None:
            self._traced[model] = self._flags(model)
            yield
            return
        now = self._flags(model)
        self._set(traced)
        try:
            yield
        finally:
            self._set(now)

    def forget_compiled(self, model: Any) -> None:
        self._traced.pop(model, None)

    def optimizer_methods(self) -> Iterator[tuple[type, str]]:
        yield keras.optimizers.Optimizer, "apply"

    def download_modules(self) -> Iterator[tuple[ModuleType, str]]:
        from keras.src.utils import file_utils

        yield file_utils, "get_file"

    def is_symbolic(self, value: Any) -> bool:
        return isinstance(value, keras.KerasTensor)

    def sequence_types(self) -> tuple[type, ...]:
        return (keras.utils.PyDataset,)

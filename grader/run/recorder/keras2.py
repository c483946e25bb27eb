"""Private parts of tf-keras (Keras 2) that the recorder depends on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import tf_keras

from grader.run.recorder.adapter import KerasAdapter

__all__ = ["Keras2"]


class Keras2(KerasAdapter):
    """Keras 2: `fit` and `train_on_batch` restore the `trainable` state of compile time by themselves."""

    flavour = "2"
    keras = tf_keras

    def children(self, layer: Any) -> list[Any]:
        return [
            child
            for child in layer._flatten_layers(include_self=False, recursive=False)
            if isinstance(child, tf_keras.layers.Layer) and not isinstance(child, tf_keras.metrics.Metric)
        ]

    def own_variables(self, layer: Any) -> list[tuple[Any, bool]]:
        trainable = [(variable, True) for variable in layer._trainable_weights]
        return trainable + [
            (variable, False)
            for variable in layer._non_trainable_weights
            if variable.dtype.is_floating and "seed" not in variable.name
        ]

    def role(self, variable: Any) -> str:
        return str(variable.name).rsplit("/", 1)[-1].split(":")[0]

    def variable_flag(self, variable: Any) -> bool:
        # Keras 2 keeps none for the weights: theirs only says what they were made for.
        return True

    def set_variable_flag(self, variable: Any, value: bool) -> None:
        """Nothing to set."""

    def stored(self, variable: Any) -> Any:
        return variable

    @contextmanager
    def as_compiled(self, model: Any) -> Iterator[None]:
        from tf_keras.src.engine.training_utils import RespectCompiledTrainableState

        with RespectCompiledTrainableState(model):
            yield

    def forget_compiled(self, model: Any) -> None:
        """Nothing to forget: the framework keeps the state itself."""

    def optimizer_methods(self) -> Iterator[tuple[type, str]]:
        yield tf_keras.optimizers.Optimizer, "apply_gradients"
        yield tf_keras.optimizers.legacy.Optimizer, "apply_gradients"

    def download_modules(self) -> Iterator[tuple[ModuleType, str]]:
        from tf_keras.src.utils import data_utils

        yield data_utils, "get_file"

    def is_symbolic(self, value: Any) -> bool:
        from tf_keras.src.engine.keras_tensor import KerasTensor

        # Not `is_keras_tensor`: it raises for an array.
        return isinstance(value, KerasTensor)

    def sequence_types(self) -> tuple[type, ...]:
        return (tf_keras.utils.Sequence,)

"""What the recorder needs to know of a Keras, whichever it is. `keras2` and `keras3` say how."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

import numpy as np

__all__ = ["KerasAdapter"]


class KerasAdapter(ABC):
    """One Keras flavour, seen through the few things that the recorder does with it."""

    flavour: str
    keras: ModuleType
    """The package that notebooks get as `tf.keras`."""

    @property
    def version(self) -> str:
        """Of the Keras package."""
        return str(self.keras.__version__)

    @abstractmethod
    def children(self, layer: Any) -> list[Any]:
        """The layers that this layer holds directly, in order."""

    @abstractmethod
    def own_variables(self, layer: Any) -> list[tuple[Any, bool]]:
        """The weights that the layer itself holds (not its children), in an order that never changes, and for
        each whether gradients can train it at all (a moving mean they cannot)."""

    @abstractmethod
    def role(self, variable: Any) -> str:
        """What the weight is to its layer: ``kernel``, ``gamma``, ``moving_mean``, ..."""

    def value(self, variable: Any) -> np.ndarray:
        """A copy of the variable's value; also while a function is being traced."""
        return self.values([variable])[0]

    def values(self, variables: Iterable[Any]) -> list[np.ndarray]:
        """Copies of their values, in a third of the time that one by one would take."""
        import tensorflow as tf
        from tensorflow.python.ops.resource_variable_ops import ResourceVariable

        copies = []
        with tf.init_scope():
            for variable in variables:
                stored = self.stored(variable)
                if type(stored) is ResourceVariable:
                    # What `numpy` comes to in the end, without the checks before it.
                    tensor = tf.raw_ops.ReadVariableOp(resource=stored.handle, dtype=stored.dtype)
                    copies.append(np.asarray(tensor.numpy()))
                else:
                    copies.append(np.array(variable.numpy()))
        return copies

    @abstractmethod
    def stored(self, variable: Any) -> Any:
        """TensorFlow's own variable under this weight of Keras's."""

    def flag(self, layer: Any) -> bool:
        """The layer's own `trainable`, whatever those around and inside it say."""
        return bool(layer._trainable)

    def set_flag(self, layer: Any, value: bool) -> None:
        """Set it for this layer alone. The property's setter would pass the value down to every layer below."""
        layer._trainable = value

    @abstractmethod
    def variable_flag(self, variable: Any) -> bool:
        """Whether a flag of the weight's own lets it train."""

    @abstractmethod
    def set_variable_flag(self, variable: Any, value: bool) -> None:
        """See `variable_flag`."""

    @abstractmethod
    def as_compiled(self, model: Any) -> AbstractContextManager[None]:
        """Within it, `trainable` is what this model's training goes by: see each adapter."""

    @abstractmethod
    def forget_compiled(self, model: Any) -> None:
        """`compile` was called, or the train function was made anew."""

    @abstractmethod
    def optimizer_methods(self) -> Iterator[tuple[type, str]]:
        """Classes and names of the methods through which every weight update goes."""

    @abstractmethod
    def download_modules(self) -> Iterator[tuple[ModuleType, str]]:
        """Modules and names under which Keras itself looks up its download function."""

    @abstractmethod
    def is_symbolic(self, value: Any) -> bool:
        """Whether this is a placeholder of a functional graph."""

    def map_structure(self, function: Callable[..., Any], *structures: Any) -> Any:
        """Apply to each leaf of nested tuples, lists and dicts (to corresponding leaves of several)."""
        import tensorflow as tf

        return tf.nest.map_structure(function, *structures)

    def batchable(self, data: Any) -> bool:
        """Whether the data is a sequence of batches that is read by index (`Sequence`, `PyDataset`, iterators of
        `ImageDataGenerator`)."""
        return hasattr(data, "__getitem__") and hasattr(data, "__len__") and isinstance(data, self.sequence_types())

    @abstractmethod
    def sequence_types(self) -> tuple[type, ...]:
        """Classes of indexable batch sequences."""

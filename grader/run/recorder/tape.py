"""A step that computes no gradients which nobody asks for.

In graph mode TensorFlow throws them away while it traces. Run eagerly, a `GradientTape` follows every variable that
was made to be trained, whatever `trainable` says of it since, and a frozen base costs as much as a trained one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from grader.run.recorder.adapter import KerasAdapter
from grader.run.recorder.layer_calls import is_students
from grader.run.recorder.models import ModelBook

__all__ = ["frozen_left_out", "is_keras_own"]


@contextmanager
def frozen_left_out(adapter: KerasAdapter, book: ModelBook, model: Any) -> Iterator[None]:
    """Within it, tapes do not follow the weights of the model that do not train.

    Only where all that runs is Keras's own: a `train_step`, model or layer of the student's may want any gradient.
    """
    left_out = list(untrained(adapter, model)) if is_keras_own(adapter, book, model, "train_step") else []
    for variable in left_out:
        variable._trainable = False
    try:
        yield
    finally:
        for variable in left_out:
            variable._trainable = True


def is_keras_own(adapter: KerasAdapter, book: ModelBook, model: Any, *steps: str) -> bool:
    """Whether these methods, the model and all its layers are the framework's."""
    own = adapter.keras.Model
    unchanged = all(getattr(type(model), step) is getattr(own, step) and step not in vars(model) for step in steps)
    return unchanged and not any(is_students(layer) for layer in (model, *book.walk(model)))


def untrained(adapter: KerasAdapter, model: Any) -> Iterator[Any]:
    """TensorFlow's variables that a tape would follow for nothing."""
    if not model.built:
        return
    trained = {id(adapter.stored(variable)) for variable in model.trainable_weights}
    for variable in model.weights:
        stored = adapter.stored(variable)
        if id(stored) not in trained and getattr(stored, "_trainable", False):
            yield stored

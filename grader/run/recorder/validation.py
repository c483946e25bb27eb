"""The validation within a shortened `fit`: its examples go as far as the base, and its figures are those of training.

Validation moves no weight, and the figures of two images mean nothing. What it can show is what it gives to the base.
The forward pass behind that costs as much as a step of training, and shows what that step has shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import BoundArguments
from typing import Any

import numpy as np

from grader.run.recorder.adapter import KerasAdapter
from grader.run.recorder.examples import form_of, highest_class
from grader.run.recorder.inputs import Inputs
from grader.run.recorder.models import ModelBook
from grader.run.recorder.tape import is_keras_own

__all__ = ["Validation"]


class Validation:
    """Tells where validation can be left out, and does what is left of it."""

    def __init__(self, adapter: KerasAdapter, book: ModelBook, inputs: Inputs) -> None:
        self._adapter = adapter
        self._book = book
        self._inputs = inputs
        self._examples: Any = None

    def is_left_out(self, bound: BoundArguments) -> bool:
        """Whether this call of `evaluate` is one to be left out; what a callback evaluates is none."""
        return self._examples is not None and "_use_cached_eval_dataset" in bound.arguments.get("kwargs", {})

    def shows_nothing_new(self, model: Any, trained: Any, validated: Any) -> bool:
        """Whether whatever these examples could break has come up in the step on the others.

        The student's own `test_step`, model or layer may do anything; examples of another form may not fit.
        """
        return (
            form_of(validated) == form_of(trained)
            and highest_class(validated) <= max(1, highest_class(trained))
            and is_keras_own(self._adapter, self._book, model, "train_step", "test_step")
        )

    @contextmanager
    def of(self, examples: Any) -> Iterator[None]:
        """Within it `fit` is under way, and the validation that it makes on these examples is left out."""
        self._examples = examples
        try:
            yield
        finally:
            self._examples = None

    def evaluate(self, bound: BoundArguments) -> dict[str, Any]:
        """What `evaluate` gives, as `fit` calls it."""
        model, callbacks = bound.arguments["self"], bound.arguments["callbacks"]
        images, *_ = self._examples if isinstance(self._examples, tuple) else (self._examples,)
        figures = {name: as_python(value) for name, value in model.get_metrics_result().items()}
        callbacks.on_test_begin()
        callbacks.on_test_batch_begin(0)
        self._inputs.up_to_base(model, images)
        callbacks.on_test_batch_end(0, figures)
        callbacks.on_test_end(figures)
        return figures


def as_python(value: Any) -> Any:
    """A figure as `History` holds it: a number, or an array where a metric has several."""
    array = np.asarray(value)
    return array.item() if array.ndim == 0 else array

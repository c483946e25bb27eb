"""Training made short: one eager step on two images instead of epochs, with the meaning that graph mode has.

Which weights and statistics move does not depend on how many steps are run, so one is enough as evidence.
The framework's own `fit` runs it, so that callbacks, overridden `train_step`s, metrics and the rules of
`trainable` stay Keras's. It runs eagerly because tracing a graph takes longer than everything else together.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import BoundArguments
from typing import Any

import numpy as np

from grader.run.recorder.adapter import KerasAdapter
from grader.run.recorder.examples import Examples, as_tuple, is_iterator
from grader.run.recorder.journal import Journal
from grader.run.recorder.models import ModelBook
from grader.run.recorder.objectives import label_shape
from grader.run.recorder.tape import frozen_left_out
from grader.run.recorder.validation import Validation

__all__ = ["IMAGES", "Bounded"]

IMAGES = 2
"""Images in the one step. Two, because BatchNorm's batch statistics need a batch."""
BATCHES = 2
"""How many calls of `train_on_batch` on one compiled model are really run."""
PREDICTED = 2
"""Rows that `predict` really computes; the others repeat them."""
LEFT_OUT = "; its figures stand for validation too"


class Bounded:
    """The short forms of `fit`, `train_on_batch`, `evaluate` and `predict`."""

    def __init__(self, adapter: KerasAdapter, journal: Journal, book: ModelBook, validation: Validation) -> None:
        self._adapter = adapter
        self._journal = journal
        self._book = book
        self._validation = validation
        self._examples = Examples(adapter)
        self._steps = 0
        self._labels: list[int] | None = None
        self._batches: weakref.WeakKeyDictionary[Any, Batches] = weakref.WeakKeyDictionary()

    def take_steps(self) -> int:
        """Steps that were run since this was asked last."""
        steps, self._steps = self._steps, 0
        return steps

    def take_labels(self) -> list[int] | None:
        """Shape of one example's labels in what was trained on since this was asked last; None if not known."""
        labels, self._labels = self._labels, None
        return labels

    def build(self, model: Any, data: Any) -> None:
        """Create the weights of a model that has none yet, so that there is a state before training."""
        if model.built or data is None:
            return
        batch = self._examples.few(IMAGES, data)
        if batch is not None:
            model(batch[0] if isinstance(batch, tuple) else batch, training=False)

    def fit(self, original: Callable[..., Any], bound: BoundArguments) -> Any:
        """`fit` with one step; the history still has an entry for each epoch that was asked for."""
        arguments = bound.arguments
        model = arguments["self"]
        first, epochs = int(arguments["initial_epoch"]), int(arguments["epochs"])
        if epochs <= first:
            return original(*bound.args, **bound.kwargs)
        trained, validated = self._shorten_data(arguments)
        arguments["epochs"] = first + 1
        verbose, arguments["verbose"] = arguments["verbose"], 0
        left_out = validated is not None and self._validation.shows_nothing_new(model, trained, validated)
        with self._one_step(model), self._validation.of(validated if left_out else None):
            history = original(*bound.args, **bound.kwargs)
        self._steps += 1
        stretch_history(history, first, epochs)
        if verbose != 0:
            ran = f"fit ran 1 step of {IMAGES} images in place of {counted(epochs - first, 'epoch')}"
            print(f"[shortened by the grader: {ran}{LEFT_OUT if left_out else ''}]")
        return history

    def _shorten_data(self, arguments: dict[str, Any]) -> tuple[Any, Any]:
        """Replace the training and validation data by `IMAGES` examples of each, and give these; None for none."""
        x, y, weights = arguments["x"], arguments["y"], arguments["sample_weight"]
        batch = self._examples.few(IMAGES, x, y, weights)
        if batch is None:
            arguments["steps_per_epoch"] = 1
            return None, None
        self._labels = label_shape(batch)
        validation, few = arguments["validation_data"], None
        if validation is None and arguments["validation_split"]:
            few = self._examples.few(IMAGES, x, y, weights, last=True)
        elif validation is not None:
            few = self._examples.few(IMAGES, *(validation if isinstance(validation, tuple) else (validation,)))
        if few is not None:
            arguments["validation_data"] = self._examples.dataset(few)
        arguments.update(
            x=self._examples.dataset(batch),
            y=None,
            sample_weight=None,
            validation_split=0.0,
            batch_size=None,
            steps_per_epoch=None,
            validation_steps=None,
            validation_batch_size=None,
            validation_freq=1,
        )
        return batch, few

    def train_on_batch(self, original: Callable[..., Any], bound: BoundArguments) -> Any:
        """`train_on_batch` on `IMAGES` rows, eagerly."""
        model = bound.arguments["self"]
        for name in ("x", "y", "sample_weight"):
            if bound.arguments.get(name) is not None:
                bound.arguments[name] = self._examples.rows(bound.arguments[name], slice(0, IMAGES))
        self._labels = label_shape((None, bound.arguments.get("y")))
        with self._one_step(model):
            result = original(*bound.args, **bound.kwargs)
        self._steps += 1
        batches = self._batches.setdefault(model, Batches())
        batches.count, batches.result = batches.count + 1, result
        return result

    def repeated_batch(self, model: Any, flagged: list[str] | None) -> Any:
        """The last result, once enough batches were run on this compiled model with these flags; None before."""
        batches = self._batches.setdefault(model, Batches())
        if batches.flagged != flagged:
            # Whether the change has an effect is to be seen.
            batches.count, batches.flagged = 0, flagged
        if batches.count < BATCHES:
            return None
        self._journal.note(
            "bounded", f"Only the first {BATCHES} calls of `train_on_batch` on a compiled model were run."
        )
        return batches.result

    def forget(self, model: Any) -> None:
        """`compile` was called: count batches anew."""
        self._batches.pop(model, None)

    def validate(self, original: Callable[..., Any], bound: BoundArguments) -> Any:
        """`evaluate` as `fit` calls it."""
        if self._validation.is_left_out(bound):
            return self._validation.evaluate(bound)
        return original(*bound.args, **bound.kwargs)

    def evaluate(self, original: Callable[..., Any], bound: BoundArguments) -> Any:
        """`evaluate` on `IMAGES` examples."""
        arguments = bound.arguments
        batch = self._examples.few(IMAGES, arguments["x"], arguments["y"], arguments["sample_weight"])
        if batch is None:
            arguments["steps"] = 1
        else:
            arguments.update(x=self._examples.dataset(batch), y=None, sample_weight=None, batch_size=None, steps=None)
        verbose, arguments["verbose"] = arguments["verbose"], 0
        with self._eagerly(arguments["self"]):
            result = original(*bound.args, **bound.kwargs)
        if verbose != 0:
            print(f"[shortened by the grader: evaluate ran on {IMAGES} images]")
        return result

    def predict(self, original: Callable[..., Any], bound: BoundArguments) -> Any:
        """`predict` on the first rows; the others repeat them, so that the result has the length it should have."""
        arguments = bound.arguments
        x, steps = arguments["x"], arguments["steps"]
        if is_iterator(x) and steps is not None:
            batches = [as_tuple(batch) for batch in itertools.islice(x, int(steps))]
            arguments["x"] = x = self._adapter.map_structure(lambda *parts: np.concatenate(parts), *batches)
            arguments["steps"] = steps = None
        rows = None if is_iterator(x) else self._examples.count(x, steps)
        batch = self._examples.few(PREDICTED, x) if rows is not None and rows > PREDICTED else None
        if batch is None or rows is None:
            with self._eagerly(arguments["self"]):
                return original(*bound.args, **bound.kwargs)
        inputs = batch[0] if isinstance(batch, tuple) else batch
        verbose = arguments["verbose"]
        arguments.update(x=inputs, batch_size=None, steps=None, verbose=0)
        with self._eagerly(arguments["self"]):
            few = original(*bound.args, **bound.kwargs)
        if verbose != 0:
            print(f"[shortened by the grader: predict ran on {PREDICTED} of {rows} images, the rest repeats them]")
        return self._adapter.map_structure(lambda array: np.resize(array, (rows, *np.shape(array)[1:])), few)

    def _eagerly(self, model: Any) -> Any:
        return EagerMode(model)

    @contextmanager
    def _one_step(self, model: Any) -> Iterator[None]:
        with self._eagerly(model), self._all_or_nothing(model), frozen_left_out(self._adapter, self._book, model):
            yield

    @contextmanager
    def _all_or_nothing(self, model: Any) -> Iterator[None]:
        """Undo a step that breaks before the optimizer was through.

        Such an error (an optimizer that does not know a variable, a loss that does not fit) comes up in graph mode
        while the step is traced, when nothing has been computed. Run eagerly, the forward pass has by then moved
        the moving statistics.
        """
        optimizer = model.optimizer
        steps = self._count(optimizer)
        variables = list(model.weights) if model.built else []
        before = list(zip(variables, self._adapter.values(variables), strict=True))
        try:
            yield
        except BaseException:
            if model.optimizer is optimizer and self._count(optimizer) == steps:
                for variable, value in before:
                    variable.assign(value)
            raise

    def _count(self, optimizer: Any) -> int:
        iterations = getattr(optimizer, "iterations", None)
        return int(self._adapter.value(iterations)) if hasattr(iterations, "numpy") else 0


@dataclass
class Batches:
    """What `train_on_batch` did with one compiled model.

    Args:
        count: calls that were really run with these flags.
        flagged: what `trainable` said of its weights.
        result: of the last call.
    """

    count: int = 0
    flagged: list[str] | None = None
    result: Any = None


class EagerMode:
    """Within it a model runs eagerly, whatever it was compiled for."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __enter__(self) -> None:
        model = self._model
        self._before = model.run_eagerly
        model.run_eagerly = True
        # A function that was built for graph mode would be used again as it is.
        for name in ("train_function", "test_function", "predict_function"):
            setattr(model, name, None)

    def __exit__(self, *exc_info: object) -> None:
        self._model.run_eagerly = self._before


def counted(number: int, noun: str) -> str:
    """``1 epoch``, ``5 epochs``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def stretch_history(history: Any, first: int, epochs: int) -> None:
    """Give the history an entry for each epoch that was asked for, all as the one that was run."""
    history.epoch = list(range(first, epochs))
    for name, values in history.history.items():
        history.history[name] = list(
            itertools.islice(itertools.chain(values, itertools.repeat(values[-1])), epochs - first)
        )

"""Every compile and every stretch of training: what was to train, what the weights were before and after."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from grader.run.recorder.adapter import KerasAdapter
from grader.run.recorder.bounded import Bounded
from grader.run.recorder.frames import CellFrames
from grader.run.recorder.hooks import wrap_method
from grader.run.recorder.journal import Journal
from grader.run.recorder.models import ModelBook
from grader.run.recorder.objectives import Rates, loss_facts
from grader.run.recorder.rows import Rows

__all__ = ["Training"]


class Training:
    """Wraps `compile`, `fit`, `train_on_batch`, `evaluate` and `predict`."""

    def __init__(
        self, adapter: KerasAdapter, journal: Journal, book: ModelBook, frames: CellFrames, bounded: Bounded | None
    ) -> None:
        self._adapter = adapter
        self._journal = journal
        self._book = book
        self._frames = frames
        self._bounded = bounded
        self._compiles: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._compile_count = 0
        self._training_count = 0
        self._rates = Rates(adapter)
        self._rows = Rows()
        self.inside = False
        """Whether Keras's own training or inference is on the stack: what it calls is not the student's."""
        self.on_begin: Callable[[], None] = lambda: None
        """Called before a stretch of Keras's own training."""
        self.on_end: Callable[[int], None] = lambda moment: None
        """Called after it, with the snapshot at its end."""

    def install(self) -> None:
        """Put the wrappers in place."""
        self._rates.install()
        model = self._adapter.keras.Model
        wrap_method(model, "compile", self._compiling)
        wrap_method(model, "fit", self._fitting)
        wrap_method(model, "train_on_batch", self._training_on_batch)
        wrap_method(model, "make_train_function", self._making_train_function)
        wrap_method(model, "load_weights", self._settling)
        wrap_method(self._adapter.keras.layers.Layer, "set_weights", self._settling)
        if self._bounded:
            wrap_method(model, "evaluate", self._inferring(self._bounded.evaluate, self._bounded.validate))
            wrap_method(model, "predict", self._inferring(self._bounded.predict))

    def _compiling(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def compile(model: Any, *args: Any, **kwargs: Any) -> Any:
            self.settle()
            result = original(model, *args, **kwargs)
            self._adapter.forget_compiled(model)
            if self._bounded:
                self._bounded.forget(model)
            self._compile_count += 1
            self._compiles[model] = self._compile_count
            self._journal.event(
                "compile",
                id=self._compile_count,
                model=self._book.number(model),
                place=self._frames.place(),
                loss=loss_facts(model),
                trainable=self._book.trainable(model),
            )
            return result

        return compile

    def settle(self) -> None:
        """Write down what calls of `train_on_batch` did that were not written down one by one."""
        self._rows.settle(interrupted=True)

    def _settling(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def change(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if not self.inside:
                # What is put into the weights now was not trained.
                self.settle()
            return original(layer, *args, **kwargs)

        return change

    def _making_train_function(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def make_train_function(model: Any, force: bool = False) -> Any:
            if force:
                self._adapter.forget_compiled(model)
            return original(model, force=force)

        return make_train_function

    def _fitting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(original)

        def fit(model: Any, *args: Any, **kwargs: Any) -> Any:
            if self.inside:
                return original(model, *args, **kwargs)
            bound = signature.bind(model, *args, **kwargs)
            bound.apply_defaults()
            asked = max(0, int(bound.arguments["epochs"]) - int(bound.arguments["initial_epoch"]))
            with self._recorded(model, "fit", asked, bound.arguments["x"]) as outcome:
                shortened = self._bounded
                history = shortened.fit(original, bound) if shortened else original(*bound.args, **bound.kwargs)
                outcome["history"] = getattr(history, "history", {})
            return history

        return fit

    def _training_on_batch(self, original: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(original)

        def train_on_batch(model: Any, *args: Any, **kwargs: Any) -> Any:
            if self.inside:
                return original(model, *args, **kwargs)
            bound = signature.bind(model, *args, **kwargs)
            if self._bounded:
                repeated = self._bounded.repeated_batch(model, self._book.trainable(model))
                if repeated is not None:
                    return repeated
                with self._recorded(model, "train_on_batch", None, bound.arguments.get("x")):
                    return self._bounded.train_on_batch(original, bound)
            return self._one_of_many(model, original, bound)

        return train_on_batch

    def _one_of_many(self, model: Any, original: Callable[..., Any], bound: inspect.BoundArguments) -> Any:
        """A `train_on_batch` as it is, written down if there was not the like before."""
        row, written_down = self._rows.step(model, (self._compiles.get(model), self._book.trainable(model)))
        if not written_down:
            row.waiting += 1
            self.on_begin()
            self.inside = True
            try:
                return original(*bound.args, **bound.kwargs)
            except BaseException:
                self.settle()
                raise
            finally:
                self.inside = False
        with self._recorded(model, "train_on_batch", None, bound.arguments.get("x")) as outcome:
            result = original(*bound.args, **bound.kwargs)
        row.after, row.write = outcome["after"], self._writer(model, outcome["began"])
        return result

    def _writer(self, model: Any, began: dict[str, Any]) -> Callable[[int, int], None]:
        """What writes down further calls like the one that began so."""
        alive = weakref.ref(model)

        def write(before: int, calls: int) -> None:
            model = alive()
            if model is None:
                return
            self._training_count += 1
            about = {**began, "id": self._training_count, "before": before}
            self._journal.event("training", **about, calls=calls)
            after, _ = self._book.snapshot([model])
            self.on_end(after)
            end = {name: about[name] for name in ("id", "model", "flagged", "trainable")}
            self._journal.event("trained", **end, after=after, steps=None, loss=None, error="")

        return write

    def _inferring(self, bounded: Callable[..., Any], within: Callable[..., Any] | None = None) -> Callable[..., Any]:
        """Have a method run short.

        Args:
            within: what it is where Keras itself calls it; as it is, without this.
        """

        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            signature = inspect.signature(original)

            def infer(model: Any, *args: Any, **kwargs: Any) -> Any:
                bound = signature.bind(model, *args, **kwargs)
                if self.inside:
                    return within(original, bound) if within else original(model, *args, **kwargs)
                bound.apply_defaults()
                self.inside = True
                try:
                    return bounded(original, bound)
                finally:
                    self.inside = False

            return infer

        return make

    @contextmanager
    def _recorded(self, model: Any, kind: str, epochs: int | None, data: Any) -> Any:
        """Journal one stretch of training, whether or not it ends well."""
        self._rows.settle(interrupted=kind != "train_on_batch")
        self._training_count += 1
        number = self._training_count
        self.on_begin()
        if self._bounded:
            self._bounded.build(model, data)
        flagged = self._book.trainable(model)
        self.inside = True
        outcome: dict[str, Any] = {}
        error = ""
        try:
            with self._adapter.as_compiled(model):
                before, _ = self._book.snapshot([model])
                outcome["began"] = {
                    "id": number,
                    "kind": kind,
                    "model": self._book.describe(model),
                    "compile": self._compiles.get(model),
                    "place": self._frames.place(),
                    "epochs": epochs,
                    "flagged": flagged,
                    "trainable": self._book.trainable(model),
                    "frozen": self._book.frozen(model),
                    "before": before,
                    **optimizer_facts(model),
                    **self._rates.facts(getattr(model, "optimizer", None)),
                }
                self._journal.event("training", **outcome["began"])
                self._rates.begin()
                try:
                    yield outcome
                except BaseException as exc:
                    error = f"{type(exc).__name__}: {exc}"[:300]
                    raise
                finally:
                    # Unbuilt models get their weights only now.
                    described = self._book.describe(model)
                    after, _ = self._book.snapshot([model])
                    outcome["after"] = after
                    self.on_end(after)
                    self._journal.event(
                        "trained",
                        id=number,
                        model=described,
                        after=after,
                        steps=self._bounded.take_steps() if self._bounded else None,
                        loss=last_loss(outcome.get("history")),
                        error=error,
                        first_rate=self._rates.first(),
                        labels=self._bounded.take_labels() if self._bounded else None,
                        flagged=flagged,
                        trainable=self._book.trainable(model),
                    )
        finally:
            self.inside = False


def optimizer_facts(model: Any) -> dict[str, Any]:
    """Class of the model's optimizer, and the loss's name."""
    optimizer = getattr(model, "optimizer", None)
    loss = getattr(model, "loss", None)
    name = loss if isinstance(loss, str) else getattr(loss, "name", None) or getattr(loss, "__name__", "")
    return {
        "optimizer": type(optimizer).__name__ if optimizer is not None else "",
        "loss_name": str(name),
    }


def last_loss(history: Any) -> float | None:
    """The training loss of the last epoch."""
    values = history.get("loss") if isinstance(history, dict) else None
    try:
        return float(values[-1]) if values else None
    except (TypeError, ValueError):
        return None

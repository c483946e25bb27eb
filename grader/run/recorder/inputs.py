"""What reaches the base, and what a model is given, whenever a model is run on real data.

Watched is the input of the base's first layers, by name: whatever holds them (nested, flattened, cloned, loaded),
they are called when the base is run. A graph that TensorFlow traced runs without them, so that with full training
(`fit` in graph mode) some examples are kept instead, which `probe` sends through the model afterwards.
"""

from __future__ import annotations

import functools
import inspect
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from grader.run.recorder.adapter import KerasAdapter
from grader.run.recorder.calls import training_argument
from grader.run.recorder.examples import Examples, is_iterator
from grader.run.recorder.frames import CellFrames
from grader.run.recorder.hooks import wrap_method
from grader.run.recorder.journal import Journal
from grader.run.recorder.models import ModelBook
from grader.run.recorder.pipelines import Pipelines, is_traced
from grader.run.recorder.values import as_array, summary

__all__ = ["Arrived", "Inputs", "Kept", "first_layers"]

MOST_PLACES = 40
"""Lines of the notebook that arrivals are written down for."""
MOST_TIMES = 3
"""Arrivals that are written down for each."""
KEPT = 4
"""Examples kept of the data that a model is run on in graph mode."""
MOST_KEPT = 12
METHODS: tuple[tuple[str, Mode, str], ...] = (
    ("fit", "training", "fit"),
    ("train_on_batch", "training", "fit"),
    ("evaluate", "prediction", "evaluate"),
    ("test_on_batch", "prediction", "evaluate"),
    ("predict", "prediction", "predict"),
    ("predict_on_batch", "prediction", "predict"),
)
Mode = Literal["training", "prediction"]


class Arrived(BaseException):
    """Ends a probing pass as soon as its images have reached the base. No Exception, so that nobody catches it."""

    def __init__(self, images: np.ndarray) -> None:
        super().__init__()
        self.images = images


@dataclass
class Run:
    """A model being run.

    Args:
        number: the outermost model's, in the book.
        symbolic: whether a functional graph is being built and not run.
    """

    model: Any
    number: int
    mode: Mode
    source: str
    symbolic: bool = False
    place: dict[str, Any] | None = None


@dataclass
class Kept:
    """Examples of what a model was run on in graph mode."""

    model: weakref.ref[Any]
    mode: Mode
    source: str
    place: dict[str, Any] | None
    images: np.ndarray


@dataclass
class Given:
    """The range of all that a model was given in training."""

    low: float = np.inf
    high: float = -np.inf


@dataclass
class Watch:
    """What is watched, and what was seen so far."""

    names: set[str] = field(default_factory=set)
    times: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    given: weakref.WeakKeyDictionary[Any, Given] = field(default_factory=weakref.WeakKeyDictionary)
    kept: list[Kept] = field(default_factory=list)
    catching: bool = False
    ending: bool = False
    """Whether a pass ends at the base, once its arrival there is written down."""
    probing: bool = False
    """Whether the grader is at work: what it sends through models is not the notebook's."""


class Inputs:
    """Wraps `Layer.__call__` and the methods that run a model."""

    def __init__(
        self, adapter: KerasAdapter, journal: Journal, book: ModelBook, frames: CellFrames, *, graph_mode: bool
    ) -> None:
        self._adapter = adapter
        self._journal = journal
        self._book = book
        self._frames = frames
        self._graph_mode = graph_mode
        # Data is loaded, and may be augmented, in threads of its own.
        self._local = threading.local()
        self._pipelines = Pipelines(journal, frames)
        self.watch = Watch()

    @property
    def _runs(self) -> list[Run]:
        runs: list[Run] = self._local.__dict__.setdefault("runs", [])
        return runs

    def install_calls(self) -> None:
        """Watch layers. Before any other wrapper of `Model.__call__`, so that models are watched as well."""
        wrap_method(self._adapter.keras.layers.Layer, "__call__", self._called)
        self._pipelines.install(lambda: bool(self._runs))

    def install_runs(self) -> None:
        """Watch what runs models. After all other wrappers of these methods, so as to see what the student passed."""
        for name, mode, source in METHODS:
            wrap_method(self._adapter.keras.Model, name, functools.partial(self._running, mode, source))

    def base_built(self, model: Any, input_tensor: Any) -> None:
        """This model came from `keras.applications`."""
        self.watch.names.update(layer.name for layer in first_layers(model, input_tensor))

    def holds_base(self, model: Any) -> bool:
        """Whether the model has a watched layer in it."""
        return any(layer.name in self.watch.names for layer in self._book.walk(model))

    def arriving(self, model: Any, images: np.ndarray, *, training: bool) -> np.ndarray | None:
        """What reaches the base when the model is called on these; None if nothing does."""
        self.watch.catching = True
        try:
            model(images, training=training)
        except Arrived as arrived:
            return arrived.images
        finally:
            self.watch.catching = False
            self._runs.clear()
        return None

    def up_to_base(self, model: Any, images: Any) -> None:
        """Run a model that is being run anyway on these, until they reach the base; to its end if they never do."""
        self.watch.ending = True
        try:
            model(images, training=False)
        except Arrived:
            return
        finally:
            self.watch.ending = False

    def write(self, run: Run, layer: Any, images: np.ndarray) -> None:
        """Journal an arrival, unless there are enough of its kind."""
        watch = self.watch
        place = run.place if run.place is not None else self._frames.place()
        where = (place["count"], place["line"]) if place else None
        key = (run.number, run.mode, run.source, where)
        if watch.times[key] >= MOST_TIMES or (key not in watch.times and len(watch.times) >= MOST_PLACES):
            return
        watch.times[key] += 1
        values = summary(images)
        if values is not None:
            self._journal.event(
                "arrival",
                model=run.number,
                layer=layer if isinstance(layer, str) else layer.name,
                mode=run.mode,
                source=run.source,
                place=place,
                values=values,
            )

    def _called(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if not self._runs:
                return self._outermost(original, layer, args, kwargs)
            self._see(layer, args, kwargs)
            return original(layer, *args, **kwargs)

        return __call__

    def _outermost(
        self, original: Callable[..., Any], layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        first = args[0] if args else kwargs.get("inputs")
        training = training_argument(args, kwargs)
        symbolic = self._adapter.is_symbolic(first)
        if not symbolic:
            self._pipelines.layer_called(layer, first, training)
        mode: Mode = "training" if training == "true" else "prediction"
        with self._during(Run(layer, self._book.number(layer), mode, "call", symbolic)):
            self._see(layer, args, kwargs)
            return original(layer, *args, **kwargs)

    @contextmanager
    def _during(self, run: Run) -> Iterator[None]:
        self._runs.append(run)
        depth = len(self._runs)
        try:
            yield
        finally:
            # Not `pop`: a pass that was broken off may have left the stack shorter.
            del self._runs[depth - 1 :]

    def _see(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        run = self._runs[-1]
        watched = getattr(layer, "name", None) in self.watch.names
        if run.symbolic or not (watched or layer is run.model):
            return
        value = args[0] if args else kwargs.get("inputs")
        images = as_array(value)
        if images is None:
            if watched and run.source == "call" and run.mode == "training" and is_traced(value):
                self._tap(run, layer, value)
            return
        if watched and self.watch.catching:
            raise Arrived(images)
        if self.watch.probing:
            return
        if watched:
            self.write(run, layer, images)
            if self.watch.ending:
                raise Arrived(images)
        if layer is run.model and run.mode == "training":
            self._note_given(layer, images)

    def _tap(self, run: Run, layer: Any, value: Any) -> None:
        """Have the graph of the student's own training loop tell what runs through it."""
        import tensorflow as tf

        if self.watch.probing or self._frames.passes_through("saving", "saved_model", "export"):
            # What is written to disk must not refer to this process.
            return
        run.place = self._frames.place()
        tf.numpy_function(lambda images: self._tapped(run, layer, images), [value], [], stateful=True)

    def _tapped(self, run: Run, layer: Any, images: np.ndarray) -> None:
        if images.ndim == 4 and images.size:
            self.write(run, layer, images)

    def _note_given(self, model: Any, images: np.ndarray) -> None:
        given = self.watch.given.setdefault(model, Given())
        given.low, given.high = min(given.low, float(images.min())), max(given.high, float(images.max()))

    def _running(self, mode: Mode, source: str, original: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(original)

        def method(model: Any, *args: Any, **kwargs: Any) -> Any:
            within_fit = any(run.source == "fit" for run in self._runs)
            run = Run(model, self._book.number(model), mode, "validation" if within_fit else source)
            run.place = self._frames.place()
            if not within_fit:
                self._look_at(run, signature.bind_partial(model, *args, **kwargs).arguments)
            with self._during(run):
                return original(model, *args, **kwargs)

        return method

    def _look_at(self, run: Run, arguments: dict[str, Any]) -> None:
        """Note where data comes from, and keep some where the run itself will show nothing."""
        x, validation = arguments.get("x"), arguments.get("validation_data")
        if run.source == "fit":
            self._pipelines.generator_used(run.number, x, "training", run.place)
            self._pipelines.generator_used(run.number, validation, "validation", run.place)
        if not self._graph_mode:
            return
        images = self._keep(run, x)
        if images is not None and run.source == "fit":
            self._note_given(run.model, images)
        if validation is not None:
            part = validation[0] if isinstance(validation, tuple) else validation
            self._keep(Run(run.model, run.number, "prediction", "validation", place=run.place), part)

    def _keep(self, run: Run, data: Any) -> np.ndarray | None:
        # What can be read only once is the student's to read.
        if data is None or is_iterator(data) or len(self.watch.kept) >= MOST_KEPT:
            return None
        try:
            batch = Examples(self._adapter).few(KEPT, data)
        except (StopIteration, LookupError, TypeError, ValueError):  # Nothing in it that Keras could use either.
            return None
        images = as_array(batch[0] if isinstance(batch, tuple) else batch)
        if images is not None:
            self.watch.kept.append(Kept(weakref.ref(run.model), run.mode, run.source, run.place, images))
        return images


def first_layers(model: Any, input_tensor: Any) -> list[Any]:
    """The layers of an application that take its images, whatever was put in front of them."""
    entrance = model.inputs[0] if input_tensor is None else input_tensor
    found = []
    for layer in model.layers:
        try:
            taken = layer.input
        except (AttributeError, RuntimeError, ValueError):  # Used several times, or not at all.
            continue
        if taken is entrance and layer.output is not entrance:
            found.append(layer)
    return found

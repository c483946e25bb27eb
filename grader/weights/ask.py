"""Asking a Keras application which weights file it wants. Runs in the store's subprocess only.

Adapter to private parts of Keras 3 and tf-keras: both look `get_file` up in a module of their own at the
moment when an application has built its model, so a stand-in there learns the name and the address.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any
from unittest.mock import patch

import keras
import numpy as np

from grader.errors import WeightsError
from grader.weights.names import UNNAMED, canonical

__all__ = ["USUAL_SIZE", "Answer", "Application", "NoSuchFileError", "Slot", "application_names", "find", "slots"]

FLAVOURS = (("keras", "keras.src.utils.file_utils"), ("tf_keras", "tf_keras.src.utils.data_utils"))
"""Package, and the module in which its applications look up `get_file`."""

USUAL_SIZE = 224
"""Height and width in pixels of ImageNet's pictures, for applications that take every size by default."""


class NoSuchFileError(Exception):
    """The application has no ImageNet weights for that input shape; the text says why."""


@dataclass(frozen=True)
class Slot:
    """The place of one tensor in an application's model."""

    index: int
    """Position of the layer in the model's `layers`."""
    layer: str
    role: str
    variable: Any
    """The Keras variable."""

    @property
    def key(self) -> str:
        """E.g. ``0007:block_1_expand_BN/moving_mean``."""
        return f"{self.index:04d}:{self.layer}/{self.role}"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor."""
        return tuple(self.variable.shape)

    def value(self) -> np.ndarray:
        """The tensor as it is now."""
        return np.asarray(self.variable.numpy())


@dataclass(frozen=True)
class Answer:
    """What an application asked for, and the model that it had built by then."""

    application: str
    include_top: bool
    input_size: int
    file: str
    origin: str
    keywords: dict[str, Any]
    """The further arguments of `get_file`, such as the hash."""
    model: Any


@dataclass(frozen=True)
class Application:
    """One model of `keras.applications`."""

    name: str
    build: Callable[..., Any]
    package: ModuleType
    """`keras` or `tf_keras`."""
    files: ModuleType
    """The module that holds `get_file`."""

    @property
    def has_width(self) -> bool:
        """Whether it takes a width multiplier `alpha`."""
        return "alpha" in inspect.signature(self.build).parameters

    @cached_property
    def own_size(self) -> int:
        """Height and width in pixels of the images that it is for when no shape is given."""
        return self.ask(True, None, values=False).input_size

    def preprocess(self, images: np.ndarray) -> np.ndarray:
        """Images of 0 to 255 as this application expects them."""
        module = importlib.import_module(self.build.__module__)
        return np.asarray(module.preprocess_input(images.copy()), dtype="float32")

    def ask(
        self, include_top: bool, input_shape: tuple[int, ...] | None, *, values: bool = True, **more: Any
    ) -> Answer:
        """Build the model and note which file it asks for, without loading any.

        Args:
            include_top: whether with the classifier.
            input_shape: (height, width, channels); None: leave it to the application.
            values: whether the variables need values; without, Keras 3 builds several times as fast.
            more: further arguments of the application, such as `alpha`.

        Raises:
            NoSuchFileError: the application refuses this shape.
        """
        asked: list[tuple[str, str, dict[str, Any]]] = []

        def note(fname: str, origin: str = "", **keywords: Any) -> str:
            asked.append((fname, origin, keywords))
            return fname

        with patch.object(self.package.Model, "load_weights", lambda *_, **__: None):
            model = self._build(note, include_top, input_shape, values=values, **more)
        if not asked:
            raise NoSuchFileError(f"{self.name} asked for no weights file")
        file, origin, keywords = asked[-1]
        size = model.input_shape[1] or (self.own_size if input_shape or not include_top else USUAL_SIZE)
        return Answer(self.name, include_top, size, file, origin, keywords, model)

    def load(self, answer: Answer, path: str, input_shape: tuple[int, ...] | None, **more: Any) -> Any:
        """Build the model with the weights of this file, loaded as the application loads its own."""
        return self._build(lambda *_, **__: path, answer.include_top, input_shape, values=True, **more)

    def _build(
        self,
        get_file: Callable[..., str],
        include_top: bool,
        input_shape: tuple[int, ...] | None,
        *,
        values: bool,
        **more: Any,
    ) -> Any:
        self.package.utils.set_random_seed(0)
        self.package.backend.clear_session()
        scope = contextlib.nullcontext() if values else without_values(self.package)
        with patch.object(self.files, "get_file", get_file), scope:
            try:
                return self.build(weights="imagenet", include_top=include_top, input_shape=input_shape, **more)
            except ValueError as exc:
                raise NoSuchFileError(str(exc)) from exc


@contextlib.contextmanager
def without_values(package: ModuleType) -> Iterator[None]:
    """Variables made in here have shapes but no values; in tf-keras they have both."""
    if package is keras:
        with keras.StatelessScope():
            yield
    else:
        yield


def find(name: str) -> Application:
    """The application of this name.

    Raises:
        WeightsError: there is none.
    """
    for package_name, files in FLAVOURS:
        with contextlib.suppress(ImportError):
            package = importlib.import_module(package_name)
            build = {canonical(key): key for key in vars(package.applications) if is_application(package, key)}
            if key := build.get(canonical(name)):
                function = inspect.unwrap(getattr(package.applications, key))
                return Application(key, function, package, importlib.import_module(files))
    known = application_names()
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    raise WeightsError(f"keras.applications has no {name!r}.", f"Did you mean {close[0]}?" if close else "")


def is_application(package: ModuleType, name: str) -> bool:
    """Whether this attribute of `applications` builds a model."""
    return name[0].isupper() and callable(getattr(package.applications, name))


def application_names() -> list[str]:
    """Every application that either Keras has."""
    names: dict[str, None] = {}
    for package_name, _ in FLAVOURS:
        with contextlib.suppress(ImportError):
            package = importlib.import_module(package_name)
            names.update(dict.fromkeys(key for key in vars(package.applications) if is_application(package, key)))
    return list(names)


def slots(model: Any) -> list[Slot]:
    """The tensors of a model in the order in which Keras's HDF5 files have them."""
    found = []
    for index, layer in enumerate(model.layers):
        roles: list[str] = []
        for variable in [*layer.trainable_weights, *layer.non_trainable_weights]:
            role = role_of(layer, variable)
            while role in roles:
                role += "_1"
            roles.append(role)
            found.append(Slot(index, layer.name, role, variable))
    return found


def role_of(layer: Any, variable: Any) -> str:
    """What a layer calls one of its variables; by its attribute where Keras only numbered the variable."""
    role = str(variable.name).split("/")[-1].split(":")[0]
    if role == "kernel" and "DepthwiseConv" in type(layer).__name__:
        return "depthwise_kernel"
    if UNNAMED.fullmatch(role):
        return next((name for name, value in vars(layer).items() if value is variable), role)
    return role

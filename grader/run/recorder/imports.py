"""Importing TensorFlow and Keras in less time than it usually takes, and with nothing missing afterwards."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

__all__ = ["collector_at_rest", "scikit_learn_when_needed"]

WRAPPERS = ("keras.wrappers", "keras._tf_keras.keras.wrappers")
"""Modules with Keras 3's wrappers for scikit-learn."""
SOURCES = ("keras.src.wrappers.utils", "keras.src.wrappers.fixes", "keras.src.wrappers.sklearn_wrapper")
"""Modules that define them, in the order in which one needs the other."""
THRESHOLDS = (50_000, 20, 20)


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Keep the garbage collector off within, and have it pass over afterwards what came to be.

    Importing TensorFlow makes a million objects that stay: looking through them again and again is a third of what
    the import takes, and later an eighth of what a notebook does.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)
        gc.enable()


@contextmanager
def scikit_learn_when_needed() -> Iterator[None]:
    """Within, Keras finds no scikit-learn, which takes half a second to import; its wrappers get it when asked for."""
    if "sklearn" in sys.modules:
        yield
        return
    sys.modules["sklearn"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["sklearn"]
        modules = [sys.modules[name] for name in WRAPPERS if name in sys.modules]
        names = [name for module in modules for name in vars(module) if name.startswith("SKLearn")]
        for module in modules:
            complete_when_asked(module, modules, frozenset(names))


def complete_when_asked(asked: ModuleType, modules: list[ModuleType], names: frozenset[str]) -> None:
    """Take these names out of a module, and give them to all modules, made with scikit-learn, when one is asked for."""

    def __getattr__(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {asked.__name__!r} has no attribute {name!r}")
        for source in SOURCES:
            importlib.reload(importlib.import_module(source))
        for module in modules:
            for each in names:
                setattr(module, each, getattr(sys.modules[SOURCES[-1]], each))
        return getattr(asked, name)

    for name in names:
        delattr(asked, name)
    asked.__getattr__ = __getattr__  # type: ignore[method-assign]

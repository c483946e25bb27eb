"""Importing TensorFlow and Keras in less time than it usually takes, and with nothing missing afterwards."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from grader.run.recorder.introspection import quick_introspection
from grader.run.recorder.stand_ins import optional_packages_when_needed

__all__ = ["collector_at_rest", "keras_in_little_time", "leave_debugger_out"]

WRAPPERS = "keras.src.wrappers"
"""Where Keras 3 defines its wrappers for scikit-learn."""
PREFIX = "SKLearn"
"""What their names begin with."""
THRESHOLDS = (50_000, 20, 20)


@contextmanager
def keras_in_little_time() -> Iterator[None]:
    """Within, TensorFlow and Keras are imported without what hardly anybody needs of them."""
    with collector_at_rest(), optional_packages_when_needed(), scikit_learn_when_needed(), quick_introspection():
        yield


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Keep the garbage collector off within, and have it pass over afterwards what came to be.

    Importing TensorFlow makes hundreds of thousands of objects that stay. Looking through them again and again is a
    quarter of what the import takes.
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
    try:
        with hidden("sklearn"):
            yield
    finally:
        # Whoever imports these from now on gets them made anew.
        for name in [name for name in sys.modules if name == WRAPPERS or name.startswith(f"{WRAPPERS}.")]:
            del sys.modules[name]
        for name, module in list(sys.modules.items()):
            if name.startswith("keras.") and name.endswith(".wrappers"):
                complete_when_asked(module)


def leave_debugger_out() -> None:
    """Have IPython's kernel do without debugpy: a tenth of a second to import, and nobody is there to use it."""
    if "debugpy" in sys.modules:
        return
    with hidden("debugpy"):
        importlib.import_module("ipykernel.debugger")


@contextmanager
def hidden(package: str) -> Iterator[None]:
    """Within, this package, which nobody has imported yet, cannot be imported."""
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


def complete_when_asked(module: ModuleType) -> None:
    """Take the wrappers out of a module that re-exports them, and give them back when one is asked for."""
    names = frozenset(name for name in vars(module) if name.startswith(PREFIX))
    for name in names:
        delattr(module, name)

    def __getattr__(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{WRAPPERS}.sklearn_wrapper"), name)

    module.__getattr__ = __getattr__  # type: ignore[method-assign]

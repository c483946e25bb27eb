"""On Keras 2 the name `keras` is tf-keras, with the module paths that old releases had."""

from __future__ import annotations

import importlib
import sys

from grader.run.compat._base import CompatContext
from grader.run.compat._imports import AliasFinder

MOVED = {"tf_keras.src.layers.normalization": "BatchNormalization", "tf_keras.src.engine": "Layer"}
UTILITIES = ("np_utils", "vis_utils", "generic_utils", "layer_utils")


def before_imports(context: CompatContext) -> None:
    """Let ``import keras`` and everything below it give `tf_keras`."""
    if context.flavour != "2":
        return
    context.add_finder(AliasFinder("keras", tf_keras_names), first=True)
    hidden = {name: module for name, module in sys.modules.items() if name == "keras" or name.startswith("keras.")}
    for name in hidden:
        del sys.modules[name]

    def restore() -> None:
        for name in [name for name in sys.modules if name == "keras" or name.startswith("keras.")]:
            del sys.modules[name]
        sys.modules.update(hidden)

    context.undoing.append(restore)


def after_imports(context: CompatContext) -> None:
    """Load the alias, and give modules of old releases the names that tf-keras took out of them."""
    if context.flavour != "2":
        return
    importlib.import_module("keras")
    tf_keras = importlib.import_module("tf_keras")
    tensorflow = sys.modules.get("tensorflow")
    for path, name in MOVED.items():
        context.patch(importlib.import_module(path), name, getattr(tf_keras.layers, name))
    for name in UTILITIES:
        module = importlib.import_module(f"tf_keras.src.utils.{name}")
        for utils in (tf_keras.utils, tensorflow.keras.utils if tensorflow else tf_keras.utils):
            context.patch(utils, name, module)


def tf_keras_names(name: str) -> tuple[str, ...]:
    """Where tf-keras may keep what old releases had at ``name``.

    `keras.engine`, `keras.utils.np_utils` and their like are not public in tf-keras; its sources still have them.
    """
    rest = name.removeprefix("keras")
    return (f"tf_keras{rest}", f"tf_keras.src{rest}")

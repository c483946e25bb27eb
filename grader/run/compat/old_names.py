"""Names and arguments that TensorFlow and Keras have dropped without a loss to what a notebook does."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from typing import Any

from grader.run.compat._base import CompatContext
from grader.run.compat._imports import AliasFinder

PRIVATE = "tensorflow.python.keras"
OPTIMIZERS = ("Adam", "SGD", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl")


class PublicKeras(ast.NodeTransformer):
    """Imports from TensorFlow's private copy of Keras become imports from the public one.

    Layers of the private copy cannot be mixed with models of any Keras that exists today.
    """

    def __init__(self, context: CompatContext) -> None:
        self.context = context

    def public(self, module: str) -> str:
        """The public name of a private module."""
        if module != PRIVATE and not module.startswith(PRIVATE + "."):
            return module
        self.context.say(f"`{PRIVATE}` is private to TensorFlow: `tensorflow.keras` was used in its place.")
        return "tensorflow.keras" + module.removeprefix(PRIVATE)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if node.module and not node.level:
            node.module = self.public(node.module)
        return node

    def visit_Import(self, node: ast.Import) -> ast.AST:
        for alias in node.names:
            if alias.asname:
                alias.name = self.public(alias.name)
        return node


def before_imports(context: CompatContext) -> None:
    """Rewrite the imports of cells, and find `keras_preprocessing` where it went."""
    transformer = PublicKeras(context)
    context.shell.ast_transformers.append(transformer)
    context.undoing.append(lambda: context.shell.ast_transformers.remove(transformer))
    context.add_finder(AliasFinder("keras_preprocessing", keras_preprocessing_names), first=True)


def after_imports(context: CompatContext) -> None:
    """Give `tf.python` back, which given tests look at, and let tf-keras pass over ``decay=``."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        return
    if not hasattr(tensorflow, "python") and "tensorflow.python" in sys.modules:
        context.patch(tensorflow, "python", sys.modules["tensorflow.python"])
    if context.flavour == "2":
        for name in OPTIMIZERS:
            context.wrap(
                getattr(tensorflow.keras.optimizers, name),
                "__init__",
                lambda original: without_decay(context, original),
            )


def keras_preprocessing_names(name: str) -> tuple[str, ...]:
    """Where Keras keeps what the package of that name had."""
    return ("tensorflow.keras.preprocessing" + name.removeprefix("keras_preprocessing"),)


def without_decay(context: CompatContext, original: Callable[..., None]) -> Callable[..., None]:
    """An optimizer's ``__init__`` that leaves out ``decay``, which optimizers of Keras 2.11 and later refuse."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        if "decay" in kwargs:
            context.say("`decay=` of an optimizer was left out: this Keras no longer takes it.")
            del kwargs["decay"]
        original(self, *args, **kwargs)

    return __init__

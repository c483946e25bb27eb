"""Names and arguments that TensorFlow and Keras have dropped without a loss to what a notebook does."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from types import ModuleType
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
    """Give `tf.python` back, which given tests look at, and let tf-keras take the arguments of old optimizers."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        return
    if not hasattr(tensorflow, "python") and "tensorflow.python" in sys.modules:
        context.patch(tensorflow, "python", PublicPython(context, sys.modules["tensorflow.python"], tensorflow.keras))
    if context.flavour == "2":
        for name in OPTIMIZERS:
            context.wrap(
                getattr(tensorflow.keras.optimizers, name),
                "__init__",
                lambda original: old_arguments(context, original),
            )


def keras_preprocessing_names(name: str) -> tuple[str, ...]:
    """Where Keras keeps what the package of that name had."""
    return ("tensorflow.keras.preprocessing" + name.removeprefix("keras_preprocessing"),)


class PublicPython(ModuleType):
    """`tensorflow.python` as a notebook sees it, with the public Keras for the private copy.

    Given tests compare types with those of the private copy, which were the public ones once.
    """

    def __init__(self, context: CompatContext, hidden: ModuleType, keras: Any) -> None:
        super().__init__(hidden.__name__, hidden.__doc__)
        self.__dict__.update(_context=context, _hidden=hidden, _keras=keras)

    def __getattr__(self, name: str) -> Any:
        if name != "keras":
            return getattr(self._hidden, name)
        self._context.say(f"`{PRIVATE}` is private to TensorFlow: `tensorflow.keras` was used in its place.")
        return self._keras


def old_arguments(context: CompatContext, original: Callable[..., None]) -> Callable[..., None]:
    """An optimizer's ``__init__`` that goes by ``lr``, as Keras did before 2.11, and leaves out ``decay``.

    Later ones ignore the former with no more than a line in a log, and refuse the latter.
    """

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        if "lr" in kwargs and "learning_rate" not in kwargs and not args:
            context.say(
                "`lr=` of an optimizer was taken for `learning_rate=`, as Keras did before TensorFlow 2.11. Since then "
                "it is ignored, and from Keras 3 on refused: write `learning_rate=`."
            )
            kwargs["learning_rate"] = kwargs.pop("lr")
        if "decay" in kwargs:
            context.say("`decay=` of an optimizer was left out: this Keras no longer takes it.")
            del kwargs["decay"]
        original(self, *args, **kwargs)

    return __init__

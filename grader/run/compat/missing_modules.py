"""Modules that are not here: a course's helpers become stand-ins, packages that the grader lacks are named."""

from __future__ import annotations

import difflib
import importlib.abc
import importlib.machinery
import re
import sys
from types import ModuleType

from grader.run.compat._base import CompatContext
from grader.run.compat._imports import StubModule, imported_by_notebook

HELPER = re.compile(
    r"^(test_?utils?|tests?_?\w*|\w*_?unit_?tests?|public_?tests?|outputs?|utils?|\w+_utils?|helpers?(_?\w+)?|\w+_helpers?|"
    r"solutions?|dlai_\w+|submission\w*)$"
)
# What a wrongly spelt import may have meant: an error of the student's own.
COMMON = (
    "tensorflow",
    "keras",
    "numpy",
    "matplotlib",
    "pandas",
    "sklearn",
    "seaborn",
    "scipy",
    "PIL",
    "cv2",
    "os",
    "random",
    "pathlib",
)


class LastFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Asked when nothing else has found a module."""

    def __init__(self, context: CompatContext) -> None:
        self.context = context

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        parent, _, _ = fullname.rpartition(".")
        if (parent and not isinstance(sys.modules.get(parent), StubModule)) or not imported_by_notebook(self.context):
            return None
        if parent or HELPER.match(fullname):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        if difflib.get_close_matches(fullname, COMMON, n=1, cutoff=0.8):
            return None
        raise ModuleNotFoundError(f"The grader does not have the package '{fullname}'.", name=fullname)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return StubModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__.partition(".")[0]
        self.context.say(f"`{name}` is not among the assignment's files: a stand-in that does nothing was imported.")


def before_imports(context: CompatContext) -> None:
    """Be the last to be asked for a module."""
    context.add_finder(LastFinder(context))

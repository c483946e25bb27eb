"""Hooks into Python's import: stub modules, aliases, and a call after a module was imported."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from types import CodeType, FrameType, ModuleType
from typing import Any

from grader.run.compat._base import CompatContext

__all__ = ["AliasFinder", "Anything", "StubFinder", "StubModule", "imported_by_notebook", "on_import"]

QUESTIONS: tuple[CodeType, ...] = (importlib.util.find_spec.__code__,)


class Anything:
    """Accepts whatever is done with it, prints nothing, and gives None when called."""

    def __init__(self, name: str) -> None:
        self.__name__ = self.__qualname__ = name

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        return None

    def __getattr__(self, name: str) -> Anything:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything(name)

    def __repr__(self) -> str:
        return f"<stand-in for {self.__name__}>"


class StubModule(ModuleType):
    """A module of which any attribute can be had."""

    def __getattr__(self, name: str) -> Anything:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return Anything(name)


class StubFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Serves stub modules by name, with everything below them.

    Args:
        fill: called with each new stub, to give it what has to be more than a stand-in.
        roots: dotted names that are served.
    """

    def __init__(self, roots: Sequence[str], fill: Callable[[ModuleType], None]) -> None:
        self.roots = tuple(roots)
        self.fill = fill

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if any(fullname == root or fullname.startswith(root + ".") for root in self.roots):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return StubModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        self.fill(module)


class AliasFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the module ``real(name)`` for every module name at or below ``root``."""

    def __init__(self, root: str, real: Callable[[str], Sequence[str]]) -> None:
        self.root = root
        self.real = real

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.root and not fullname.startswith(self.root + "."):
            return None
        if next((True for name in self.real(fullname) if loadable(name)), False):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        name = next(name for name in self.real(module.__name__) if loadable(name))
        # The import system takes what stands in sys.modules afterwards, so that one module has two names.
        sys.modules[module.__name__] = importlib.import_module(name)


def loadable(name: str) -> bool:
    """Whether a module of this name can be imported."""
    if name in sys.modules:
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return False


class Afterwards(importlib.abc.MetaPathFinder):
    """Calls a function once a module has been imported by the ordinary finders."""

    def __init__(self, name: str, then: Callable[[ModuleType], None]) -> None:
        self.name = name
        self.then = then
        self.looking = False

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name or self.looking:
            return None
        self.looking = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self.looking = False
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            self.then(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def on_import(context: CompatContext, name: str, then: Callable[[ModuleType], None]) -> None:
    """Call ``then(module)`` now if the module is imported already, else as soon as it is."""
    if name in sys.modules:
        then(sys.modules[name])
    else:
        context.add_finder(Afterwards(name, then), first=True)


def imported_by_notebook(context: CompatContext) -> bool:
    """Whether the import under way was written in the notebook or in a module beside it.

    A library that asks whether an optional package is there must get the ordinary answer.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code in QUESTIONS:
            return False
        module = str(frame.f_globals.get("__name__", ""))
        inner = frame.f_code.co_filename.startswith("<frozen importlib") or module.partition(".")[0] == "importlib"
        if not inner and not module.startswith("grader.run.compat"):
            return module == "__main__" or frame.f_code.co_filename.startswith(f"{context.work}/")
        frame = frame.f_back
    return False

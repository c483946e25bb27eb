"""The assignment's images are found wherever a notebook looks for them: `os`, `open`, `pathlib`, `glob`.

Only a call that fails is looked at a second time, so paths that exist cost nothing.
"""

from __future__ import annotations

import builtins
import io
import os
import pathlib
from collections.abc import Callable
from typing import Any

from IPython.core import interactiveshell

from grader.run.compat._base import CompatContext
from grader.run.compat._imports import on_import
from grader.run.compat._paths import exists, missing

WRITING = frozenset("wax+")


def before_imports(context: CompatContext) -> None:
    """Give the functions that take a path a second try."""
    find, folder = context.paths.find, context.paths.find_folder
    for name, look in {"stat": find, "lstat": find, "access": find, "listdir": folder, "scandir": folder}.items():
        context.wrap(os, name, lambda original, look=look: second_try(original, look))  # type: ignore[misc]
    context.wrap(os, "access", lambda original: access_of(context, original))
    context.wrap(
        os, "chdir", lambda original: second_try(original, lambda path: folder(path) or in_work(context, path))
    )
    context.wrap(os, "mkdir", lambda original: mkdir_of(context, original))
    opening = open_of(context, io.open)
    for owner, name in ((builtins, "open"), (io, "open"), (interactiveshell, "io_open")):
        context.wrap(owner, name, lambda _: opening)
    accessor = getattr(pathlib, "_NormalAccessor", None)
    if accessor is not None:  # Python 3.10 binds the functions of `os` when pathlib is imported
        for name, function in {
            "stat": os.stat,
            "listdir": os.listdir,
            "scandir": os.scandir,
            "mkdir": os.mkdir,
            "open": opening,
        }.items():
            context.patch(accessor, name, staticmethod(function))  # type: ignore[arg-type]
    on_import(
        context,
        "h5py",
        lambda module: context.wrap(module.File, "__init__", lambda original: hdf5_of(context, original)),
    )


def in_work(context: CompatContext, path: Any) -> str | None:
    """The work folder for a folder that another machine has."""
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else ""
    if not str(text).startswith("/"):
        return None
    context.say(f"`{text}` does not exist here: the notebook stayed in its work folder.")
    return str(context.work)


def second_try(original: Callable[..., Any], find: Callable[[Any], str | None]) -> Callable[..., Any]:
    """``original``, called again with what ``find`` gives where the path was missing."""

    def function(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
        try:
            return original(path, *args, **kwargs)
        except OSError as exc:
            found = find(path) if missing(exc) and kwargs.get("dir_fd") is None else None
            if found is None:
                raise
        return original(found, *args, **kwargs)

    return function


def access_of(context: CompatContext, original: Callable[..., bool]) -> Callable[..., bool]:
    """`os.access`, which answers instead of raising."""

    def access(path: Any, mode: int, **kwargs: Any) -> bool:
        if original(path, mode, **kwargs):
            return True
        if original(path, os.F_OK, **kwargs) or (found := context.paths.find(path)) is None:
            return False
        return original(found, mode, **kwargs)

    return access


def mkdir_of(context: CompatContext, original: Callable[..., None]) -> Callable[..., None]:
    """`os.mkdir`: a folder of another machine is made in the work folder."""

    def mkdir(path: Any, mode: int = 0o777, **kwargs: Any) -> None:
        try:
            if not context.paths.is_foreign(path):
                return original(path, mode, **kwargs)
            instead = context.paths.redirect(path)
        except FileExistsError:
            raise
        except OSError as exc:
            instead = context.paths.redirect(path) if missing(exc) else None
            if instead is None:
                raise
        assert instead is not None
        os.makedirs(instead, exist_ok=True)
        return None

    return mkdir


def open_of(context: CompatContext, original: Callable[..., Any]) -> Callable[..., Any]:
    """`open`: reading finds the dataset, writing on another machine's path goes to the work folder."""

    def open(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        try:
            return original(file, mode, *args, **kwargs)
        except OSError as exc:
            if not missing(exc):
                raise
            found = writable(context, file) if WRITING & set(mode) else context.paths.find(file)
            if found is None or os.path.isdir(found):
                raise
        return original(found, mode, *args, **kwargs)

    return open


def writable(context: CompatContext, path: Any) -> str | None:
    """Where to write what cannot be written at ``path``."""
    instead = context.paths.redirect(path)
    if instead is not None:
        os.makedirs(os.path.dirname(instead), exist_ok=True)
    return instead


def hdf5_of(context: CompatContext, original: Callable[..., None]) -> Callable[..., None]:
    """`h5py.File`, which opens files below Python."""

    def __init__(self: Any, name: Any, mode: str = "r", *args: Any, **kwargs: Any) -> None:
        try:
            return original(self, name, mode, *args, **kwargs)
        except OSError:
            if not isinstance(name, (str, os.PathLike)) or exists(os.path.dirname(os.fspath(name)) or "."):
                raise
            instead = writable(context, name) if WRITING & set(mode) else context.paths.find(name)
            if instead is None:
                raise
        return original(self, instead, mode, *args, **kwargs)

    return __init__

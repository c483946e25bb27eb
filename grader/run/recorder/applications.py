"""Pretrained networks: who asks for which, and weights from the store in place of a download."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from grader.run.recorder.adapter import KerasAdapter
from grader.run.recorder.frames import CellFrames
from grader.run.recorder.from_store import put_in
from grader.run.recorder.hooks import replace_everywhere, wrap_method
from grader.run.recorder.journal import Journal
from grader.run.recorder.models import ModelBook
from grader.run.recorder.probe import Prober

__all__ = ["Applications"]

PACKAGES = ("keras", "tf_keras", "tensorflow")
WEIGHTS_ENDINGS = (".h5", ".hdf5", ".keras")


class MissingWeightsError(OSError):
    """The store has no such file."""


class Applications:
    """Wraps `keras.applications` and the functions that load weights."""

    def __init__(
        self,
        adapter: KerasAdapter,
        journal: Journal,
        book: ModelBook,
        frames: CellFrames,
        store: Path,
        prober: Prober,
    ) -> None:
        self._adapter = adapter
        self._journal = journal
        self._book = book
        self._frames = frames
        self._prober = prober
        self._store = store
        self._asked_file = ""

    def install(self) -> None:
        """Put the wrappers in place."""
        functions = [(function, self._recorded(name, function)) for name, function in self._applications()]
        downloads = [getattr(module, name) for module, name in self._adapter.download_modules()]
        functions += [(download, self._from_store(download)) for download in downloads]
        replace_everywhere(functions, PACKAGES)
        wrap_method(self._adapter.keras.Model, "load_weights", self._loading)

    def _applications(self) -> Iterator[tuple[str, Callable[..., Any]]]:
        for name, function in vars(self._adapter.keras.applications).items():
            if inspect.isfunction(function) and {"weights", "include_top"} <= set(
                inspect.signature(function).parameters
            ):
                yield name, function

    def _recorded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def build(*args: Any, **kwargs: Any) -> Any:
            place = self._frames.place()
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            asked = bound.arguments["weights"]
            bound.arguments["weights"] = self._local(asked)
            self._asked_file = ""
            try:
                model = function(*bound.args, **bound.kwargs)
            except MissingWeightsError as exc:
                shape = bound.arguments.get("input_shape")
                self._journal.event("missing_weights", application=name, file=str(exc), input_shape=shape)
                bound.arguments["weights"] = None
                model = function(*bound.args, **bound.kwargs)
            self._book.is_pretrained_base(model)
            self._journal.event(
                "application",
                application=name,
                model=self._book.describe(model),
                weights=asked if asked is None else str(asked),
                file=self._asked_file,
                include_top=bool(bound.arguments["include_top"]),
                place=place,
            )
            self._prober.base_built(function, bound.arguments, model)
            return model

        return build

    def _local(self, asked: Any) -> Any:
        """A path that does not exist here, but names a file of the store, is that file."""
        if not isinstance(asked, (str, os.PathLike)) or asked == "imagenet" or os.path.exists(asked):
            return asked
        if not str(asked).endswith(WEIGHTS_ENDINGS):
            return asked
        # Only here, because few notebooks name a file and each would wait for the import.
        from grader.weights import WeightsStore

        record = WeightsStore(self._store).resolve(str(asked))
        if record is None:
            return asked
        self._asked_file = record.file
        self._journal.note(
            "weights", f"`{asked}` does not exist here: the grader's own copy of these weights was used."
        )
        return str(self._store / record.file)

    def _from_store(self, download: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(download)
        def get_file(*args: Any, **kwargs: Any) -> Any:
            name = str(kwargs.get("fname") or (args[0] if args else "") or kwargs.get("origin", "")).rsplit("/", 1)[-1]
            origin = str(kwargs.get("origin") or (args[1] if len(args) > 1 else ""))
            if not name.endswith(WEIGHTS_ENDINGS) or "keras-applications" not in origin:
                return download(*args, **kwargs)
            path = self._store / name
            if not path.exists():
                raise MissingWeightsError(name)
            self._asked_file = name
            return str(path)

        return get_file

    def _loading(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def load_weights(model: Any, filepath: Any, *args: Any, **kwargs: Any) -> Any:
            path = self._local(filepath)
            plain = isinstance(path, str) and not args and not kwargs
            if plain and Path(path).parent == self._store and put_in(self._adapter, model, Path(path)):
                return None
            return original(model, path, *args, **kwargs)

        return load_weights

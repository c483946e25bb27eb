"""Weights that the notebook puts aside: training often goes on with the best ones, and not with the last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from grader.run.recorder.adapter import KerasAdapter
from grader.run.recorder.hooks import wrap_method
from grader.run.recorder.models import ModelBook

__all__ = ["Kept"]


class Kept:
    """Takes a snapshot whenever a model's weights are saved or taken out, by the student or by a callback."""

    def __init__(self, adapter: KerasAdapter, book: ModelBook) -> None:
        self._adapter = adapter
        self._book = book

    def install(self) -> None:
        """Put the wrappers in place."""
        for name in ("save", "save_weights", "get_weights"):
            wrap_method(self._adapter.keras.Model, name, self._keeping)

    def _keeping(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def keep(model: Any, *args: Any, **kwargs: Any) -> Any:
            if self._book.is_recorded(model):
                self._book.snapshot([model])
            return original(model, *args, **kwargs)

        return keep

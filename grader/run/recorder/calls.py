"""Every way in which a model was called while another was built, and what was passed as `training`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from grader.run.recorder.adapter import KerasAdapter
from grader.run.recorder.frames import CellFrames
from grader.run.recorder.hooks import wrap_method
from grader.run.recorder.journal import Journal
from grader.run.recorder.models import ModelBook

__all__ = ["Calls"]


class Calls:
    """Wraps `Model.__call__`. A base is always a model, so layers need no wrapping."""

    def __init__(self, adapter: KerasAdapter, journal: Journal, book: ModelBook, frames: CellFrames) -> None:
        self._adapter = adapter
        self._journal = journal
        self._book = book
        self._frames = frames
        self._seen: set[tuple[Any, ...]] = set()

    def install(self) -> None:
        """Put the wrappers in place."""
        wrap_method(self._adapter.keras.Model, "__call__", self._recorded)
        model = self._adapter.keras.Model
        model.__new__ = staticmethod(self._created(model.__new__))

    def _created(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def __new__(cls: type, *args: Any, **kwargs: Any) -> Any:
            model = original(cls, *args, **kwargs)
            self._book.appeared(model)
            return model

        return __new__

    def _recorded(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(model: Any, *args: Any, **kwargs: Any) -> Any:
            symbolic = bool(args) and self._adapter.is_symbolic(args[0])
            by_student = self._frames.called_by_student()
            if symbolic or by_student:
                self._record(model, args, kwargs, symbolic=symbolic, by_student=by_student)
            return original(model, *args, **kwargs)

        return __call__

    def _record(
        self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, symbolic: bool, by_student: bool
    ) -> None:
        training = training_argument(args, kwargs)
        place = self._frames.place()
        number = self._book.number(model)
        outer = self._frames.enclosing_layer(self._adapter.keras.layers.Layer, model)
        within = None if outer is None else self._book.number(outer)
        where = (place["count"], place["line"]) if place else None
        if (number, training, symbolic, by_student, within, where) in self._seen:
            return
        self._seen.add((number, training, symbolic, by_student, within, where))
        self._journal.event(
            "call",
            model=number,
            training=training,
            symbolic=symbolic,
            by_student=by_student,
            within=within,
            place=place,
        )


def training_argument(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """``true``, ``false``, ``unset``, or ``dynamic`` for a tensor whose value is not known yet."""
    # `Model.call(inputs, training=None, mask=None)`: training may come by position.
    value = kwargs.get("training", args[1] if len(args) > 1 else None)
    if value is None:
        return "unset"
    try:
        return "true" if bool(value) else "false"
    except (TypeError, ValueError):
        return "dynamic"

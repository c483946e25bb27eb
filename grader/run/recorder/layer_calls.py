"""What code without a config does: the order in which a student's `call` uses its layers, and the effect of what
it computes in between.

A subclassed model, a custom layer and a `Lambda` hold Python code, which cannot be read outside the kernel. Where
their tensors have values, a computation is known by its effect: what came out of it, beside what went in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grader.run.recorder.adapter import KerasAdapter
from grader.run.recorder.hooks import wrap_method
from grader.run.recorder.journal import Journal
from grader.run.recorder.models import ModelBook

__all__ = ["LayerCalls", "effect_of", "is_students"]

FRAMEWORK = ("keras", "tf_keras", "tensorflow")
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
EXAMPLES = 2
"""How many rows of a batch are looked at."""


@dataclass
class Running:
    """A layer of the student's own class while it is called.

    Args:
        layer: the layer.
        last: what came out of the layer that it called last; its own input before that.
        seen: all tensors that it has had from its layers, and its own input.
    """

    layer: Any
    last: Any
    seen: list[Any] = field(default_factory=list)


class LayerCalls:
    """Wraps `Layer.__call__`."""

    def __init__(self, adapter: KerasAdapter, journal: Journal, book: ModelBook) -> None:
        self._adapter = adapter
        self._journal = journal
        self._book = book
        self._local = threading.local()
        self._known: dict[tuple[Any, ...], str] = {}

    def install(self) -> None:
        """Put the wrapper in place; before any that wraps `Model.__call__`, which may be the same function."""
        wrap_method(self._adapter.keras.layers.Layer, "__call__", self._followed)

    def _followed(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(layer: Any, *args: Any, **kwargs: Any) -> Any:
            stack: list[Running | None] = self._local.__dict__.setdefault("stack", [])
            given = args[0] if args else None
            if stack and stack[-1] is not None:
                self._called(stack[-1], layer, given)
            own = is_students(layer)
            stack.append(Running(layer, given, [given]) if own else None)
            try:
                result = original(layer, *args, **kwargs)
                if (running := stack[-1]) is not None:
                    self._returned(running, result)
            finally:
                stack.pop()
            if own or type(layer).__name__ == "Lambda":
                self._tell("effect", "effect", lambda: effect_of(given, result), layer=self._book.number(layer))
            if stack and (caller := stack[-1]) is not None:
                caller.last = result
                caller.seen.append(result)
            return result

        return __call__

    def _called(self, caller: Running, layer: Any, given: Any) -> None:
        container, number = self._book.number(caller.layer), self._book.number(layer)
        self._tell("layer_call", "before", lambda: between(caller, given), container=container, layer=number)

    def _returned(self, running: Running, result: Any) -> None:
        number = self._book.number(running.layer)
        self._tell("layer_end", "before", lambda: between(running, result), container=number)

    def _tell(self, event: str, name: str, look: Callable[[], str], **about: int) -> None:
        """Journal an effect, once it is known; that it is not known is told once, for the order of the calls."""
        key = (event, *about.values())
        before = self._known.get(key)
        if before not in (None, "unknown"):
            return
        effect = look()
        if effect != before:
            self._known[key] = effect
            self._journal.event(event, **about, **{name: effect})


def is_students(layer: Any) -> bool:
    """Whether the layer's class is no part of the framework."""
    return not type(layer).__module__.split(".")[0].startswith(FRAMEWORK)


def between(running: Running, tensor: Any) -> str:
    """The effect of the code between the last layer that was called and this tensor."""
    tensors = tensor if isinstance(tensor, (list, tuple)) else [tensor]
    if all(any(one is seen for seen in running.seen) for one in tensors):
        return "same"
    return effect_of(running.last, tensor)


def effect_of(given: Any, result: Any) -> str:
    """What a computation does, told from one batch that went in and what came out.

    Returns:
        ``same``, ``average``, ``max``, ``flatten`` (of a feature map ``[N, H, W, C]`` to ``[N, ...]``), the name of
        an activation, ``other``, or ``unknown`` where the tensors have no values (in a graph).
    """
    if given is result:
        return "same"
    if not (hasattr(given, "numpy") and hasattr(result, "numpy")):
        return "unknown"
    try:
        before, after = few(given), few(result)
    except (TypeError, ValueError, NotImplementedError):  # A symbolic tensor, or one that holds no numbers.
        return "unknown"
    if before.size == 0 or after.size == 0 or len(before) != len(after):
        return "other"
    for name, value in candidates(before):
        if value.size == after.size and np.allclose(value.ravel(), after.ravel(), **CLOSE, equal_nan=True):
            reshaped = name == "same" and before.ndim == 4 and after.ndim == 2
            return "flatten" if reshaped else name
    return "other"


def few(tensor: Any) -> np.ndarray:
    """The first rows of a batch."""
    return np.atleast_1d(np.asarray(tensor.numpy()))[:EXAMPLES].astype(np.float64)


def candidates(before: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Results that are known by a name."""
    found = [("same", before)]
    if before.ndim == 4:
        # A map of one cell is pooled whatever is done with it.
        found[:0] = [("average", before.mean(axis=(1, 2))), ("max", before.max(axis=(1, 2)))]
    exponent = np.exp(before - before.max(axis=-1, keepdims=True))
    found.extend(
        [
            ("sigmoid", 1 / (1 + np.exp(-np.clip(before, -500, 500)))),
            ("softmax", exponent / exponent.sum(axis=-1, keepdims=True)),
            ("relu", np.maximum(before, 0)),
            ("tanh", np.tanh(before)),
        ]
    )
    return found

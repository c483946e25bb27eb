"""What a model was compiled to minimise, and the learning rate that was in force."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from grader.run.recorder.adapter import KerasAdapter
from grader.run.recorder.hooks import wrap_method

__all__ = ["Rates", "label_shape", "loss_facts"]

FRAMEWORK = ("keras", "tf_keras", "tensorflow")


class Rates:
    """Notes the learning rate of the first update of each stretch of training."""

    def __init__(self, adapter: KerasAdapter) -> None:
        self._adapter = adapter
        self._first: float | None = None
        self._waiting = False

    def install(self) -> None:
        """Put the wrappers in place."""
        for owner, name in self._adapter.optimizer_methods():
            wrap_method(owner, name, self._applying)

    def begin(self) -> None:
        """A stretch of training begins."""
        self._first, self._waiting = None, True

    def first(self) -> float | None:
        """The rate of its first update; callbacks have had their say by then. None where no update was seen."""
        self._waiting = False
        return self._first

    def now(self, optimizer: Any) -> float | None:
        """The rate at this moment, of a schedule its value at the optimizer's count of steps."""
        rate = getattr(optimizer, "learning_rate", None)
        try:
            if callable(rate) and not hasattr(rate, "numpy"):
                rate = rate(optimizer.iterations)
            return None if rate is None else float(self._adapter.value(rate) if hasattr(rate, "numpy") else rate)
        except Exception:  # A student's own schedule may raise anything; a symbolic rate has no value.
            return None

    def facts(self, optimizer: Any) -> dict[str, Any]:
        """The rate and where it comes from."""
        asked = config_of(optimizer).get("learning_rate")
        return {
            "learning_rate": self.now(optimizer),
            "schedule": str(asked.get("class_name", ""))[:60] if isinstance(asked, dict) else "",
        }

    def _applying(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def apply(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            if self._waiting:
                self._waiting = False
                self._first = self.now(optimizer)
            return original(optimizer, *args, **kwargs)

        return apply


def loss_facts(model: Any) -> dict[str, Any] | None:
    """The compiled loss: its class or function, whose it is, and `from_logits`; None where there is none."""
    loss = getattr(model, "loss", None)
    while isinstance(loss, (list, tuple, dict)) and len(loss) == 1:
        loss = next(iter(loss.values())) if isinstance(loss, dict) else loss[0]
    if loss is None or (isinstance(loss, (list, tuple, dict)) and not loss):
        return None
    if isinstance(loss, (list, tuple, dict)):
        return {"name": "several", "form": "several", "framework": False, "from_logits": None}
    if isinstance(loss, str):
        return {"name": loss[:60], "form": "text", "framework": True, "from_logits": None}
    passed: dict[str, Any] = {}
    if isinstance(loss, functools.partial):
        passed, loss = dict(loss.keywords), loss.func
    is_function = hasattr(loss, "__name__")
    owner = loss if is_function else type(loss)
    if not is_function:
        passed = config_of(loss)
    logits = passed.get("from_logits")
    return {
        "name": str(owner.__name__)[:60],
        "form": "function" if is_function else "object",
        "framework": str(getattr(owner, "__module__", "")).split(".")[0].startswith(FRAMEWORK),
        "from_logits": bool(logits) if isinstance(logits, (bool, int)) else None,
    }


def config_of(thing: Any) -> dict[str, Any]:
    """The settings of a loss or an optimizer."""
    try:
        return dict(thing.get_config())
    except Exception:  # None, a student's own class, or one around a function that has no name.
        return {}


def label_shape(batch: Any) -> list[int] | None:
    """Shape of the labels of one example: ``[]`` for one number an example, ``[2]`` for one-hot of two classes."""
    labels = batch[1] if isinstance(batch, (tuple, list)) and len(batch) > 1 else None
    shape = getattr(labels, "shape", None)
    return None if shape is None or len(shape) == 0 else [int(size) for size in shape[1:]]

"""Putting a function in the place of another, once, so that the original can still be called."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["replace_everywhere", "wrap_method"]

Wrapper = Callable[..., Any]


def wrap_method(owner: type, name: str, make: Callable[[Callable[..., Any]], Wrapper]) -> None:
    """Replace ``owner.name`` with what `make` builds around it; signature and docs stay the original's."""
    original = getattr(owner, name)
    setattr(owner, name, functools.wraps(original)(make(original)))


def replace_everywhere(pairs: Iterable[tuple[Any, Any]], packages: tuple[str, ...]) -> None:
    """Rebind every module attribute of these packages that is the first of a pair to the second.

    Public Keras names are re-exported by several modules (`keras.applications`, `keras._tf_keras`, ...).
    """
    pairs = list(pairs)
    # By identity, not by value: arrays and the like have no hash, and may not even compare.
    substitutes = {id(original): substitute for original, substitute in pairs}
    for name, module in list(sys.modules.items()):
        if module is None or not name.startswith(packages):
            continue
        for attribute, value in list(vars(module).items()):
            if id(value) in substitutes:
                setattr(module, attribute, substitutes[id(value)])

"""Quicker ways to what TensorFlow and Keras ask of Python thousands of times, with the same answers."""

from __future__ import annotations

import functools
import inspect
import sys
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

__all__ = ["answer_quickly", "quick_introspection"]


@contextmanager
def quick_introspection() -> Iterator[None]:
    """Within, annotations that are strings are compiled once each, and functions say quickly what they take.

    TensorFlow has 18,000 such annotations, of a few hundred kinds, and makes a second form of each of its 1,500
    operations from what the first one takes. It keeps the quick way for later.
    """
    usual = inspect.getfullargspec
    vars(inspect)["getfullargspec"] = quick(usual)
    # `typing` compiles them by this name, which is Python's own function wherever a module has none.
    vars(typing)["compile"] = functools.cache(compile)
    try:
        yield
    finally:
        inspect.getfullargspec = usual
        del vars(typing)["compile"]


def answer_quickly() -> None:
    """From now on, functions say quickly what they take, and protocols what they ask for.

    Keras 3 asks the first of each layer that it makes. TensorFlow asks with each operation whether something is like a
    tensor, and before Python 3.12 a protocol gathers anew each time what that means.
    """
    vars(inspect)["getfullargspec"] = quick(inspect.getfullargspec)
    if sys.version_info < (3, 12):
        vars(typing)["_get_protocol_attrs"] = functools.cache(vars(typing)["_get_protocol_attrs"])


def quick(usual: Callable[[Any], inspect.FullArgSpec]) -> Callable[[Any], inspect.FullArgSpec]:
    """`inspect.getfullargspec`, given as `usual`, with the same answers in less time."""

    @functools.wraps(usual)
    def getfullargspec(func: Any) -> inspect.FullArgSpec:
        return argument_names(usual, func)

    return getfullargspec


def argument_names(usual: Callable[[Any], inspect.FullArgSpec], func: Any) -> inspect.FullArgSpec:
    """What `inspect.getfullargspec`, given as `usual`, makes of a function."""
    if type(func) is not FunctionType or vars(func).keys() & {"__signature__", "_partialmethod"}:
        return usual(func)
    code = func.__code__
    end = code.co_argcount + code.co_kwonlyargcount
    positional, keyword_only = code.co_varnames[: code.co_argcount], code.co_varnames[code.co_argcount : end]
    others = list(code.co_varnames[end:])
    varargs = others.pop(0) if code.co_flags & inspect.CO_VARARGS else None
    varkw = others.pop(0) if code.co_flags & inspect.CO_VARKEYWORDS else None
    takes = {*positional, *keyword_only, varargs, varkw, "return"}
    return inspect.FullArgSpec(
        args=list(positional),
        varargs=varargs,
        varkw=varkw,
        defaults=func.__defaults__ or None,
        kwonlyargs=list(keyword_only),
        kwonlydefaults=dict(func.__kwdefaults__ or {}) or None,
        annotations={name: hint for name, hint in func.__annotations__.items() if name in takes},
    )

"""Quicker ways to what TensorFlow asks of Python thousands of times while it is imported, with the same answers."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

__all__ = ["quick_introspection"]


@contextmanager
def quick_introspection() -> Iterator[None]:
    """Within, annotations that are strings are compiled once each, and functions say quickly what they take.

    TensorFlow has 18,000 such annotations, of a few hundred kinds, and makes a second form of each of its 1,500
    operations from what the first one takes. It keeps the quick way for later.
    """
    usual = inspect.getfullargspec
    inspect.getfullargspec = functools.partial(argument_names, usual)
    # `typing` compiles them by this name, which is Python's own function wherever a module has none.
    vars(typing)["compile"] = functools.cache(compile)
    try:
        yield
    finally:
        inspect.getfullargspec = usual
        del vars(typing)["compile"]


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

"""Calls that wait for a person, a screen or a clock."""

from __future__ import annotations

import builtins
import getpass
import threading
import time
import webbrowser
from collections.abc import Callable
from types import ModuleType
from typing import Any

from grader.run.compat._base import CompatContext
from grader.run.compat._imports import on_import

LONGEST_SLEEP = 1.0
"""Seconds that a notebook may sleep at a time."""


def before_imports(context: CompatContext) -> None:
    """Let nothing wait."""
    ask = refuse(context, "input")
    secret = refuse(context, "getpass")
    kernel = getattr(context.shell, "kernel", None)
    if kernel is not None:  # ipykernel puts its own functions in place before each cell
        context.patch(kernel, "raw_input", ask)
        context.patch(kernel, "getpass", secret)
    context.patch(builtins, "input", ask)
    context.patch(getpass, "getpass", secret)
    context.wrap(time, "sleep", lambda original: sleep_of(context, original))
    for name in ("open", "open_new", "open_new_tab"):
        context.patch(webbrowser, name, no_op(context, f"webbrowser.{name}", False))
    on_import(context, "cv2", lambda module: no_windows(context, module))
    on_import(
        context, "matplotlib", lambda module: context.wrap(module, "use", lambda original: use_of(context, original))
    )


def refuse(context: CompatContext, name: str) -> Callable[..., str]:
    """A function that says why it cannot ask."""

    def function(prompt: object = "", *args: Any, **kwargs: Any) -> str:
        context.say(f"`{name}()` waits for somebody at the keyboard; there is nobody.")
        raise EOFError(f"`{name}()` waits for somebody at the keyboard; in an automatic run there is nobody.")

    return function


def no_op(context: CompatContext, name: str, result: Any = None) -> Callable[..., Any]:
    """A function that does nothing and says so."""

    def function(*args: Any, **kwargs: Any) -> Any:
        context.say(f"`{name}` does nothing here.")
        return result

    return function


def sleep_of(context: CompatContext, original: Callable[[float], None]) -> Callable[[float], None]:
    """`time.sleep` that is short in the notebook's own thread; libraries' threads keep theirs."""

    def sleep(seconds: float) -> None:
        if seconds > LONGEST_SLEEP and threading.current_thread() is threading.main_thread():
            context.say(f"`time.sleep({seconds:g})` was shortened to {LONGEST_SLEEP:g} s.")
            seconds = LONGEST_SLEEP
        original(seconds)

    return sleep


def no_windows(context: CompatContext, module: ModuleType) -> None:
    """OpenCV's windows."""
    for name, result in {"imshow": None, "waitKey": -1, "destroyAllWindows": None, "namedWindow": None}.items():
        context.patch(module, name, no_op(context, f"cv2.{name}", result))


def use_of(context: CompatContext, original: Callable[..., None]) -> Callable[..., None]:
    """`matplotlib.use` that stays with what can draw without a screen."""

    def use(backend: str, *args: Any, **kwargs: Any) -> None:
        if "inline" in backend or backend.lower() in ("agg", "svg", "pdf", "ps", "cairo"):
            original(backend, *args, **kwargs)
        else:
            context.say(f"`matplotlib.use({backend!r})` does nothing here: there is no screen.")

    return use

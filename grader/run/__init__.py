"""The only package that executes a student's code: a notebook goes in, an `Execution` comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.run.execution import CellOutcome, Execution
    from grader.run.notebook import RunRequest, run_notebook

__all__ = ["CellOutcome", "Execution", "RunRequest", "run_notebook"]

FOUND_IN = {"CellOutcome": "execution", "Execution": "execution", "RunRequest": "notebook", "run_notebook": "notebook"}


def __getattr__(name: str) -> Any:
    # Kernels and their monitors import parts of this package, and should not wait for what runs notebooks.
    if name not in FOUND_IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{FOUND_IN[name]}"), name)

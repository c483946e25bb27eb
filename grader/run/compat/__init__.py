"""Copes with what real notebooks contain: one file a hazard.

A module of this package whose name has no leading underscore is a hazard; `_base` has the contract.
"""

from __future__ import annotations

import importlib
import pkgutil

from grader.run.compat._base import CompatContext, Stage

__all__ = ["CompatContext", "Stage", "hazards", "install"]


def hazards() -> list[str]:
    """Names of all hazards, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def install(context: CompatContext, stage: Stage) -> None:
    """Run one stage of every hazard.

    A hazard that cannot be installed is noted and costs only its own help: the notebook still runs.
    """
    for name in hazards():
        step = getattr(importlib.import_module(f"{__name__}.{name}"), stage, None)
        if step is None:
            continue
        try:
            step(context)
        except Exception as exc:  # whatever a library of another version trips over
            context.say(f"The grader's help with {name.replace('_', ' ')} is off: {type(exc).__name__}: {exc}.")

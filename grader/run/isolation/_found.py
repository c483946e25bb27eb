"""The tiers: whatever module of this package has one."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from pathlib import Path

from grader.run.isolation._base import Isolation

__all__ = ["tier_named", "tiers"]


@functools.cache
def tiers() -> tuple[Isolation, ...]:
    """All of them, the strongest first."""
    found: list[Isolation] = []
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if not module.name.startswith("_"):
            loaded = importlib.import_module(f"grader.run.isolation.{module.name}")
            kinds = [getattr(loaded, name) for name in loaded.__all__]
            found += [kind() for kind in kinds if isinstance(kind, type) and issubclass(kind, Isolation)]
    return tuple(sorted(found, key=lambda tier: -tier.strength))


def tier_named(name: str) -> Isolation:
    """The tier of this name."""
    return next(tier for tier in tiers() if tier.name == name)

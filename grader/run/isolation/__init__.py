"""Keeping a submission's process to itself: one file a tier, one interface."""

from grader.run.isolation._base import Isolation
from grader.run.isolation.bare import Bare

__all__ = ["Isolation", "strongest"]


def strongest() -> Isolation:
    """The best tier that this machine offers."""
    return Bare()

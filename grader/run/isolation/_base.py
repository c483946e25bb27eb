"""What a tier of isolation is. One file a tier."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

__all__ = ["Isolation"]


class Isolation(ABC):
    """How a kernel's process is kept from what is none of its business."""

    name: ClassVar[str]
    """Written in every report, e.g. ``bare``."""
    summary: ClassVar[str]
    """One sentence for `grader doctor`: what it stops and what not."""

    @abstractmethod
    def confine(self, memory: int) -> None:
        """Restrict the process that calls this, and all that it will start, for good.

        Args:
            memory: most that it may allocate, in bytes.
        """

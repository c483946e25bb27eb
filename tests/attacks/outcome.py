"""What came of an attack."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Outcome"]


@dataclass
class Outcome:
    """What came of one attack."""

    attack: str
    came_of_it: str
    """``stopped``: it got nothing. ``contained``: it got as much as everybody may have. ``not stopped``. Of a forgery
    ``not claimed``: it is not found out, and the report does not say that there was none."""
    known: bool = False
    """Whether this tier is known not to stop it."""
    told: str = ""
    """What it saw, or why it counts as not stopped."""

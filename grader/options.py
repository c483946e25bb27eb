"""What the caller may decide about one run. Light to import: the command line is read before all else is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Options", "ReplayPolicy"]

ReplayPolicy = Literal["auto", "always", "never"]


@dataclass(frozen=True)
class Options:
    """What the caller may decide about one run.

    Args:
        keras: overrides the assignment's `keras`.
        training: overrides the assignment's `training`.
        isolation: how strong the walls around the notebook must be: ``auto`` (the strongest that this machine
            offers), ``strict`` (none but full ones), ``none``, or the name of a tier.
        replay: overrides the assignment's `replay`.
        keep_weights: folder to keep the recorder's journal and arrays in; None: they go once examined.
    """

    keras: Literal["auto", "2", "3"] | None = None
    training: Literal["bounded", "full"] | None = None
    isolation: str = "auto"
    replay: ReplayPolicy | None = None
    keep_weights: Path | None = None

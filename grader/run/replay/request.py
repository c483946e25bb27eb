"""What a replay is asked: which models to rebuild, with which weights and flags, and what to measure of them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

__all__ = ["ANSWERS", "MOST_OUTPUTS", "Item", "Part", "Request", "weights_name"]

ANSWERS = "answers.jsonl"
"""The child writes a line for each item here, and one for what it could not do."""
MOST_OUTPUTS = 10
"""Of one image, that are told."""


@dataclass(frozen=True)
class Part:
    """A model to rebuild.

    Args:
        config: JSON, as `grader.examine.allowed` let it pass.
        tree: its layers: ``{"number", "name", "own": [[key, shape], ...], "layers": [...]}``.
        entry: number of the layer that images reach when they reach the base.
    """

    config: str
    tree: dict[str, Any]
    entry: int | None


@dataclass(frozen=True)
class Item:
    """One measurement.

    Args:
        part: which model, by its place in `Request.parts`.
        weights: which file of arrays (`weights_name`).
        frozen_layers: numbers of the layers whose own `trainable` is False; of all others it is True.
        frozen_weights: keys of the weights that a flag of their own keeps from training.
        modes: ask for answers under these values of `training`; empty: make a step of training.
    """

    part: int
    weights: int
    frozen_layers: tuple[int, ...]
    frozen_weights: tuple[str, ...]
    modes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """All that the child is told.

    Args:
        application: name in `keras.applications`, whose preprocessing is tried on the images.
        image_size: height and width for models that do not say theirs.
    """

    flavour: Literal["2", "3"]
    application: str
    image_size: tuple[int, int]
    parts: tuple[Part, ...]
    items: tuple[Item, ...]

    def write(self, folder: Path) -> None:
        """Store as JSON."""
        (folder / "request.json").write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Request:
        """Load what `write` stored."""
        data = json.loads((folder / "request.json").read_text(encoding="utf-8"))
        items = [
            Item(entry["part"], entry["weights"], *(tuple(entry[name]) for name in NAMES)) for entry in data["items"]
        ]
        return cls(
            flavour=data["flavour"],
            application=data["application"],
            image_size=tuple(data["image_size"]),
            parts=tuple(Part(**part) for part in data["parts"]),
            items=tuple(items),
        )


NAMES = ("frozen_layers", "frozen_weights", "modes")


def weights_name(number: int) -> str:
    """The file with these arrays."""
    return f"weights-{number}.safetensors"

"""The model around its base: which images it takes, and its head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from grader.examine.bases import FoundBase
from grader.examine.heads import describe_head, resized_to
from grader.examine.journal import Journal, ModelEvent
from grader.examine.wiring import steps_around

__all__ = ["outline"]


def outline(journal: Journal, folder: Path, model: ModelEvent, base: FoundBase) -> dict[str, Any]:
    """Fields of `grader.evidence.Model`: `head`, `input_shape`, `resized`."""
    before, after = steps_around(journal, folder, model, base)
    container = journal.model(base.number if base.number is not None else base.application.model)
    images = image_shape(model.input_shape) or image_shape(container.input_shape if container else None)
    features = container.output_shape if container else None
    return {
        "head": describe_head(after, base, model, features),
        "input_shape": images,
        "resized": resized_to(before),
    }


def image_shape(shape: tuple[int | None, ...] | None) -> tuple[int | None, ...] | None:
    """Height, width and channels; None where these are no images."""
    return shape[1:] if shape and len(shape) == 4 else None

"""Which pixel values a pretrained network expects, measured with the preprocessing that comes with it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from grader.run.recorder.values import rounded

__all__ = ["example_images", "expectation", "preprocessing_of"]

EXAMPLES = 8
SIDE = 64
"""Height and width that examples are read at: enough for their range."""
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif")


def preprocessing_of(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """The `preprocess_input` of the module that this function of `keras.applications` comes from."""
    return getattr(sys.modules.get(function.__module__), "preprocess_input", None)


def expectation(function: Callable[..., Any], arguments: dict[str, Any], images: np.ndarray | None) -> dict[str, Any]:
    """What the network built by this call expects, as facts for the journal.

    Args:
        function: of `keras.applications`.
        arguments: all that it was called with.
        images: examples from 0 to 255.
    """
    preprocess = preprocessing_of(function)
    if preprocess is None:
        return {"unknown": "Its module has no `preprocess_input` to measure with."}
    if arguments.get("include_preprocessing") is False:
        return {
            "unknown": "It was built with `include_preprocessing=False`, so `preprocess_input` does not apply to it."
        }
    ends = np.stack([np.zeros((4, 4, 3), np.float32), np.full((4, 4, 3), 255.0, np.float32)])
    made = np.asarray(preprocess(ends.copy()), np.float64)
    facts: dict[str, Any] = {
        "by": f"{function.__module__.rsplit('.', 1)[-1]}.preprocess_input",
        "low": rounded(made.min(axis=(0, 1, 2))),
        "high": rounded(made.max(axis=(0, 1, 2))),
    }
    if images is not None:
        right = np.asarray(preprocess(images.astype(np.float32)), np.float64)
        facts["spread"] = rounded(right.std(axis=(0, 1, 2)))
        facts["examples"] = [rounded([image.min(), image.max()]) for image in right]
    return facts


def example_images(folder: Path, size: tuple[int, int] = (SIDE, SIDE), count: int = EXAMPLES) -> np.ndarray | None:
    """Some images from sub-folders of this folder, of each in turn, from 0 to 255; None where there are none."""
    from PIL import Image

    by_class = [
        sorted(path for path in sub.iterdir() if path.suffix.lower() in ENDINGS)
        for sub in sorted(folder.glob("*/"))
        if sub.is_dir()
    ]
    longest = max((len(paths) for paths in by_class), default=0)
    paths = [paths[index] for index in range(longest) for paths in by_class if index < len(paths)]
    images = []
    for path in paths[:count]:
        with Image.open(path) as image:
            # Nearest, because any other way would take the edge off the darkest and the brightest pixels.
            images.append(np.asarray(image.convert("RGB").resize((size[1], size[0]), Image.Resampling.NEAREST)))
    return np.stack(images) if images else None

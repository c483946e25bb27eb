"""Pixel values in a few numbers, and the scale that images were given in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

__all__ = ["as_array", "in_scale_of", "rounded", "summary"]

MOST_CHANNELS = 4
SLACK = 0.05
"""How far beyond an end of its range a scale may go, as a share of the range: interpolation rings."""


def rounded(values: Iterable[Any]) -> list[float]:
    """Six significant digits of each."""
    return [float(f"{float(value):.6g}") for value in values]


def as_array(value: Any) -> np.ndarray | None:
    """The images in an eager tensor or an array; None for whatever else a layer may be called with."""
    read = getattr(value, "numpy", None)
    if read is None and not isinstance(value, np.ndarray):
        return None
    array = np.asarray(read() if read is not None else value)
    is_images = array.ndim == 4 and array.size > 0 and array.shape[-1] <= MOST_CHANNELS and array.dtype.kind in "fiu"
    return array if is_images else None


def summary(images: np.ndarray) -> dict[str, Any] | None:
    """Range, mean and spread of each channel; None where a value is no number."""
    values = images.astype(np.float32, copy=False)
    axes = (0, 1, 2)
    if not np.isfinite(values).all():
        return None
    return {
        "low": rounded(values.min(axis=axes)),
        "high": rounded(values.max(axis=axes)),
        "mean": rounded(values.mean(axis=axes, dtype=np.float64)),
        "spread": rounded(values.std(axis=axes, dtype=np.float64)),
        "images": len(values),
    }


def in_scale_of(
    images: np.ndarray, low: float, high: float, preprocess: Callable[..., Any] | None = None
) -> np.ndarray | None:
    """Images from 0 to 255 in the scale of others that lie between `low` and `high`.

    Args:
        preprocess: of the application; tried where none of the usual scales fits.

    Returns:
        None where it cannot be told what was done to the others.
    """
    raw = images.astype(np.float32)
    if within(low, high, 0, 255) and high > 2:
        return raw
    if within(low, high, 0, 1) and high > 0.1:
        return raw / 255.0
    if within(low, high, -1, 1) and high - low > 0.2:
        return raw / 127.5 - 1.0
    if preprocess is None:
        return None
    made = np.asarray(preprocess(raw.copy()), np.float32)
    return made if within(low, high, -130, 155) and high - low > 2 and made.min() < 0 else None


def within(low: float, high: float, least: float, most: float) -> bool:
    """Whether the range lies in another, with some slack."""
    slack = SLACK * (most - least)
    return low >= least - slack and high <= most + slack

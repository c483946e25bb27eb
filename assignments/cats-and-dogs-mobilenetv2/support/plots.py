"""Pictures and curves for the notebook. Whatever they are given, they draw what they can and never stop it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

__all__ = ["plot_history", "show_images"]

SHOWN = 9
"""Most pictures in one figure."""


def show_images(images: Any, titles: Any = ()) -> None:
    """Show the first images of a batch, each with its title if there is one."""
    pictures = safely(None, first_pictures, images)
    if pictures is None:
        print("These are no pictures yet.")
        return
    if not pictures:
        print("There is no picture to show yet.")
        return
    names = safely([], lambda: [str(title) for title in titles])
    rows = -(-len(pictures) // 3)
    plt.figure(figsize=(8, 3 * rows))
    for place, picture in enumerate(pictures):
        plt.subplot(rows, 3, place + 1)
        plt.imshow(picture)
        plt.title(names[place] if place < len(names) else "")
        plt.axis("off")
    plt.show()


def safely(default: Any, function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function returns, or `default` where it raises: students give it whatever they have by then."""
    try:
        return function(*arguments)
    except Exception:  # what is no batch, no list or no history raises whatever it likes
        return default


def first_pictures(images: Any) -> list[np.ndarray]:
    """As many pictures as are shown in one figure."""
    return [as_picture(image) for image, _ in zip(images, range(SHOWN), strict=False)]


def as_picture(image: Any) -> np.ndarray:
    """Pixels from 0 to 255 as whole numbers.

    Raises:
        ValueError: it is no image with three channels.
    """
    pixels = np.asarray(image, dtype="float32")
    if pixels.ndim != 3 or pixels.shape[-1] != 3:
        raise ValueError(f"no image: {pixels.shape}")
    return pixels.clip(0, 255).astype("uint8")


def plot_history(*histories: Any) -> None:
    """Plot accuracy and loss of one training after the other."""
    names = ("accuracy", "loss")
    curves = {name: joined(histories, name) for name in (*names, *(f"val_{name}" for name in names))}
    if not any(curves.values()):
        print("There is no training to plot yet.")
        return
    plt.figure(figsize=(8, 6))
    for place, name in enumerate(names, start=1):
        plt.subplot(2, 1, place)
        plt.plot(curves[name], label="training")
        plt.plot(curves[f"val_{name}"], label="validation")
        for end in ends(histories)[:-1]:
            plt.axvline(end - 0.5, color="grey", linestyle=":")
        plt.ylabel(name)
        plt.legend()
    plt.xlabel("epoch")
    plt.show()


def recorded(history: Any, name: str) -> list[float]:
    """One curve of a `History`; empty for what is none, or has no such curve."""
    values = safely(None, getattr, history, "history")
    return safely([], lambda: [float(value) for value in values[name]])


def joined(histories: Iterable[Any], name: str) -> list[float]:
    """One curve through all trainings."""
    return [value for history in histories for value in recorded(history, name)]


def ends(histories: Iterable[Any]) -> list[int]:
    """After how many epochs each training ended."""
    total, found = 0, []
    for history in histories:
        total += len(recorded(history, "loss"))
        found.append(total)
    return found

"""What each assignment's images show: its classes, and how one image is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from drawing.alpacas import alpaca
from drawing.backgrounds import BACKGROUNDS
from drawing.canvas import Canvas
from drawing.cats_and_dogs import cat, dog
from drawing.flowers import daisy, sunflower, tulip
from drawing.things import thing

__all__ = ["SCENES", "Scene"]


@dataclass(frozen=True)
class Scene:
    """The images of one assignment. All classes stand before the same backgrounds: only the subject tells them apart.

    Args:
        seed: of everything random.
        count: number of committed images, all classes together.
        size: width and height of an image in pixels.
        subjects: for each class, what draws image number so and so on a canvas.
    """

    seed: int
    count: int
    size: int
    subjects: dict[str, Callable[[Canvas, int], None]]

    def draw(self, kind: str, number: int, seed: int | None = None) -> Image.Image:
        """Image `number` (from 0) of class `kind`, RGB."""
        chosen = self.seed if seed is None else seed
        c = Canvas(np.random.default_rng([chosen, list(self.subjects).index(kind), number]), self.size)
        BACKGROUNDS[int(c.rng.integers(len(BACKGROUNDS)))](c)
        self.subjects[kind](c, number)
        return c.image.resize((self.size, self.size), Image.Resampling.BOX).filter(ImageFilter.UnsharpMask(0.6, 40, 0))

    def draw_all(self, out: Path, count: int | None = None, seed: int | None = None) -> list[Path]:
        """Write `count` PNG files, as many of each class, into one folder a class below `out`."""
        total = self.count if count is None else count
        written = []
        for place, kind in enumerate(self.subjects):
            folder = out / kind
            folder.mkdir(parents=True, exist_ok=True)
            for number in range((total + place) // len(self.subjects)):
                path = folder / f"{kind.replace(' ', '-')}-{number + 1:03}.png"
                self.draw(kind, number, seed).save(path, optimize=True)
                written.append(path)
        return written


SCENES: dict[str, Scene] = {
    "alpaca-mobilenetv2": Scene(2021, 40, 160, {"alpaca": alpaca, "not alpaca": thing}),
    "cats-and-dogs-mobilenetv2": Scene(2022, 40, 160, {"cat": cat, "dog": dog}),
    "flowers-efficientnetv2b0": Scene(2023, 42, 128, {"daisy": daisy, "sunflower": sunflower, "tulip": tulip}),
}

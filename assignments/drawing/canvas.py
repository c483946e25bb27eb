"""A square to draw on, in coordinates from 0 to 1, and the colours that everything shares."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw

__all__ = ["BRIGHTS", "INK", "Canvas", "Colour", "Point", "shade"]

SCALE = 4
"""Everything is drawn this many times larger and then shrunk, which smooths the edges."""

Colour = tuple[int, int, int]
Point = tuple[float, float]

BRIGHTS: tuple[Colour, ...] = (
    (214, 69, 65),
    (38, 128, 150),
    (238, 166, 38),
    (120, 84, 160),
    (64, 140, 84),
    (226, 110, 150),
)
INK: Colour = (48, 36, 36)


def shade(colour: Colour, factor: float) -> Colour:
    """The colour darkened (factor below 1) or lightened towards white (above 1)."""
    if factor <= 1:
        return tuple(round(part * factor) for part in colour)  # type: ignore[return-value]
    return tuple(round(part + (255 - part) * (factor - 1)) for part in colour)  # type: ignore[return-value]


class Canvas:
    """A square to draw on, with coordinates from 0 to 1, x to the right and y downwards.

    Subjects are drawn through a view: a scale about the point where they stand, and a mirror.
    """

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self.rng = rng
        self.pixels = size * SCALE
        self.image = Image.new("RGB", (self.pixels, self.pixels))
        self.pen = ImageDraw.Draw(self.image)
        self.view(1.0, (0.0, 0.0), mirrored=False)

    def view(self, scale: float, shift: Point, mirrored: bool) -> None:
        """Set the view: scale about (0.5, 0.85), then shift, then mirror left and right."""
        self.scale, self.shift, self.mirrored = scale, shift, mirrored

    def place(self, x: float, y: float) -> Point:
        """Pixels of a point."""
        x = 0.5 + (x - 0.5) * self.scale + self.shift[0]
        y = 0.85 + (y - 0.85) * self.scale + self.shift[1]
        return ((1 - x if self.mirrored else x) * self.pixels, y * self.pixels)

    def pick(self, choices: tuple[Colour, ...]) -> Colour:
        """One of the colours."""
        return choices[int(self.rng.integers(len(choices)))]

    def polygon(self, points: Iterable[Point], colour: Colour) -> None:
        """A filled polygon."""
        self.pen.polygon([self.place(*point) for point in points], fill=colour)

    def line(self, points: Iterable[Point], colour: Colour, width: float) -> None:
        """A line with round joints."""
        self.pen.line(
            [self.place(*p) for p in points],
            fill=colour,
            width=max(1, round(width * self.scale * self.pixels)),
            joint="curve",
        )

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour, turn: float = 0.0) -> None:
        """A filled ellipse about (x, y), turned by so many degrees."""
        a = math.radians(turn)
        steps = [2 * math.pi * k / 48 for k in range(48)]
        self.polygon(
            [
                (
                    x + rx * math.cos(t) * math.cos(a) - ry * math.sin(t) * math.sin(a),
                    y + rx * math.cos(t) * math.sin(a) + ry * math.sin(t) * math.cos(a),
                )
                for t in steps
            ],
            colour,
        )

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """A filled rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def fluff(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        """A woolly ellipse: tufts all round, shadow below, and curls on top."""
        count = max(9, round(38 * (rx + ry)))
        tuft = 0.34 * min(rx, ry)
        angles = [2 * math.pi * (k + float(self.rng.uniform(-0.2, 0.2))) / count for k in range(count)]
        for t in sorted(angles, key=lambda t: -math.sin(t)):
            tone = shade(colour, 0.93) if math.sin(t) > 0.25 else colour
            self.ellipse(x + (rx - tuft * 0.6) * math.cos(t), y + (ry - tuft * 0.6) * math.sin(t), tuft, tuft, tone)
        self.ellipse(x, y, rx - tuft * 0.5, ry - tuft * 0.5, colour)
        self.ellipse(x, y - ry * 0.16, rx * 0.8, ry * 0.68, shade(colour, 1.18))
        for _ in range(max(2, round(46 * rx * ry * 10))):
            t, r = float(self.rng.uniform(0, 2 * math.pi)), float(self.rng.uniform(0.1, 0.72))
            cx, cy, w = x + rx * r * math.cos(t), y + ry * r * math.sin(t), tuft * 0.34
            curl = [(cx + w * math.cos(k / 6 * math.pi), cy + w * 0.8 * math.sin(k / 6 * math.pi)) for k in range(7)]
            self.line(curl, shade(colour, 0.9), 0.006)

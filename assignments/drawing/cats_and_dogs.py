"""Cats and dogs: sitting, walking to the right, or close by. They stand at y = 0.9."""

from __future__ import annotations

import math
from collections.abc import Callable

from drawing.canvas import BRIGHTS, INK, Canvas, Colour, Point, shade

__all__ = ["cat", "dog"]

Face = Callable[[Canvas, float, float, float, Colour], None]

CATS: tuple[Colour, ...] = ((226, 146, 66), (88, 84, 92), (176, 172, 170), (244, 236, 222), (120, 92, 72))
DOGS: tuple[Colour, ...] = ((196, 142, 84), (118, 78, 52), (240, 226, 196), (74, 68, 70), (214, 176, 128))
EYES: tuple[Colour, ...] = ((142, 190, 84), (232, 186, 64), (104, 172, 204))


def cat_face(c: Canvas, x: float, y: float, r: float, fur: Colour) -> None:
    """A cat's head of radius `r`: pointed ears, slit eyes, whiskers, stripes on some."""
    for side in (-1, 1):
        tip = (x + side * 0.82 * r, y - 1.32 * r)
        c.polygon([(x + side * 0.1 * r, y - 0.75 * r), tip, (x + side * 0.97 * r, y - 0.1 * r)], shade(fur, 0.86))
        c.polygon(
            [
                (x + side * 0.32 * r, y - 0.74 * r),
                (x + side * 0.77 * r, y - 1.12 * r),
                (x + side * 0.82 * r, y - 0.38 * r),
            ],
            (232, 164, 158),
        )
    c.ellipse(x, y, r, 0.86 * r, fur)
    if c.rng.random() < 0.6:
        for dx in (-0.26, 0.0, 0.26):
            c.line([(x + dx * r, y - 0.8 * r), (x + 0.8 * dx * r, y - 0.42 * r)], shade(fur, 0.7), 0.09 * r)
    c.ellipse(x, y + 0.38 * r, 0.46 * r, 0.32 * r, shade(fur, 1.55))
    iris = c.pick(EYES)
    for side in (-1, 1):
        c.ellipse(x + side * 0.42 * r, y - 0.08 * r, 0.21 * r, 0.19 * r, iris)
        c.ellipse(x + side * 0.42 * r, y - 0.08 * r, 0.065 * r, 0.18 * r, INK)
        for k in (-1, 0, 1):
            start = (x + side * 0.3 * r, y + (0.34 + 0.05 * k) * r)
            c.line([start, (x + side * 1.2 * r, y + (0.3 + 0.2 * k) * r)], shade(fur, 0.55), 0.026 * r)
    c.polygon([(x - 0.11 * r, y + 0.2 * r), (x + 0.11 * r, y + 0.2 * r), (x, y + 0.33 * r)], (222, 122, 124))
    c.line([(x, y + 0.33 * r), (x - 0.14 * r, y + 0.47 * r)], INK, 0.035 * r)
    c.line([(x, y + 0.33 * r), (x + 0.14 * r, y + 0.47 * r)], INK, 0.035 * r)


def dog_face(c: Canvas, x: float, y: float, r: float, fur: Colour) -> None:
    """A dog's head of radius `r`: hanging ears, round eyes, a long muzzle, a tongue on some."""
    c.ellipse(x, y, 0.86 * r, 0.9 * r, fur)
    if c.rng.random() < 0.5:
        c.ellipse(x + 0.36 * r, y - 0.14 * r, 0.3 * r, 0.34 * r, shade(fur, 0.66))
    if c.rng.random() < 0.6:
        c.ellipse(x, y + 0.98 * r, 0.18 * r, 0.3 * r, (232, 112, 124))
    c.ellipse(x, y + 0.5 * r, 0.52 * r, 0.48 * r, shade(fur, 1.5))
    for side in (-1, 1):
        c.ellipse(x + side * 0.9 * r, y + 0.02 * r, 0.25 * r, 0.66 * r, shade(fur, 0.72), side * 14)
        c.ellipse(x + side * 0.36 * r, y - 0.12 * r, 0.12 * r, 0.13 * r, INK)
        c.ellipse(x + side * 0.36 * r + 0.04 * r, y - 0.17 * r, 0.04 * r, 0.04 * r, (255, 255, 255))
    c.ellipse(x, y + 0.28 * r, 0.23 * r, 0.17 * r, INK)
    c.line([(x, y + 0.4 * r), (x, y + 0.66 * r)], INK, 0.05 * r)
    smile = [(x + 0.3 * r * k, y + (0.66 + 0.12 * (1 - k * k)) * r) for k in (-1, -0.5, 0, 0.5, 1)]
    c.line(smile, INK, 0.05 * r)


def collar(c: Canvas, x: float, y: float, width: float) -> None:
    """A coloured collar with a tag, for some."""
    if c.rng.random() < 0.5:
        c.line([(x - width, y), (x, y + 0.025), (x + width, y)], c.pick(BRIGHTS), 0.035)
        c.ellipse(x, y + 0.05, 0.022, 0.022, (244, 204, 92))


def tail(start: Point, end: Point, curl: float) -> list[Point]:
    """A tail's line from the body to its tip; cats curl theirs."""
    steps = [k / 12 for k in range(13)]
    return [
        (
            start[0] + (end[0] - start[0]) * f + curl * math.sin(2 * math.pi * f),
            start[1] + (end[1] - start[1]) * f,
        )
        for f in steps
    ]


def sitting(c: Canvas, fur: Colour, face: Face, curl: float) -> None:
    """From the front, on its haunches."""
    c.line(tail((0.62, 0.84), (0.84, 0.52), curl), shade(fur, 0.82), 0.05)
    for side in (-1, 1):
        c.ellipse(0.5 + side * 0.15, 0.8, 0.12, 0.1, shade(fur, 0.86))
    c.ellipse(0.5, 0.7, 0.19, 0.22, fur)
    c.ellipse(0.5, 0.68, 0.1, 0.14, shade(fur, 1.45))
    for side in (-1, 1):
        c.line([(0.5 + side * 0.07, 0.68), (0.5 + side * 0.075, 0.87)], shade(fur, 0.92), 0.06)
        c.ellipse(0.5 + side * 0.08, 0.885, 0.052, 0.028, shade(fur, 1.3))
    collar(c, 0.5, 0.52, 0.1)
    face(c, 0.5, 0.36, 0.19, fur)


def walking(c: Canvas, fur: Colour, face: Face, curl: float) -> None:
    """From the side, to the right, looking at us."""
    c.line(tail((0.24, 0.56), (0.1, 0.26), curl), shade(fur, 0.82), 0.045)
    for x, tone in ((0.3, 0.72), (0.64, 0.72), (0.23, 0.9), (0.57, 0.9)):
        step = float(c.rng.uniform(-0.03, 0.03))
        c.line([(x, 0.62), (x + step, 0.87)], shade(fur, tone), 0.06)
        c.ellipse(x + step + 0.015, 0.885, 0.042, 0.024, shade(fur, 1.3 * tone))
    c.ellipse(0.43, 0.6, 0.26, 0.13, fur)
    c.ellipse(0.42, 0.66, 0.19, 0.06, shade(fur, 1.35))
    collar(c, 0.68, 0.54, 0.075)
    face(c, 0.7, 0.42, 0.155, fur)


def portrait(c: Canvas, fur: Colour, face: Face, curl: float) -> None:
    """Head and shoulders, close by."""
    c.ellipse(0.5, 1.02, 0.36, 0.3, shade(fur, 0.92))
    c.ellipse(0.5, 1.02, 0.17 + curl, 0.26, shade(fur, 1.4))
    collar(c, 0.5, 0.78, 0.17)
    face(c, 0.5, 0.5, 0.31, fur)


POSES: tuple[Callable[[Canvas, Colour, Face, float], None], ...] = (sitting, walking, portrait)


def animal(c: Canvas, number: int, fur: Colour, face: Face, curl: float) -> None:
    """One animal somewhere in the picture, in the pose of this number."""
    x, y = (float(v) for v in c.rng.uniform((-0.09, -0.02), (0.09, 0.04)))
    c.view(float(c.rng.uniform(0.75, 1.05)), (x, y), bool(c.rng.integers(2)))
    POSES[number % len(POSES)](c, fur, face, curl)


def cat(c: Canvas, number: int) -> None:
    """A cat."""
    animal(c, number, c.pick(CATS), cat_face, 0.05)


def dog(c: Canvas, number: int) -> None:
    """A dog."""
    animal(c, number, c.pick(DOGS), dog_face, 0.0)

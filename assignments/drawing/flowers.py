"""Daisies, sunflowers and tulips, one to three in a picture. They grow from y = 0.95."""

from __future__ import annotations

import math
from collections.abc import Callable

from drawing.canvas import BRIGHTS, Canvas, Colour, shade

__all__ = ["daisy", "sunflower", "tulip"]

Bloom = Callable[[Canvas, float, float], None]

GREENS: tuple[Colour, ...] = ((74, 142, 74), (98, 150, 62), (58, 124, 92))
TULIPS: tuple[Colour, ...] = (*(BRIGHTS[k] for k in (0, 2, 3, 5)), (246, 240, 232))


def petals(c: Canvas, x: float, y: float, reach: float, count: int, width: float, colour: Colour) -> None:
    """A ring of petals about (x, y)."""
    start = float(c.rng.uniform(0, 360 / count))
    for k in range(count):
        turn = start + 360 * k / count
        a = math.radians(turn)
        tone = shade(colour, 0.93 if k % 2 else 1.0)
        c.ellipse(x + 0.62 * reach * math.cos(a), y + 0.62 * reach * math.sin(a), 0.42 * reach, width, tone, turn)


def daisy_bloom(c: Canvas, x: float, y: float) -> None:
    """White petals, now and then rosy, about a yellow middle."""
    reach = float(c.rng.uniform(0.17, 0.23))
    petals(c, x, y, reach, int(c.rng.integers(11, 16)), 0.028, c.pick(((252, 252, 248), (250, 232, 238))))
    c.ellipse(x, y, 0.33 * reach, 0.31 * reach, (246, 200, 58))
    for _ in range(14):
        a, r = float(c.rng.uniform(0, 2 * math.pi)), float(c.rng.uniform(0, 0.25 * reach))
        c.ellipse(x + r * math.cos(a), y + r * math.sin(a), 0.006, 0.006, (220, 160, 40))


def sunflower_bloom(c: Canvas, x: float, y: float) -> None:
    """Two rings of golden petals about a broad dark disc of seeds."""
    reach = float(c.rng.uniform(0.2, 0.26))
    petals(c, x, y, 1.08 * reach, 17, 0.034, (236, 160, 30))
    petals(c, x, y, 0.94 * reach, 15, 0.036, (252, 200, 44))
    disc = 0.5 * reach
    c.ellipse(x, y, disc, disc, (92, 58, 36))
    for k in range(60):
        r, a = disc * 0.92 * math.sqrt(k / 60), 2.39996 * k
        c.ellipse(x + r * math.cos(a), y + r * math.sin(a), 0.007, 0.007, (142, 96, 52) if k % 3 else (58, 38, 28))


def tulip_bloom(c: Canvas, x: float, y: float) -> None:
    """A closed cup of three petals."""
    colour, h = c.pick(TULIPS), float(c.rng.uniform(0.15, 0.19))
    w = 0.66 * h
    for side in (-1, 1):
        c.polygon(
            [
                (x, y + h),
                (x + side * w, y + 0.5 * h),
                (x + side * 0.95 * w, y - 0.95 * h),
                (x + side * 0.3 * w, y - 0.2 * h),
            ],
            shade(colour, 0.84),
        )
        c.ellipse(x + side * 0.42 * w, y + 0.42 * h, 0.58 * w, 0.58 * h, shade(colour, 0.84))
    c.polygon([(x, y - 1.1 * h), (x + 0.6 * w, y), (x, y + h), (x - 0.6 * w, y)], colour)
    c.ellipse(x, y + 0.32 * h, 0.6 * w, 0.66 * h, colour)
    c.line([(x, y - 0.8 * h), (x, y + 0.5 * h)], shade(colour, 1.3), 0.01)


def plant(c: Canvas, x: float, y: float, bloom: Bloom, leaf: float) -> None:
    """A stem with leaves, and the bloom on top; `leaf` is how long the leaves are."""
    green, foot = c.pick(GREENS), x + float(c.rng.uniform(-0.05, 0.05))
    c.line([(foot, 0.97), ((foot + x) / 2 + 0.015, (0.97 + y) / 2), (x, y)], green, 0.026)
    for side in (-1, 1):
        at = float(c.rng.uniform(0.72, 0.86))
        c.ellipse(foot + side * 0.55 * leaf, at, leaf * 0.6, 0.034, shade(green, 0.88), side * -48)
    bloom(c, x, y)


def bed(c: Canvas, number: int, bloom: Bloom, leaf: float) -> None:
    """One, two or three plants of a kind."""
    places = ((0.5,), (0.3, 0.7), (0.22, 0.52, 0.8))[number % 3]
    c.view(float(c.rng.uniform(0.85, 1.1)), (float(c.rng.uniform(-0.05, 0.05)), 0.02), bool(c.rng.integers(2)))
    for x in places:
        plant(c, x + float(c.rng.uniform(-0.04, 0.04)), float(c.rng.uniform(0.28, 0.55)), bloom, leaf)


def daisy(c: Canvas, number: int) -> None:
    """Daisies."""
    bed(c, number, daisy_bloom, 0.1)


def sunflower(c: Canvas, number: int) -> None:
    """Sunflowers."""
    bed(c, number, sunflower_bloom, 0.2)


def tulip(c: Canvas, number: int) -> None:
    """Tulips."""
    bed(c, number, tulip_bloom, 0.24)

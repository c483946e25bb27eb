"""Alpacas in profile and from the front. In profile they look to the right; their hooves stand at y = 0.9."""

from __future__ import annotations

import math
from collections.abc import Callable

from drawing.canvas import BRIGHTS, INK, Canvas, Colour, Point, shade

__all__ = ["alpaca"]

FLEECES: tuple[Colour, ...] = (
    (250, 241, 222),
    (236, 206, 164),
    (205, 154, 104),
    (146, 96, 62),
    (181, 178, 176),
    (255, 252, 246),
)


def face(c: Canvas, x: float, y: float, fleece: Colour) -> None:
    """Ears, head, topknot, muzzle and eye around (x, y), in profile."""
    skin = shade(fleece, 0.86)
    for dx, turn, tone in ((-0.015, 64, shade(fleece, 0.8)), (-0.062, 112, fleece)):
        c.ellipse(x + dx, y - 0.115, 0.07, 0.024, tone, 180 - turn)
        c.ellipse(x + dx, y - 0.11, 0.045, 0.011, (222, 158, 150), 180 - turn)
    c.ellipse(x + 0.075, y + 0.022, 0.07, 0.05, shade(fleece, 1.3), 8)
    c.ellipse(x, y, 0.092, 0.075, skin, 8)
    c.ellipse(x + 0.085, y + 0.024, 0.054, 0.04, shade(fleece, 1.35), 8)
    c.fluff(x - 0.03, y - 0.055, 0.075, 0.055, fleece)
    c.ellipse(x + 0.128, y + 0.006, 0.011, 0.009, INK)
    c.line([(x + 0.132, y + 0.026), (x + 0.112, y + 0.042), (x + 0.086, y + 0.044)], INK, 0.007)
    c.ellipse(x + 0.03, y - 0.004, 0.017, 0.021, INK)
    c.ellipse(x + 0.035, y - 0.011, 0.006, 0.006, (255, 255, 255))
    c.ellipse(x + 0.02, y + 0.034, 0.02, 0.012, (238, 168, 158))


def neck(c: Canvas, start: Point, end: Point, fleece: Colour) -> None:
    """A long woolly neck from the shoulders to the head."""
    for k in range(8):
        f = k / 7
        bow = 0.025 * math.sin(math.pi * f)
        c.fluff(
            start[0] + (end[0] - start[0]) * f + bow,
            start[1] + (end[1] - start[1]) * f,
            0.092 - 0.024 * f,
            0.075 - 0.014 * f,
            fleece,
        )


def dress(c: Canvas, collar: Point) -> None:
    """A scarf or a row of tassels round the neck, for some."""
    kind, colour = int(c.rng.integers(4)), c.pick(BRIGHTS)
    x, y = collar
    if kind == 0:
        c.line([(x - 0.085, y - 0.02), (x, y + 0.02), (x + 0.085, y - 0.02)], colour, 0.045)
        c.polygon(
            [(x + 0.03, y), (x + 0.085, y - 0.01), (x + 0.1, y + 0.15), (x + 0.05, y + 0.16)], shade(colour, 0.85)
        )
    elif kind == 1:
        for k, dx in enumerate((-0.066, -0.022, 0.022, 0.066)):
            c.ellipse(x + dx, y + 0.014 - abs(dx) * 0.3, 0.021, 0.021, BRIGHTS[(k + int(colour[0])) % len(BRIGHTS)])


def standing(c: Canvas, fleece: Colour) -> None:
    """On four legs, head up."""
    lean = float(c.rng.uniform(-0.03, 0.05))
    for x, tone in ((0.32, 0.78), (0.62, 0.78), (0.25, 0.94), (0.55, 0.94)):
        c.line([(x, 0.62), (x, 0.87)], shade(fleece, tone), 0.06)
        c.fluff(x, 0.7, 0.05, 0.075, shade(fleece, tone))
        c.ellipse(x + 0.012, 0.88, 0.038, 0.022, shade(INK, 1.15))
    c.fluff(0.17, 0.52, 0.05, 0.06, shade(fleece, 0.92))
    c.fluff(0.42, 0.58, 0.25, 0.155, fleece)
    if c.rng.random() < 0.35:
        cloth = c.pick(BRIGHTS)
        c.polygon([(0.33, 0.43), (0.52, 0.43), (0.545, 0.64), (0.305, 0.64)], cloth)
        for k, y in enumerate((0.48, 0.535, 0.59)):
            c.line([(0.325 - 0.006 * k, y), (0.528 + 0.006 * k, y)], shade(cloth, 1.55), 0.014)
    neck(c, (0.6, 0.52), (0.65 + lean, 0.25), fleece)
    dress(c, (0.64 + lean * 0.5, 0.4))
    face(c, 0.68 + lean, 0.2, fleece)


def resting(c: Canvas, fleece: Colour) -> None:
    """Lying with the legs tucked in."""
    c.fluff(0.17, 0.72, 0.05, 0.05, shade(fleece, 0.92))
    c.fluff(0.42, 0.76, 0.28, 0.145, fleece)
    c.ellipse(0.6, 0.885, 0.1, 0.028, shade(fleece, 0.84))
    c.ellipse(0.32, 0.895, 0.09, 0.024, shade(fleece, 0.84))
    neck(c, (0.61, 0.7), (0.66, 0.41), fleece)
    dress(c, (0.65, 0.57))
    face(c, 0.69, 0.36, fleece)


def portrait(c: Canvas, fleece: Colour) -> None:
    """Neck and head from the front, close by."""
    for side in (-1, 1):
        c.ellipse(0.5 + side * 0.155, 0.22, 0.115, 0.042, shade(fleece, 0.9), 90 + side * 24)
        c.ellipse(0.5 + side * 0.152, 0.23, 0.078, 0.02, (226, 164, 156), 90 + side * 24)
    for k in range(7):
        c.fluff(0.5, 1.06 - 0.085 * k, 0.235 - 0.012 * k, 0.12, fleece)
    dress(c, (0.5, 0.8))
    c.fluff(0.5, 0.44, 0.205, 0.2, fleece)
    c.ellipse(0.5, 0.49, 0.15, 0.155, shade(fleece, 0.88))
    c.fluff(0.5, 0.3, 0.165, 0.105, fleece)
    c.ellipse(0.5, 0.56, 0.092, 0.078, shade(fleece, 1.45))
    c.polygon([(0.465, 0.522), (0.535, 0.522), (0.5, 0.56)], INK)
    c.line([(0.5, 0.555), (0.5, 0.585)], INK, 0.009)
    c.line([(0.455, 0.592), (0.478, 0.606), (0.5, 0.588), (0.522, 0.606), (0.545, 0.592)], INK, 0.009)
    for side in (-1, 1):
        c.ellipse(0.5 + side * 0.098, 0.44, 0.027, 0.033, INK)
        c.ellipse(0.5 + side * 0.098 + 0.008, 0.429, 0.01, 0.01, (255, 255, 255))
        c.ellipse(0.5 + side * 0.118, 0.508, 0.03, 0.017, (240, 176, 166))


POSES: tuple[Callable[[Canvas, Colour], None], ...] = (standing, standing, resting, portrait)


def alpaca(c: Canvas, number: int) -> None:
    """One alpaca, sometimes with a second one further off."""
    pose = POSES[number % len(POSES)]
    if pose is standing and c.rng.random() < 0.3:
        c.view(0.42, (float(c.rng.uniform(-0.34, -0.28)), -0.1), bool(c.rng.integers(2)))
        standing(c, c.pick(FLEECES))
    x, y = (float(v) for v in c.rng.uniform((-0.04, -0.01), (0.05, 0.04)))
    c.view(float(c.rng.uniform(0.82, 1.02)), (x, y), bool(c.rng.integers(2)))
    pose(c, c.pick(FLEECES))

"""Where alpacas and other things stand."""

from __future__ import annotations

import math
from collections.abc import Callable

from drawing.canvas import BRIGHTS, Canvas, Colour, shade

__all__ = ["BACKGROUNDS"]


def sky(c: Canvas, top: Colour, bottom: Colour) -> None:
    """A gradient over the whole picture."""
    for row in range(c.pixels):
        f = min(1.0, row / (0.7 * c.pixels))
        c.pen.line(
            [(0, row), (c.pixels, row)], fill=tuple(round(a + (b - a) * f) for a, b in zip(top, bottom, strict=True))
        )


def ground(c: Canvas, level: float, colour: Colour, waves: float = 0.02) -> None:
    """Ground with a gently waving horizon and a few blades or pebbles."""
    phase, bend = float(c.rng.uniform(0, 6)), float(c.rng.uniform(4, 8))
    top = [(x / 40, level + waves * math.sin(bend * x / 40 + phase)) for x in range(41)]
    c.polygon([*top, (1, 1), (0, 1)], colour)
    for _ in range(26):
        x, y = float(c.rng.uniform(0, 1)), float(c.rng.uniform(level + 0.06, 0.99))
        c.line([(x, y), (x + 0.008, y - 0.022), (x + 0.016, y)], shade(colour, 0.86), 0.005)


def clouds(c: Canvas, colour: Colour, count: int) -> None:
    """Flat clouds in the upper third."""
    for _ in range(count):
        x, y, w = (float(v) for v in c.rng.uniform((0.05, 0.06, 0.05), (0.95, 0.3, 0.09)))
        for dx, r in ((-0.9, 0.5), (0, 0.8), (0.9, 0.55)):
            c.ellipse(x + dx * w, y, w * r * 1.3, w * r * 0.6, colour)


def meadow(c: Canvas) -> None:
    """Green hills under a summer sky."""
    sky(c, (126, 190, 232), (222, 240, 246))
    clouds(c, (250, 252, 254), int(c.rng.integers(1, 4)))
    ground(c, 0.6, (150, 190, 120), 0.04)
    ground(c, 0.7, (122, 172, 92))


def andes(c: Canvas) -> None:
    """Mountains with snow."""
    sky(c, (92, 142, 196), (226, 232, 238))
    for k in range(4):
        x, h = 0.1 + 0.28 * k + float(c.rng.uniform(-0.07, 0.07)), float(c.rng.uniform(0.2, 0.42))
        rock = shade((132, 126, 150), 0.84 + 0.1 * (k % 3))
        c.polygon([(x, 0.7 - h), (x - 0.85 * h, 0.72), (x + 0.85 * h, 0.72)], rock)
        d = h * 0.32
        zigzag = [
            (x, 0.7 - h),
            (x - 0.85 * d, 0.7 - h + d),
            (x - 0.3 * d, 0.7 - h + 0.75 * d),
            (x + 0.2 * d, 0.7 - h + 1.1 * d),
            (x + 0.85 * d, 0.7 - h + d),
        ]
        c.polygon(zigzag, (246, 248, 252))
    ground(c, 0.69, (166, 164, 104))


def desert(c: Canvas) -> None:
    """Dunes at dusk."""
    sky(c, (238, 128, 96), (252, 220, 158))
    x, y = (float(v) for v in c.rng.uniform((0.15, 0.2), (0.85, 0.4)))
    c.ellipse(x, y, 0.1, 0.1, (255, 240, 200))
    ground(c, 0.62, (226, 170, 112), 0.05)
    ground(c, 0.72, (210, 148, 92), 0.03)


def night(c: Canvas) -> None:
    """Stars, a moon and dark grass."""
    sky(c, (26, 32, 72), (78, 82, 134))
    for _ in range(40):
        x, y, r = (float(v) for v in c.rng.uniform((0, 0, 0.002), (1, 0.6, 0.006)))
        c.ellipse(x, y, r, r, (248, 244, 214))
    x, y = (float(v) for v in c.rng.uniform((0.12, 0.1), (0.88, 0.22)))
    c.ellipse(x, y, 0.075, 0.075, (250, 242, 206))
    c.ellipse(x + 0.03, y - 0.015, 0.065, 0.065, (36, 42, 84))
    ground(c, 0.7, (52, 84, 84))


def studio(c: Canvas) -> None:
    """A plain wall and floor."""
    wall = shade(c.pick(BRIGHTS), 1.66)
    sky(c, shade(wall, 1.3), wall)
    for _ in range(34):
        x, y = (float(v) for v in c.rng.uniform((0, 0), (1, 0.7)))
        c.ellipse(x, y, 0.012, 0.012, shade(wall, 1.4))
    c.box(0, 0.76, 1, 1, shade(wall, 0.86))


BACKGROUNDS: tuple[Callable[[Canvas], None], ...] = (meadow, andes, desert, night, studio)

"""Things that are no alpaca. They stand on y = 0.88."""

from __future__ import annotations

import math
from collections.abc import Callable

from drawing.canvas import BRIGHTS, INK, Canvas, shade

__all__ = ["thing"]


def house(c: Canvas) -> None:
    """A cottage with a chimney."""
    wall, roof = shade(c.pick(BRIGHTS), 1.72), c.pick(BRIGHTS)
    c.box(0.63, 0.3, 0.7, 0.5, shade(roof, 0.7))
    c.box(0.24, 0.52, 0.76, 0.88, wall)
    c.polygon([(0.17, 0.54), (0.5, 0.26), (0.83, 0.54)], roof)
    c.box(0.33, 0.64, 0.46, 0.88, shade(roof, 0.7))
    c.box(0.56, 0.62, 0.69, 0.75, (250, 232, 160))
    c.line([(0.625, 0.62), (0.625, 0.75)], INK, 0.01)
    c.line([(0.56, 0.685), (0.69, 0.685)], INK, 0.01)


def tree(c: Canvas) -> None:
    """A round tree with fruit."""
    leaf = c.pick(((88, 150, 78), (206, 134, 52), (70, 126, 96)))
    c.polygon([(0.46, 0.55), (0.54, 0.55), (0.57, 0.88), (0.43, 0.88)], (118, 82, 58))
    for x, y, r in ((0.34, 0.48, 0.15), (0.66, 0.48, 0.15), (0.5, 0.33, 0.19), (0.5, 0.52, 0.17)):
        c.ellipse(x, y, r, r, leaf)
    for _ in range(9):
        x, y = (float(v) for v in c.rng.uniform((0.3, 0.26), (0.7, 0.58)))
        c.ellipse(x, y, 0.022, 0.022, BRIGHTS[0])


def fir(c: Canvas) -> None:
    """A fir of three tiers."""
    c.box(0.46, 0.74, 0.54, 0.88, (112, 78, 56))
    for k, width in enumerate((0.28, 0.23, 0.17)):
        y = 0.78 - 0.18 * k
        c.polygon([(0.5 - width, y), (0.5 + width, y), (0.5, y - 0.32)], shade((54, 116, 82), 1 + 0.09 * k))


def car(c: Canvas) -> None:
    """A small car."""
    paint = c.pick(BRIGHTS)
    c.polygon([(0.27, 0.62), (0.36, 0.45), (0.64, 0.45), (0.75, 0.62)], shade(paint, 0.9))
    c.polygon([(0.33, 0.61), (0.39, 0.49), (0.49, 0.49), (0.49, 0.61)], (214, 234, 244))
    c.polygon([(0.52, 0.61), (0.52, 0.49), (0.62, 0.49), (0.69, 0.61)], (214, 234, 244))
    c.ellipse(0.5, 0.7, 0.38, 0.12, paint)
    c.box(0.14, 0.7, 0.86, 0.79, paint)
    c.ellipse(0.84, 0.69, 0.025, 0.025, (255, 240, 170))
    for x in (0.3, 0.7):
        c.ellipse(x, 0.8, 0.088, 0.088, INK)
        c.ellipse(x, 0.8, 0.04, 0.04, (206, 206, 212))


def ball(c: Canvas) -> None:
    """A beach ball."""
    c.ellipse(0.5, 0.88, 0.24, 0.03, (90, 90, 84))
    start = float(c.rng.uniform(0, 60))
    for k in range(6):
        arc = [math.radians(start + 60 * k + step) for step in range(0, 61, 4)]
        tone = BRIGHTS[k // 2] if k % 2 else (250, 248, 240)
        c.polygon([(0.45, 0.55), *((0.5 + 0.26 * math.cos(t), 0.62 + 0.26 * math.sin(t)) for t in arc)], tone)
    c.ellipse(0.45, 0.55, 0.03, 0.03, (250, 248, 240))


def cactus(c: Canvas) -> None:
    """A cactus in flower."""
    green = (74, 142, 92)
    for x, top, side in ((0.3, 0.42, -1), (0.7, 0.34, 1)):
        c.line([(0.5, top + 0.2), (x, top + 0.2), (x, top)], green, 0.085)
        c.ellipse(x, top, 0.042, 0.042, green)
        c.ellipse(x + side * 0.012, top - 0.045, 0.03, 0.022, BRIGHTS[5])
    c.line([(0.5, 0.28), (0.5, 0.88)], green, 0.14)
    c.ellipse(0.5, 0.28, 0.07, 0.07, green)
    for x in (0.47, 0.5, 0.53):
        c.line([(x, 0.27), (x, 0.87)], shade(green, 1.3), 0.006)


def balloon(c: Canvas) -> None:
    """A hot-air balloon."""
    a, b = c.pick(BRIGHTS), (250, 240, 214)
    c.line([(0.38, 0.56), (0.45, 0.74)], INK, 0.007)
    c.line([(0.62, 0.56), (0.55, 0.74)], INK, 0.007)
    for k, rx in enumerate((0.27, 0.2, 0.125, 0.045)):
        c.ellipse(0.5, 0.38, rx, 0.28, a if k % 2 == 0 else b)
    c.box(0.44, 0.73, 0.56, 0.82, (150, 102, 62))


def mushroom(c: Canvas) -> None:
    """A toadstool."""
    c.ellipse(0.5, 0.74, 0.095, 0.17, (246, 234, 212))
    cap = [(0.5 + 0.3 * math.cos(t), 0.6 + 0.3 * math.sin(t)) for t in (math.pi + k * math.pi / 30 for k in range(31))]
    c.polygon(cap, BRIGHTS[0])
    c.ellipse(0.5, 0.6, 0.3, 0.055, shade(BRIGHTS[0], 0.8))
    for x, y, r in ((0.38, 0.48, 0.04), (0.55, 0.4, 0.05), (0.66, 0.53, 0.032), (0.5, 0.54, 0.028)):
        c.ellipse(x, y, r, r * 0.85, (252, 246, 236))


def boat(c: Canvas) -> None:
    """A sailing boat on dry land."""
    sail, hull = shade(c.pick(BRIGHTS), 1.6), c.pick(BRIGHTS)
    c.line([(0.5, 0.2), (0.5, 0.74)], INK, 0.016)
    c.polygon([(0.53, 0.22), (0.53, 0.68), (0.83, 0.68)], sail)
    c.polygon([(0.47, 0.3), (0.47, 0.68), (0.24, 0.68)], shade(sail, 0.9))
    c.polygon([(0.16, 0.73), (0.84, 0.73), (0.72, 0.88), (0.28, 0.88)], hull)
    c.line([(0.2, 0.775), (0.8, 0.775)], shade(hull, 1.6), 0.014)


def lighthouse(c: Canvas) -> None:
    """A striped lighthouse."""
    stripe = c.pick(BRIGHTS)
    for k in range(5):
        low, high = 0.88 - 0.1 * k, 0.88 - 0.1 * (k + 1)
        w, v = 0.16 - 0.017 * k, 0.16 - 0.017 * (k + 1)
        c.polygon(
            [(0.5 - w, low), (0.5 + w, low), (0.5 + v, high), (0.5 - v, high)], (248, 244, 236) if k % 2 else stripe
        )
    c.box(0.42, 0.28, 0.58, 0.38, (252, 234, 150))
    c.line([(0.5, 0.28), (0.5, 0.38)], INK, 0.012)
    c.polygon([(0.39, 0.29), (0.61, 0.29), (0.5, 0.17)], shade(stripe, 0.8))


THINGS: tuple[Callable[[Canvas], None], ...] = (
    house,
    tree,
    car,
    ball,
    cactus,
    balloon,
    mushroom,
    boat,
    lighthouse,
    fir,
)


def thing(c: Canvas, number: int) -> None:
    """One of them, somewhere in the picture."""
    x, y = (float(v) for v in c.rng.uniform((-0.1, -0.02), (0.1, 0.05)))
    c.view(float(c.rng.uniform(0.7, 1.05)), (x, y), bool(c.rng.integers(2)))
    THINGS[number % len(THINGS)](c)

"""Draw the images of the assignment: stylised alpacas, and things that are none.

    python draw_dataset.py                          # the committed images, beside this file
    python draw_dataset.py --count 327 --out /tmp/d # as many as a benchmark wants

Image number `i` of a class depends on the seed, the class and `i` alone, so a larger count begins with the
images of a smaller one. Both classes stand before the same backgrounds: only the subject tells them apart.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from drawing.alpacas import alpaca
from drawing.backgrounds import BACKGROUNDS
from drawing.canvas import SIZE, Canvas
from drawing.things import THINGS
from PIL import Image, ImageFilter

__all__ = ["CLASSES", "COUNT", "SEED", "SIZE", "draw", "draw_dataset"]

SEED = 2021
COUNT = 40
"""Number of committed images, both classes together."""
CLASSES = ("alpaca", "not alpaca")


def draw(kind: str, number: int, seed: int = SEED) -> Image.Image:
    """Image `number` (from 0) of class `kind`, RGB, 160 x 160 pixels."""
    c = Canvas(np.random.default_rng([seed, CLASSES.index(kind), number]))
    BACKGROUNDS[int(c.rng.integers(len(BACKGROUNDS)))](c)
    if kind == "alpaca":
        alpaca(c, number)
    else:
        x, y = (float(v) for v in c.rng.uniform((-0.1, -0.02), (0.1, 0.05)))
        c.view(float(c.rng.uniform(0.7, 1.05)), (x, y), bool(c.rng.integers(2)))
        THINGS[number % len(THINGS)](c)
    return c.image.resize((SIZE, SIZE), Image.Resampling.BOX).filter(ImageFilter.UnsharpMask(0.6, 40, 0))


def draw_dataset(out: Path, count: int = COUNT, seed: int = SEED) -> list[Path]:
    """Write `count` PNG files, half of them alpacas, into one folder a class below `out`."""
    written = []
    for kind, number in zip(CLASSES, (count // 2, count - count // 2), strict=True):
        folder = out / kind
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(number):
            path = folder / f"{kind.replace(' ', '-')}-{index + 1:03}.png"
            draw(kind, index, seed).save(path, optimize=True)
            written.append(path)
    return written


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Draw alpacas, and things that are none.")
    parser.add_argument("--count", type=int, default=COUNT, help="number of images, both classes together")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "dataset", help="folder to write to")
    parser.add_argument("--seed", type=int, default=SEED)
    args = parser.parse_args()
    print(f"{len(draw_dataset(args.out, args.count, args.seed))} images in {args.out}")


if __name__ == "__main__":
    main()

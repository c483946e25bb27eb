"""Draw the images of an assignment: stylised animals, flowers and things before the same backgrounds.

    python assignments/draw_dataset.py alpaca-mobilenetv2                          # the committed images
    python assignments/draw_dataset.py alpaca-mobilenetv2 --count 327 --out /tmp/d # as many as a benchmark wants

Image number `i` of a class depends on the seed, the class and `i` alone, so a larger count begins with the
images of a smaller one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from drawing.scenes import SCENES

__all__ = ["main"]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Draw the images of an assignment.")
    parser.add_argument("assignment", choices=sorted(SCENES), help="whose images")
    parser.add_argument("--count", type=int, help="number of images, all classes together; default: as committed")
    parser.add_argument("--out", type=Path, help="folder to write to; default: the assignment's own")
    parser.add_argument("--seed", type=int, help="another seed, for other images of the same kind")
    args = parser.parse_args()
    out = args.out or Path(__file__).resolve().parent / args.assignment / "dataset"
    print(f"{len(SCENES[args.assignment].draw_all(out, args.count, args.seed))} images in {out}")


if __name__ == "__main__":
    main()

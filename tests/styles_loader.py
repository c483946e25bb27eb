"""Notebooks of one style each, written down compactly: `tests/styles/*.py`.

A file is a notebook in percent format with a header of comments. The first comment says what the style is; the others
declare the verdict, for both Kerases or for one (``fails-3``), as codes of checks:

    # A base in a Sequential, unfrozen with its BatchNorm layers.
    # fails: TL103 TL203
    # warns-3: TL203
    # keras: 2

    # %%
    code of the first cell

``fails``, ``warns``, ``skips`` and ``fails-2`` and so on hold codes; none means none. ``phases`` gives the roles of the
phases in order, ``held`` how the model holds its base, where that is worth declaring. ``replay`` or ``replay-2`` has
the grader rebuild and measure the model too, and gives the outcome of that. ``keras`` names the only Kerases that the
style exists on. Magic lines are commented out (``# %%time`` in a cell's first line), as in any percent file.
The cell `SETUP` comes first in every notebook, unless the header says ``setup: none``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SETUP", "Style", "load_styles"]

FOLDER = Path(__file__).resolve().parent / "styles"
KEYS = ("fails", "warns", "skips")
CELL = re.compile(r"^# %%\n", re.MULTILINE)
SETUP = """
import numpy as np
import tensorflow as tf
from tensorflow.keras import Input, Model, Sequential, layers
from tensorflow.keras.applications import MobileNetV2
from tensorflow.keras.optimizers import Adam
images = np.random.default_rng(1).uniform(-1, 1, (8, 96, 96, 3)).astype("float32")
labels = np.array([[0.0], [1.0]] * 4, "float32")
loss = tf.keras.losses.BinaryCrossentropy(from_logits=True)

def new_base():
    return MobileNetV2(input_shape=(96, 96, 3), include_top=False, weights="imagenet")
"""


@dataclass(frozen=True)
class Style:
    """One notebook and its verdict.

    Args:
        name: the file's name without its ending.
        about: what the style is, as a sentence.
        header: what it declares, by key.
        cells: the code cells, the shared first one among them.
    """

    name: str
    about: str
    header: dict[str, str]
    cells: tuple[str, ...]

    def runs_on(self, keras: str) -> bool:
        """Whether this style exists on this Keras."""
        return keras in self.header.get("keras", "2 3").split()

    def expected(self, keras: str) -> dict[str, set[str]]:
        """Codes that must fail, be warned of and be skipped; all others must pass."""
        header = self.header
        return {key: set(header.get(f"{key}-{keras}", header.get(key, "")).split()) for key in KEYS}


def load_style(path: Path) -> Style:
    """Read one file.

    Raises:
        ValueError: the header declares something unknown.
    """
    head, *cells = CELL.split(path.read_text(encoding="utf-8"))
    about, *rest = [line.lstrip("#").strip() for line in head.strip().splitlines()]
    header = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in rest)}
    known = {
        "replay",
        "replay-2",
        "replay-3",
        *KEYS,
        *(f"{key}-{keras}" for key in KEYS for keras in "23"),
        "keras",
        "setup",
        "phases",
        "held",
    }
    if unknown := set(header) - known:
        raise ValueError(f"{path.name}: unknown in the header: {', '.join(sorted(unknown))}")
    sources = [magics(cell.strip("\n")) for cell in cells]
    if header.get("setup") != "none":
        sources.insert(0, SETUP.strip())
    return Style(path.stem, about, header, tuple(sources))


def magics(cell: str) -> str:
    """The cell with its magic lines as a notebook has them."""
    return re.sub(r"^# (%%?\w|!)", r"\1", cell, flags=re.MULTILINE)


def load_styles() -> list[Style]:
    """All of them, by name."""
    return [load_style(path) for path in sorted(FOLDER.glob("*.py"))]

"""The process that a model is rebuilt and measured in. Its code is the grader's; config, weights and flags are not.

It reads what `grader.run.replay.request` describes from one folder and writes a line of JSON for each measurement
into another one, as soon as it is made. Without a monitor: `python -m grader.run.replay.child READ WRITE`.
"""

from __future__ import annotations

import faulthandler
import sys
from pathlib import Path
from typing import Any

import numpy as np

from grader.run.recorder.install import load_adapter
from grader.run.replay.measure import answer, in_scale, step
from grader.run.replay.rebuild import MisfitError, Rebuilt, as_json, load_arrays
from grader.run.replay.request import ANSWERS, Item, Request, weights_name

__all__ = ["import_needed", "serve"]

IMAGES = 4
"""That a model is asked about: one, and others that it is among."""


def import_needed(flavour: str) -> None:
    """What takes long."""
    from grader.run.recorder.imports import keras_in_little_time

    with keras_in_little_time():
        load_adapter(flavour)


def serve(folder: str, target: str) -> None:
    """Measure what is asked.

    Args:
        folder: with the request.
        target: for the answers.
    """
    faulthandler.enable()
    request = Request.read(Path(folder))
    with (Path(target) / ANSWERS).open("w", encoding="utf-8") as stream:
        replayer = Replayer(request, Path(folder))
        for number, item in enumerate(request.items):
            try:
                facts = replayer.measure(item)
                line = as_json({"item": number, **facts})
            except MisfitError as exc:
                line = as_json({"item": number, "misfit": str(exc)[:300]})
            except Exception as exc:  # Whatever Keras makes of a strange config or of weights that are no numbers.
                line = as_json({"item": number, "error": f"{type(exc).__name__}: {exc}"[:300]})
            stream.write(line + "\n")
            stream.flush()


class Replayer:
    """Rebuilds each model once, and measures it as often as is asked."""

    def __init__(self, request: Request, folder: Path) -> None:
        self._request = request
        self._folder = folder
        self._adapter = load_adapter(request.flavour)
        self._rebuilt: dict[int, Rebuilt] = {}
        self._images: dict[int, np.ndarray] = {}

    def measure(self, item: Item) -> dict[str, Any]:
        """See `Item`."""
        if item.part not in self._rebuilt:
            self._rebuilt[item.part] = Rebuilt(self._adapter, self._request.parts[item.part])
        rebuilt = self._rebuilt[item.part]
        arrays = load_arrays(self._folder / weights_name(item.weights))
        rebuilt.restore(arrays, item)
        if item.part not in self._images:
            self._images[item.part] = self._prepared(item.part, rebuilt)
            rebuilt.restore(arrays, item)
        images = self._images[item.part]
        if not item.modes:
            return {"step": step(rebuilt, images)}
        answers = []
        for mode in item.modes:
            rebuilt.restore(arrays, item)
            answers.append(answer(rebuilt, images, mode))
        return {"answers": answers}

    def _prepared(self, part: int, rebuilt: Rebuilt) -> np.ndarray:
        """Images of the assignment, in the size and scale in which the model takes them."""
        from grader.run.recorder.probe import read_images

        shape = getattr(rebuilt.model, "input_shape", None)
        known = isinstance(shape, tuple) and len(shape) == 4 and shape[1] and shape[2]
        size = (int(shape[1]), int(shape[2])) if known and shape else self._request.image_size
        noise = np.random.default_rng(0).integers(0, 256, (IMAGES, *size, 3), np.uint8)
        images = np.stack((list(read_images(self._folder / "images", size)) or list(noise))[:IMAGES])
        entry = self._request.parts[part].entry
        return in_scale(self._adapter, rebuilt, entry, images.astype(np.float32), self._request.application)


def main(argv: list[str]) -> None:
    """``READ WRITE``"""
    serve(*argv)


if __name__ == "__main__":
    main(sys.argv[1:])

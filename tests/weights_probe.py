"""Loads an application from a store as a notebook would, and prints what came out as JSON; run as a subprocess."""

import json
import os
import sys
from pathlib import Path

import numpy as np

from grader.weights import WeightsStore, compare


def main(folder: str, name: str, sizes: list[int]) -> None:
    """Load without and with top; print outputs' statistics and how many tensors are the store's."""
    import tensorflow as tf

    if os.environ.get("TF_USE_LEGACY_KERAS"):
        from tf_keras.src.utils import data_utils as files
    else:
        from keras.src.utils import file_utils as files
    files.get_file = asked = Recorder(folder)
    store = WeightsStore(Path(folder))
    application = getattr(tf.keras.applications, name)
    module = sys.modules[application.__module__]
    found = {}
    for top in (False, True):
        for size in sizes:
            try:
                model = application(weights="imagenet", include_top=top, input_shape=(size, size, 3))
            except ValueError as exc:
                found[f"{top} {size}"] = {"refused": str(exc)[:300]}
                continue
            outputs = np.asarray(model(module.preprocess_input(photographs(size)), training=False))
            flat = outputs.reshape(len(outputs), -1)
            found[f"{top} {size}"] = {
                "file": asked.names[-1],
                "compared": compare(store, asked.names[-1], tensors(model)),
                "finite": bool(np.isfinite(outputs).all()),
                "largest": float(np.abs(outputs).max()),
                "spread": float(flat.std(axis=0).mean()),
                "classes": len(set(flat.argmax(axis=1).tolist())),
                "outputs": [round(float(v), 4) for v in flat[0, :5]],
            }
    print(json.dumps({"keras": "2" if os.environ.get("TF_USE_LEGACY_KERAS") else "3", "found": found}))


class Recorder:
    """A `get_file` that knows the store only."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.names: list[str] = []

    def __call__(self, fname: str, origin: str = "", **_: object) -> str:
        self.names.append(fname)
        return str(Path(self.folder) / fname)


def photographs(size: int) -> np.ndarray:
    """Six pictures of 0 to 255 that share nothing with those of the calibration."""
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j]
    random = np.random.default_rng(5)
    images = [
        sum(
            random.uniform(0, 0.4, 3)
            * np.sin(2 * np.pi * (random.normal(0, 4) * x + random.normal(0, 4) * y))[..., None]
            for _ in range(4)
        )
        + random.uniform(0.2, 0.8, 3)
        for _ in range(6)
    ]
    return (np.clip(np.stack(images), 0, 1) * 255).astype("float32")


def tensors(model):
    """Layer, role and values of every tensor, as Keras names them."""
    return [
        (layer.name, weight.name.split("/")[-1].split(":")[0], np.asarray(weight.numpy()))
        for layer in model.layers
        for weight in layer.weights
    ]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], [int(size) for size in sys.argv[3:]])

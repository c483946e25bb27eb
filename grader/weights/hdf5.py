"""Writing weights in the HDF5 layout that both Keras load by the order of layers. Runs in the subprocess only."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from grader.weights.ask import Slot, slots

__all__ = ["STAND_IN", "is_stand_in", "write"]

HEADER_LIMIT = 64_512
"""Bytes that HDF5 allows an attribute; longer lists are cut in pieces, numbered from 0."""
STAND_IN = "grader_stand_in"
"""Attribute that marks a stand-in, so that it is known as one in any other store."""


def write(path: Path, model: Any, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Write a stand-in file.

    Args:
        path: of the file to make.
        model: whose layers give names and order.
        arrays: one for each of the model's slots.

    Returns:
        The arrays by key, in layer order.
    """
    places = slots(model)
    by_layer = {
        layer: list(group) for layer, group in groupby(zip(places, arrays, strict=True), key=lambda p: p[0].layer)
    }
    with h5py.File(path, "w") as file:
        file.attrs[STAND_IN] = True
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = keras.__version__.encode()
        write_names(file, "layer_names", [layer.name for layer in model.layers])
        for layer in sorted(layer.name for layer in model.layers):
            group = file.create_group(layer)
            pairs = by_layer.get(layer, [])
            write_names(group, "weight_names", [weight_name(slot) for slot, _ in pairs])
            for slot, array in pairs:
                group.create_dataset(weight_name(slot), data=array)
    return {slot.key: array for slot, array in zip(places, arrays, strict=True)}


def weight_name(slot: Slot) -> str:
    """As Keras 2 names it, e.g. ``bn_Conv1/gamma:0``."""
    return f"{slot.layer}/{slot.role}:0"


def write_names(group: h5py.Group, attribute: str, names: list[str]) -> None:
    """Write a list of names, in several attributes where one would be too long."""
    data = np.asarray([name.encode() for name in names], dtype=None if names else "S1")
    pieces = -(-data.nbytes // HEADER_LIMIT)
    if pieces <= 1:
        group.attrs[attribute] = data
        return
    for number, piece in enumerate(np.array_split(data, pieces + 1)):
        group.attrs[f"{attribute}{number}"] = piece


def is_stand_in(path: Path) -> bool:
    """Whether a weights file is one that a grader made.

    Raises:
        OSError: it is no HDF5 file.
    """
    with h5py.File(path, "r") as file:
        return bool(file.attrs.get(STAND_IN, False))

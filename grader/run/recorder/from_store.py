"""Weights of the store put into a network straight from where they are laid out in the order of its layers.

Keras reads the same from HDF5 tensor by tensor, which takes as long as building half of the network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from grader.run.recorder.adapter import KerasAdapter

__all__ = ["put_in"]

ENDING = ".safetensors"


def put_in(adapter: KerasAdapter, model: Any, file: Path) -> bool:
    """Give the model the weights of this file of the store, layer by layer, as Keras would.

    Returns:
        Whether it was done. Where anything does not fit, nothing was, and Keras has to say what it thinks of it.
    """
    layers = [layer for layer in model.layers if layer.weights]
    groups = list(laid_out(file.with_suffix(ENDING)))
    if len(layers) != len(groups):
        return False
    pairs: list[tuple[Any, np.ndarray]] = []
    for layer, arrays in zip(layers, groups, strict=True):
        variables = [adapter.stored(variable) for variable in layer.weights]
        if len(variables) != len(arrays) or not all(map(fits, variables, arrays)):
            return False
        pairs.extend(zip(variables, arrays, strict=True))
    for variable, array in pairs:
        variable.assign(array, read_value=False)
    for layer in model.layers:
        # A `Normalization` works out from its weights what it computes with.
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
    return True


def laid_out(path: Path) -> Iterator[list[np.ndarray]]:
    """The arrays of each layer; nothing where the store does not have the file in this form."""
    try:
        with safe_open(path, "numpy") as file:
            keys: list[str] = json.loads(file.metadata()["order"])
            # A key is ``0007:layer/role``.
            for _, same_layer in groupby(keys, key=lambda key: key.split(":", 1)[1].rsplit("/", 1)[0]):
                yield [file.get_tensor(key) for key in same_layer]
    except (OSError, SafetensorError, LookupError, TypeError, ValueError):
        return


def fits(variable: Any, array: np.ndarray) -> bool:
    """Whether the variable can take the array as it is."""
    dtype = getattr(getattr(variable, "dtype", None), "as_numpy_dtype", None)
    return dtype == array.dtype and tuple(variable.shape) == array.shape

"""Weights of the store put into a network straight from where they are laid out in the order of its layers.

Keras reads the same from HDF5 tensor by tensor, which takes as long as building half of the network.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from grader.errors import WeightsError
from grader.run.recorder.adapter import KerasAdapter
from grader.tensor_files import read_tensors, tensors_path

__all__ = ["put_in"]


def put_in(adapter: KerasAdapter, model: Any, file: Path) -> bool:
    """Give the model the weights of this file of the store, layer by layer, as Keras would.

    Returns:
        Whether it was done. Where anything does not fit, nothing was, and Keras has to say what it thinks of it.
    """
    layers = [layer for layer in model.layers if layer.weights]
    try:
        tensors = read_tensors(tensors_path(file.parent, file.name))
    except WeightsError:
        return False
    groups = [[tensor.array for tensor in group] for _, group in groupby(tensors, key=lambda tensor: tensor.layer)]
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


def fits(variable: Any, array: np.ndarray) -> bool:
    """Whether the variable can take the array as it is."""
    dtype = getattr(getattr(variable, "dtype", None), "as_numpy_dtype", None)
    return dtype == array.dtype and tuple(variable.shape) == array.shape

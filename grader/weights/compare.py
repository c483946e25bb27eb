"""How much of a base is the store's: tensors that are equal to the last bit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np

from grader.weights.names import UNNAMED
from grader.weights.store import WeightsStore

__all__ = ["compare"]

SYNONYMS = {
    "depthwise_kernel": "kernel",
    "moving_var": "moving_variance",
    "adapt_mean": "mean",
    "adapt_variance": "variance",
}
"""Other names that Keras versions have for the same role."""

Tensor = tuple[str, np.ndarray]
"""Role and values."""


def compare(store: WeightsStore, file_name: str, arrays: Sequence[tuple[str, str, np.ndarray]]) -> tuple[int, int]:
    """Compare a base's tensors with a weights file of the store.

    Layers are matched by their order, tensors within a layer by role and shape: names of layers differ from
    build to build. Where one of the two has a classifier and the other has none, the layers that both have are
    compared.

    Args:
        store: the grader's own.
        file_name: name of the ``.h5`` file.
        arrays: layer, role and values of each tensor of the base, moving statistics included, in layer order.

    Returns:
        Number of tensors compared, and number of those that are equal to the last bit.

    Raises:
        WeightsError: the store lacks the file, or it is broken.
    """
    theirs = by_layer((layer, role, array) for layer, role, array in arrays)
    ours = by_layer((tensor.layer, tensor.role, tensor.array) for tensor in store.tensors(file_name))
    tensors = equal = 0
    for base_layer, store_layer in zip(theirs, ours, strict=False):
        tensors += len(base_layer)
        left = list(store_layer)
        for role, array in base_layer:
            match = next((place for place, other in enumerate(left) if fits(role, array, other)), None)
            if match is not None:
                equal += same_bits(array, left.pop(match)[1])
    return tensors, equal


def by_layer(tensors: Iterable[tuple[str, str, np.ndarray]]) -> list[list[Tensor]]:
    """Role and values, grouped by layer in the order given."""
    return [[(role, array) for _, role, array in group] for _, group in groupby(tensors, key=lambda tensor: tensor[0])]


def fits(role: str, array: np.ndarray, other: Tensor) -> bool:
    """Whether two tensors play the same part in their layers."""
    same_role = SYNONYMS.get(role, role) == SYNONYMS.get(other[0], other[0]) or bool(UNNAMED.fullmatch(role))
    return same_role and array.shape == other[1].shape


def same_bits(one: np.ndarray, two: np.ndarray) -> bool:
    """Equality of type and bits, so that NaN equals itself and 0.0 differs from -0.0."""
    if one.dtype != two.dtype:
        return False
    return bool(np.array_equal(raw(one), raw(two)))


def raw(array: np.ndarray) -> np.ndarray:
    """The bytes of an array, flat."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)

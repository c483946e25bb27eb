"""The tensors of a weights file as they lie beside it, in the order of its layers.

Read by the store, and by kernels, which would wait a third of a second for the store's own imports.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grader.errors import WeightsError

__all__ = ["StoreTensor", "read_tensors", "tensors_path"]

NUMBERS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1"}
"""Number types of the safetensors format that a weights file can hold."""


@dataclass(frozen=True)
class StoreTensor:
    """One tensor of a weights file; the array is read-only and backed by the file."""

    layer: str
    """Name of the layer as Keras 3 builds the application."""
    role: str
    """What the layer calls it: ``kernel``, ``depthwise_kernel``, ``gamma``, ``moving_mean``, ..."""
    array: np.ndarray


def tensors_path(folder: Path, file_name: str) -> Path:
    """Path of the tensors of a weights file."""
    return folder / f"{file_name.removesuffix('.h5')}.safetensors"


def read_tensors(path: Path) -> list[StoreTensor]:
    """The tensors of a safetensors file in layer order, without reading their bytes yet.

    Raises:
        WeightsError: the file is missing or is not of that format.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > path.stat().st_size:
                raise ValueError("the header is cut off")
            header = json.loads(file.read(length))
        order: list[str] = json.loads(header["__metadata__"]["order"])
        data = np.memmap(path, mode="r", offset=8 + length)
        return [tensor_at(key, header[key], data) for key in order]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        remedy = "Add the file again, or delete it and run the grader again."
        raise WeightsError(f"{path}: not a file of tensors that can be read.", remedy) from exc


def tensor_at(key: str, entry: dict[str, Any], data: np.ndarray) -> StoreTensor:
    """The tensor that one entry of the header describes; a key is ``0007:layer/role``."""
    start, stop = entry["data_offsets"]
    array = data[start:stop].view(NUMBERS[entry["dtype"]]).reshape(entry["shape"])
    layer, role = key.split(":", 1)[1].rsplit("/", 1)
    return StoreTensor(layer, role, array)

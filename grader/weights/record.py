"""What the store says of one weights file."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["WeightsRecord"]


class WeightsRecord(BaseModel):
    """The ``NAME.json`` beside a weights file: written last, so that it vouches for the other two."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    file: str
    """Name that the application asks `get_file` for, ending in ``.h5``."""
    application: str
    """Name in `keras.applications`, e.g. ``MobileNetV2``."""
    kind: Literal["pretrained", "stand-in"]
    include_top: bool
    """Whether the classifier's layers are in it."""
    input_size: int
    """Height (and width) in pixels of the images that the model was built for when it asked for this file."""
    sha256: str
    """Of the ``.h5`` file's bytes, hexadecimal."""
    size: int
    """Bytes of the ``.h5`` file."""
    tensors: int
    """Number of tensors, moving statistics among them."""
    tensors_size: int
    """Bytes of the ``.safetensors`` file."""
    parameters: int
    """Number of scalars in all tensors."""
    source: str
    """Where it came from: ``added from NAME``, ``fetched from ADDRESS`` or ``made with seed SEED``."""

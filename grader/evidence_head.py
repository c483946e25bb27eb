"""What the model makes of its base's features, and what it was compiled to minimise: a part of the evidence."""

from __future__ import annotations

from typing import Literal

from grader.evidence_base import Frozen

__all__ = ["Head", "HeadLayer", "Loss"]


class HeadLayer(Frozen):
    """One layer or operation between the base and the model's output."""

    name: str
    """Empty for code of the student's own that is no layer."""
    kind: str
    """Class name, e.g. ``Dense``; ``code`` for code."""
    does: Literal[
        "average", "max", "flatten", "dropout", "dense", "convolution", "activation", "nothing", "code", "other"
    ]
    """In the field's words. ``average`` and ``max`` pool the whole feature map; ``code``: what it does is not known."""
    settings: dict[str, bool | int | float | str | tuple[int, ...]] = {}
    """The few that matter: units, activation, rate, pool_size, axis, ..."""
    in_base: bool = False
    """Whether it belongs to the base (built with ``pooling="avg"``)."""


class Head(Frozen):
    """What the model computes from the base's feature map."""

    layers: tuple[HeadLayer, ...]
    """In the order in which they are called."""
    pooling: Literal["average", "max", "average and max", "flatten", "none", "unknown"]
    """How the feature map becomes a vector, in whatever form it is written. ``none``: it stays a map."""
    activation: str
    """What the output has passed through last: ``linear`` (nothing: logits), ``sigmoid``, ``softmax``, ...;
    ``unknown`` where code comes after it."""
    activation_last: bool = True
    """Whether the activation is the very last operation."""
    units: int | None
    """Numbers that the model gives for an image."""


class Loss(Frozen):
    """What a model was compiled to minimise."""

    name: str
    """As the student chose it: ``BinaryCrossentropy``, ``binary_crossentropy``, the name of a function."""
    kind: Literal["binary", "categorical", "sparse", "other", "custom"]
    """A crossentropy by what it expects; ``other``: Keras's own, but no crossentropy; ``custom``: the student's."""
    from_logits: bool | None = None
    """Whether it expects logits; None where that has no meaning or is not known."""
    mends: bool = True
    """Whether Keras goes back to the logits where this loss, meant for them, is given a sigmoid or softmax."""

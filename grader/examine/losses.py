"""What a loss expects, and who set the learning rate, told from what the recorder saw."""

from __future__ import annotations

import math
from typing import Literal

from grader.evidence import Loss
from grader.examine.journal import LossFacts, TrainingEvent

__all__ = ["describe_loss", "rate_from"]

KINDS: dict[str, Literal["binary", "categorical", "sparse"]] = {
    "binarycrossentropy": "binary",
    "bce": "binary",
    "binaryfocalcrossentropy": "binary",
    "categoricalcrossentropy": "categorical",
    "categoricalfocalcrossentropy": "categorical",
    "sparsecategoricalcrossentropy": "sparse",
}
"""By name of class, function or text, without underscores."""
OF_TENSORFLOW: dict[str, Literal["binary", "categorical", "sparse"]] = {
    "sigmoidcrossentropywithlogits": "binary",
    "softmaxcrossentropywithlogits": "categorical",
    "sparsesoftmaxcrossentropywithlogits": "sparse",
}
"""Functions of `tf.nn`: they take logits and compute with what they get."""


def describe_loss(facts: LossFacts | None) -> Loss | None:
    """The compiled loss as evidence; None where there was none."""
    if facts is None:
        return None
    name = facts.name[:60]
    word = name.lower().removesuffix("_v2").replace("_", "")
    if not facts.framework or facts.form == "several":
        return Loss(name=name, kind="custom")
    if word in OF_TENSORFLOW:
        return Loss(name=name.removesuffix("_v2"), kind=OF_TENSORFLOW[word], from_logits=True, mends=False)
    if word not in KINDS:
        return Loss(name=name, kind="other")
    return Loss(name=name, kind=KINDS[word], from_logits=bool(facts.from_logits))


def rate_from(event: TrainingEvent) -> Literal["optimizer", "schedule", "callback"]:
    """Who set the rate of the first update."""
    before, first = event.learning_rate, event.first_rate
    if before is not None and first is not None and not math.isclose(before, first, rel_tol=1e-5):
        return "callback"
    return "schedule" if event.schedule else "optimizer"

"""What a rebuilt model does: how it answers, and what one step of training changes. Eagerly, on a few images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from grader.run.recorder.adapter import KerasAdapter
from grader.run.replay.rebuild import Rebuilt
from grader.run.replay.request import MOST_OUTPUTS

__all__ = ["answer", "in_scale", "step"]

IMAGES = 2
"""In a step: BatchNorm's batch statistics need more than one."""
RATE = 1e-3
"""How far a step moves each number against its gradient, whatever the gradient's size, as Adam's first step does."""
ROUNDING = 1e-4
"""Difference of two answers, as a share of the largest output, that is too small to be asked after."""
SLACK = 0.05
"""How far beyond an end of the expected range images may reach, as a share of the range."""
LEAST_RANGE = 0.2
"""Share of the expected range that images in the right scale fill."""
MODES: dict[str, dict[str, bool]] = {"unset": {}, "false": {"training": False}, "true": {"training": True}}


def step(rebuilt: Rebuilt, images: np.ndarray) -> dict[str, Any]:
    """What one step changes: `fit` would call the model as this does, with `training=True`.

    The loss is the outputs weighed by fixed random numbers: whatever the labels were, it sends a gradient wherever
    one can go. The optimizer is none of the student's, since what could change does not depend on it.
    """
    import tensorflow as tf

    before = rebuilt.values()
    with tf.GradientTape() as tape:
        outputs = tf.nest.flatten(rebuilt.model(tf.constant(images[:IMAGES]), training=True))
        generator = np.random.default_rng(0)
        weighed = [
            tf.reduce_sum(tf.cast(output, tf.float32) * generator.uniform(0.5, 1.5, output.shape).astype(np.float32))
            for output in outputs
        ]
        loss = tf.add_n(weighed)
    variables = list(rebuilt.model.trainable_weights)
    gradients = tape.gradient(loss, variables) if variables else []
    reached = []
    for variable, gradient in zip(variables, gradients, strict=True):
        if gradient is not None:
            reached.append(variable)
            variable.assign(variable - RATE * tf.sign(tf.convert_to_tensor(gradient)))
    after = rebuilt.values()
    return {
        "trainable": rebuilt.keys_of(variables),
        "gradients": rebuilt.keys_of(reached),
        "moved": [key for key, trains in rebuilt.trains.items() if trains and differs(before[key], after[key])],
        "statistics": statistics(rebuilt, before, after),
    }


def answer(rebuilt: Rebuilt, images: np.ndarray, mode: str) -> dict[str, Any]:
    """One image alone and among all the others."""
    import tensorflow as tf

    def outputs(batch: np.ndarray) -> np.ndarray:
        first = tf.nest.flatten(rebuilt.model(tf.constant(batch), **MODES[mode]))[0]
        return np.asarray(first, np.float64)[0:1]

    before = rebuilt.values()
    alone, together = outputs(images[:1]), outputs(images)
    if not (np.isfinite(alone).all() and np.isfinite(together).all()):
        raise ValueError("the model's outputs are no finite numbers")
    difference, scale = float(np.max(np.abs(together - alone))), float(np.max(np.abs(together)))
    noise = float(np.max(np.abs(outputs(images[:1]) - alone))) if difference > ROUNDING * scale else 0.0
    # The outputs that differ most are the ones to show.
    order = np.sort(np.argsort(-np.abs(together - alone), axis=None, kind="stable")[:MOST_OUTPUTS])
    return {
        "training": mode,
        "alone": [digits(value) for value in np.ravel(alone)[order]],
        "together": [digits(value) for value in np.ravel(together)[order]],
        "difference": digits(difference),
        "noise": digits(noise),
        "scale": digits(scale),
        "mates": len(images) - 1,
        "statistics": statistics(rebuilt, before, rebuilt.values()),
    }


def statistics(rebuilt: Rebuilt, before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> dict[int, list[float]]:
    """How far the moving mean (in standard deviations) and variance (as a share) of each layer went that moved."""
    found = {}
    for number, roles in rebuilt.owners.items():
        mean, variance = roles["moving_mean"], roles["moving_variance"]
        if differs(before[mean], after[mean]) or differs(before[variance], after[variance]):
            spread = np.maximum(before[variance].astype(np.float64), 1e-12)
            found[number] = [
                digits(np.max(np.abs(after[mean].astype(np.float64) - before[mean]) / np.sqrt(spread))),
                digits(np.max(np.abs(after[variance].astype(np.float64) - before[variance]) / spread)),
            ]
    return found


def differs(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether a single bit does."""
    return before.tobytes() != after.tobytes()


def digits(value: Any) -> float:
    """Six significant ones."""
    return float(f"{float(value):.6g}")


def in_scale(
    adapter: KerasAdapter, rebuilt: Rebuilt, entry: int | None, raw: np.ndarray, application: str
) -> np.ndarray:
    """The images, which are from 0 to 255, as this model takes them: so that its base gets what it expects.

    As they are where that cannot be told.
    """
    preprocess = preprocessing(adapter, application)
    layer = rebuilt.layers.get(entry) if entry is not None else None
    if preprocess is None or layer is None:
        return raw
    ends = np.asarray(preprocess(np.stack([np.zeros((2, 2, 3)), np.full((2, 2, 3), 255.0)]).astype(np.float32)))
    low, high = float(ends.min()), float(ends.max())
    for candidate in (raw, np.asarray(preprocess(raw.copy()), np.float32), raw / 255.0):
        with watched(layer) as arrived:
            rebuilt.model(candidate[:IMAGES], training=False)
        slack = SLACK * (high - low)
        reached = [(float(np.min(each)), float(np.max(each))) for each in arrived]
        if reached and all(
            least >= low - slack and most <= high + slack and most - least >= LEAST_RANGE * (high - low)
            for least, most in reached
        ):
            return candidate
    return raw


def preprocessing(adapter: KerasAdapter, application: str) -> Callable[..., Any] | None:
    """The `preprocess_input` of the module that this application comes from."""
    from grader.run.recorder.expected import preprocessing_of

    function = getattr(adapter.keras.applications, application, None)
    return preprocessing_of(function) if callable(function) and not application.startswith("_") else None


@contextmanager
def watched(layer: Any) -> Iterator[list[np.ndarray]]:
    """What the layer is called with meanwhile."""
    arrived: list[np.ndarray] = []
    original = layer.call

    def call(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if hasattr(inputs, "numpy"):
            arrived.append(np.asarray(inputs.numpy(), np.float32))
        return original(inputs, *args, **kwargs)

    layer.call = call
    try:
        yield arrived
    finally:
        del layer.call

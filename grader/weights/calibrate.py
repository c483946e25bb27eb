"""Making stand-in weights: random, the same on every run, and of a kind that a trained network could have.

Kernels are drawn as He proposed. Then image-like pictures go through the network once, and each layer is set
right before the next one sees its output: kernels so that their output has a given spread, biases so that it is
centred, moving statistics so that BatchNorm in inference mode normalises what really comes in, but for a small
error such as a trained network has too. So activations stay in range however deep the network is, and
pictures that differ give features that differ. Runs in the subprocess only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from grader.weights.ask import USUAL_SIZE, Application, slots

__all__ = ["make_arrays", "pictures"]

PICTURES = 12
LOGITS_SPREAD = 2.0
"""Standard deviation of the classifier's logits over pictures: predictions differ but are not all certain."""
GATE_SPREAD = 0.15
"""The same for what weighs whole channels (squeeze and excite): gates multiply from block to block."""
CLEAR = 0.05
"""Moving means keep this far from 0 and moving variances from 1: an untrained BatchNorm has just these."""


def make_arrays(application: Application, model: Any) -> list[np.ndarray]:
    """Stand-in values for every slot of a model.

    Args:
        application: what the model is of.
        model: with the classifier, at the application's own size, its variables having values; it is used up.
    """
    size = model.input_shape[1] or USUAL_SIZE
    places = slots(model)
    ranks = {index: rank for rank, index in enumerate(dict.fromkeys(slot.index for slot in places))}
    for slot in places:
        random = generator(application.name, ranks[slot.index], slot.role)
        slot.variable.assign(first_value(slot.role, slot.shape, random, slot.value()))
    leaves = list(weighted_leaves(model))
    for rank, layer in enumerate(leaves):
        random = generator(application.name, rank, "calibration")
        layer.call = tuned(layer, layer.call, random, last=layer is leaves[-1])
    model(application.preprocess(pictures(size)), training=False)
    return [slot.value() for slot in places]


def generator(*seed: object) -> np.random.Generator:
    """A source of random numbers that depends on nothing but the seed's words."""
    text = "/".join(map(str, seed)).encode()
    return np.random.Generator(np.random.PCG64(int.from_bytes(hashlib.sha256(text).digest()[:16], "little")))


def pictures(size: int) -> np.ndarray:
    """Image-like pictures: shading, texture that falls off with frequency, and a few coloured shapes.

    Returns:
        Shape (PICTURES, size, size, 3), float32, 0 to 255.
    """
    random = generator("pictures")
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j].astype("float32")
    images = np.empty((PICTURES, size, size, 3), dtype="float32")
    for image in images:
        image[:] = random.uniform(0.1, 0.9, 3)
        contrast, fall = random.uniform(0.05, 0.3), random.uniform(0.3, 1.0)
        for frequency in (0.5, 1, 2, 4, 8, 16, 32):
            for _ in range(2):
                across, down = random.normal(0, frequency, 2)
                wave = np.cos(2 * np.pi * (across * x + down * y + random.uniform()))
                image += wave[..., None] * random.normal(0, contrast / (1 + frequency) ** fall, 3)
        for _ in range(random.integers(2, 6)):
            middle, radius = random.uniform(0, 1, 2), random.uniform(0.05, 0.3, 2)
            inside = ((x - middle[0]) / radius[0]) ** 2 + ((y - middle[1]) / radius[1]) ** 2 < 1
            image[inside] = 0.7 * random.uniform(0, 1, 3) + 0.3 * image[inside]
    return np.clip(images, 0, 1) * 255


def first_value(role: str, shape: tuple[int, ...], random: np.random.Generator, old: np.ndarray) -> np.ndarray:
    """A tensor before calibration."""
    if "kernel" in role:
        fan_in = np.prod(shape[:2] if "depthwise" in role else shape[:-1])
        drawn: np.ndarray = random.standard_normal(shape, dtype="float32")
        return np.asarray(drawn * np.sqrt(2 / fan_in), dtype="float32")
    if role.startswith("gamma"):
        # LayerScale's gammas are small: they weigh the branches of a residual network.
        if np.abs(old).max(initial=0) < 0.01:
            return random.uniform(0.1, 0.4, shape).astype("float32")
        return np.clip(1 + 0.1 * random.standard_normal(shape), 0.7, 1.3).astype("float32")
    if role.startswith(("beta", "bias")):
        return (0.1 * random.standard_normal(shape)).astype("float32")
    return old


def weighted_leaves(layer: Any) -> Iterator[Any]:
    """The layers with weights of their own, those of nested models included."""
    for inner in layer.layers:
        if hasattr(inner, "layers"):
            yield from weighted_leaves(inner)
        elif inner.weights:
            yield inner


def tuned(layer: Any, call: Callable[..., Any], random: np.random.Generator, *, last: bool) -> Callable[..., Any]:
    """A layer's `call` that first sets the layer right for the input it is given."""

    def run(inputs: Any, *args: Any, **keywords: Any) -> Any:
        if hasattr(layer, "moving_mean"):
            tune_batchnorm(layer, np.asarray(inputs), random)
        elif hasattr(layer, "adapt_mean"):
            tune_normalization(layer, np.asarray(inputs))
        elif hasattr(layer, "kernel") or hasattr(layer, "depthwise_kernel"):
            return tune_kernel(layer, call, inputs, random, last=last)
        return call(inputs, *args, **keywords)

    return run


def tune_batchnorm(layer: Any, inputs: np.ndarray, random: np.random.Generator) -> None:
    """Moving statistics near those of these inputs, and away from the values that BatchNorm begins with."""
    mean, variance = moments(inputs)
    # A channel that is nearly still in these pictures may be lively in others: it must not be blown up.
    variance = np.maximum(variance, 0.25 * variance.mean() + 1e-6)
    mean = mean + 0.1 * np.sqrt(variance) * random.standard_normal(mean.shape)
    variance = variance * np.exp(0.1 * random.standard_normal(mean.shape))
    layer.moving_mean.assign(away(mean, 0.0).astype("float32"))
    layer.moving_variance.assign(away(variance, 1.0).astype("float32"))


def away(values: np.ndarray, point: float) -> np.ndarray:
    """Values pushed out of the neighbourhood of a point, each to its own side."""
    distance = values - point
    return np.where(np.abs(distance) < CLEAR, point + np.where(distance < 0, -CLEAR, CLEAR), values)


def tune_normalization(layer: Any, inputs: np.ndarray) -> None:
    """A Normalization layer as if it had been adapted to these inputs."""
    mean, variance = moments(inputs)
    layer.adapt_mean.assign(mean.reshape(layer.adapt_mean.shape).astype("float32"))
    layer.adapt_variance.assign(variance.reshape(layer.adapt_variance.shape).astype("float32"))
    layer.finalize_state()


def tune_kernel(layer: Any, call: Callable[..., Any], inputs: Any, random: np.random.Generator, *, last: bool) -> Any:
    """Scale the kernel and centre the bias; gives the layer's output with the new ones."""
    activation, layer.activation = layer.activation, lambda value: value
    bias = getattr(layer, "bias", None)
    if bias is not None:
        bias.assign(np.zeros(tuple(bias.shape), dtype="float32"))
    output = np.asarray(call(inputs))
    layer.activation = activation
    mean, variance = moments(output)
    # Where all pictures give nearly the same, dividing by the spread alone would blow up what is left of it.
    spread = max(np.sqrt(variance.mean()), 0.5 * np.sqrt((variance + mean**2).mean()), 1e-6)
    target = LOGITS_SPREAD if last else random.choice([random.uniform(0.6, 0.85), random.uniform(1.2, 1.6)])
    if not last and output.ndim == 4 and output.shape[1:3] == (1, 1):
        target = GATE_SPREAD
    scale = np.float32(target / spread)
    kernel = next(
        k
        for k in (getattr(layer, n, None) for n in ("pointwise_kernel", "depthwise_kernel", "kernel"))
        if k is not None
    )
    kernel.assign(np.asarray(kernel) * scale)
    output = output * scale
    if bias is not None:
        shift = (-mean * scale + 0.1 * target * random.standard_normal(mean.shape)).astype("float32")
        bias.assign(shift)
        output = output + shift
    return activation(tf.constant(output))


def moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each channel over everything else."""
    axes = tuple(range(values.ndim - 1))
    return values.mean(axes, dtype="float64"), values.var(axes, dtype="float64")

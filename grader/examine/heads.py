"""The head: what lies between the base's feature map and the model's output, in the field's words.

Equivalent forms come out equal: `GlobalAveragePooling2D`, an `AveragePooling2D` over the whole map with a `Flatten`,
a mean over the axes 1 and 2, a `Lambda` that does so, and a base built with ``pooling="avg"``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from grader.evidence import Head, HeadLayer
from grader.examine.bases import FoundBase
from grader.examine.journal import ModelEvent
from grader.examine.wiring import Step

__all__ = ["describe_head", "resized_to"]

MOST_LAYERS = 40
KEPT = ("units", "filters", "kernel_size", "rate", "pool_size", "strides", "padding", "axis", "keepdims", "activation")

Pooling = Literal["average", "max", "average and max", "flatten", "none", "unknown"]
Does = Literal["average", "max", "flatten", "dropout", "dense", "convolution", "activation", "nothing", "code", "other"]

KINDS: dict[str, Does] = {
    **dict.fromkeys(("GlobalAveragePooling2D", "GlobalAvgPool2D"), "average"),
    **dict.fromkeys(("GlobalMaxPooling2D", "GlobalMaxPool2D"), "max"),
    **dict.fromkeys(("Flatten", "Reshape", "Squeeze"), "flatten"),
    **dict.fromkeys(("Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianDropout"), "dropout"),
    "Dense": "dense",
    **dict.fromkeys(("Conv2D", "SeparableConv2D", "DepthwiseConv2D", "Convolution2D"), "convolution"),
    **dict.fromkeys(("InputLayer", "Identity", "ActivityRegularization", "Cast", "GaussianNoise"), "nothing"),
}
OVER_A_MAP = {"AveragePooling2D": "average", "AvgPool2D": "average", "MaxPooling2D": "max", "MaxPool2D": "max"}
REDUCTIONS = {"mean": "average", "reducemean": "average", "max": "max", "reducemax": "max", "amax": "max"}
RESHAPES = ("reshape", "flatten", "squeeze", "ravel")
ACTIVATIONS = ("linear", "sigmoid", "softmax", "relu", "relu6", "tanh", "hardsigmoid", "logsigmoid", "logsoftmax")
OTHER_ACTIVATIONS = ("elu", "selu", "gelu", "silu", "swish", "mish", "softplus", "softsign", "leakyrelu", "exponential")
INACTIVE = ("BatchNormalization", "LayerNormalization", "Normalization", "UnitNormalization")


def describe_head(
    steps: Sequence[Step], base: FoundBase, model: ModelEvent, features: tuple[int | None, ...] | None
) -> Head:
    """The head as evidence.

    Args:
        steps: what the model computes after its base.
        model: the whole model.
        features: shape of what the base gives, batch first; None if that is not known.
    """
    layers = [*pooling_of_base(base), *(layer for step in steps if (layer := as_layer(step)).does != "nothing")]
    activation, last = output_activation(layers)
    return Head(
        layers=tuple(layers[:MOST_LAYERS]),
        pooling=pooling_of(layers, features),
        activation=activation,
        activation_last=last,
        units=units_of(layers, model),
    )


def pooling_of_base(base: FoundBase) -> list[HeadLayer]:
    """The pooling that a base built with `pooling=` ends with."""
    leaves = base.leaves
    last = leaves[-1] if leaves else None
    does = KINDS.get(last.kind, "other") if last else "other"
    if last is None or does not in ("average", "max") or not last.containers:
        return []
    return [HeadLayer(name=last.name[:80], kind=last.kind[:60], does=does, in_base=True)]


def as_layer(step: Step) -> HeadLayer:
    """One step in the field's words."""
    settings = {key: kept(value) for key, value in step.settings.items() if key in KEPT}
    if "activation" in settings:
        settings["activation"] = activation_name(step.settings["activation"])
    does, activation = meaning(step)
    if does == "activation":
        settings["activation"] = activation
    return HeadLayer(
        name=step.name[:80],
        kind=step.kind[:60],
        does=does,
        settings={key: value for key, value in settings.items() if value is not None},
    )


def meaning(step: Step) -> tuple[Does, str]:
    """What a step does, and the activation that it is, if it is one."""
    function = step.settings.get("function")
    operation = function if isinstance(function, str) and step.kind == "TFOpLambda" else step.kind
    word = plain(str(operation))
    if step.kind in ("code", "Lambda") or step.effect not in ("", "other", "same"):
        return by_effect(step)
    if step.kind == "Activation":
        return "activation", activation_name(step.settings.get("activation"))
    if step.kind in KINDS:
        return KINDS[step.kind], ""
    if step.kind in OVER_A_MAP:
        return "other", ""
    if word in REDUCTIONS and both_axes(step.settings.get("axis")):
        return ("average" if REDUCTIONS[word] == "average" else "max"), ""
    if word in RESHAPES:
        return "flatten", ""
    if word in ACTIVATIONS or word in OTHER_ACTIVATIONS:
        return "activation", word
    known = step.effect == "" or step.kind in INACTIVE
    return ("other" if known else "code"), ""


def by_effect(step: Step) -> tuple[Does, str]:
    """What code does, by what the recorder saw of it."""
    if step.effect == "average":
        return "average", ""
    if step.effect == "max":
        return "max", ""
    if step.effect == "flatten":
        return "flatten", ""
    if step.effect == "same":
        return "nothing", ""
    return ("activation", step.effect) if step.effect in ACTIVATIONS else ("code", "")


def plain(name: str) -> str:
    """``math.reduce_mean``, ``ReduceMean`` and ``reduce_mean`` -> ``reducemean``; ``softmax_v2`` -> ``softmax``."""
    return re.sub(r"_v\d+$", "", name.rsplit(".", 1)[-1]).replace("_", "").lower()


def kept(value: Any) -> int | float | bool | str | tuple[int, ...] | None:
    """A setting that may stand in the evidence."""
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return value[:60]
    if isinstance(value, (list, tuple)) and len(value) <= 4 and all(type(entry) is int for entry in value):
        return tuple(value)
    return None


def activation_name(value: Any) -> str:
    """The activation's name; ``linear`` for none, ``custom`` for one that is no named function."""
    if value is None:
        return "linear"
    if isinstance(value, dict):
        inner = value.get("config")
        value = inner if isinstance(inner, str) else value.get("class_name")
    word = plain(str(value))
    return word if word in ACTIVATIONS or word in OTHER_ACTIVATIONS else "custom"


def both_axes(axis: Any) -> bool:
    """Whether these are the two axes of a feature map ``[N, H, W, C]``."""
    if not isinstance(axis, (list, tuple)) or not all(type(entry) is int for entry in axis):
        return False
    return sorted(entry % 4 for entry in axis) == [1, 2]


def pooling_of(layers: Sequence[HeadLayer], features: tuple[int | None, ...] | None) -> Pooling:
    """How the feature map becomes a vector.

    A pooling over part of the map shrinks it; only where one cell is left has it pooled all of it.
    """
    if features and len(features) == 2 and not any(layer.in_base for layer in layers):
        # A base with its top: the pooling lies inside it.
        return "unknown"
    size, used = pair(features[1:3]) if features and len(features) == 4 else None, set[str]()
    for position, layer in enumerate(layers):
        if layer.does in ("average", "max"):
            branch = {layer.does, *(other.does for other in layers[position + 1 :] if other.does in ("average", "max"))}
            return together({*used, *branch} if size != (1, 1) or not used else used)
        if layer.does == "flatten":
            return together(used) if used and size in (None, (1, 1)) else "flatten"
        if layer.does == "code":
            return "unknown"
        if layer.kind in OVER_A_MAP:
            used.add(OVER_A_MAP[layer.kind])
            size = shrunk(size, layer, "pool_size")
        elif layer.does == "convolution":
            size = shrunk(size, layer, "kernel_size")
    return "none"


def together(used: set[str]) -> Pooling:
    """One word for the kinds of pooling."""
    if used == {"average"}:
        return "average"
    return "max" if used == {"max"} else "average and max"


def shrunk(size: tuple[int, int] | None, layer: HeadLayer, window: str) -> tuple[int, int] | None:
    """Height and width after a window was moved over the map."""
    reach = pair(layer.settings.get(window)) or (2, 2)
    stride = pair(layer.settings.get("strides")) or (reach if window == "pool_size" else (1, 1))
    if size is None or min(stride) < 1:
        return None
    if layer.settings.get("padding") == "same":
        return -(-size[0] // stride[0]), -(-size[1] // stride[1])
    return (size[0] - reach[0]) // stride[0] + 1, (size[1] - reach[1]) // stride[1] + 1


def pair(value: Any) -> tuple[int, int] | None:
    """A setting that is one number for both directions, or one for each."""
    if type(value) is int:
        return value, value
    if isinstance(value, tuple) and len(value) == 2 and all(type(entry) is int for entry in value):
        return value[0], value[1]
    return None


def output_activation(layers: Sequence[HeadLayer]) -> tuple[str, bool]:
    """The activation that the output has passed through, and whether nothing comes after it.

    Returns:
        ``linear`` for none, ``unknown`` where code or an operation without a name comes after the last layer.
    """
    last = True
    for layer in reversed(layers):
        if layer.in_base:
            break
        if layer.does in ("dense", "convolution"):
            return str(layer.settings.get("activation", "linear")), last
        if layer.does == "activation":
            activation = str(layer.settings["activation"])
            if activation != "linear":
                return activation, last
        elif layer.does in ("code", "other", "max"):
            return "unknown", last
        else:
            last = False
    return "unknown", last


def units_of(layers: Sequence[HeadLayer], model: ModelEvent) -> int | None:
    """How many numbers the model gives for an image."""
    if model.output_shape and len(model.output_shape) > 1 and model.output_shape[-1]:
        return model.output_shape[-1]
    for layer in reversed(layers):
        units = layer.settings.get("units", layer.settings.get("filters"))
        if type(units) is int:
            return units
    return None


def resized_to(steps: Sequence[Step]) -> tuple[int, int] | None:
    """Height and width that the images are brought to before the base; None where nothing does so."""
    for step in reversed(steps):
        height, width = step.settings.get("height"), step.settings.get("width")
        if step.kind in ("Resizing", "CenterCrop", "RandomCrop") and type(height) is int and type(width) is int:
            return height, width
    return None

"""The scalar settings of a layer (units, rate, axis, ...) and the shapes of a model, as plain JSON."""

from __future__ import annotations

from typing import Any

__all__ = ["layer_settings", "model_shape", "plain_setting"]

MOST_ENTRIES = 4
MOST_TEXT = 60


def layer_settings(layer: Any) -> dict[str, Any]:
    """What `get_config` says, as far as it is numbers, short texts, short lists of these, or named functions.

    Empty where the layer has no config to tell (a student's own class).
    """
    try:
        config = layer.get_config()
    except Exception:
        return {}
    if not isinstance(config, dict):
        return {}
    told = {str(key): plain_setting(value) for key, value in config.items() if key not in ("name", "dtype", "layers")}
    return {key: value for key, value in told.items() if value is not None}


def plain_setting(value: Any) -> Any:
    """The value, or the name of the function or object that its serialised form stands for; None for the rest."""
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return value[:MOST_TEXT]
    if isinstance(value, (tuple, list)) and len(value) <= MOST_ENTRIES and all(type(entry) is int for entry in value):
        return list(value)
    if isinstance(value, dict):
        # Keras 3 serialises `activation=tf.nn.softmax` as {"class_name": "function", "config": "softmax_v2"}.
        inner = value.get("config")
        return str(inner if isinstance(inner, str) else value.get("class_name", ""))[:MOST_TEXT]
    return None


def model_shape(model: Any, name: str) -> list[int | None] | None:
    """`input_shape` or `output_shape` of a model with one input and one output, batch first; None where it has none.

    A subclassed model, or one that was never called, has no such shape.
    """
    try:
        shape = getattr(model, name)
        return [None if size is None else int(size) for size in shape]
    except Exception:  # Keras raises different things for models without one shape.
        return None

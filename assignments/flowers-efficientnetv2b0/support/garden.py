"""A look at a model before and after thawing. It tells and advises, and never stops the notebook; it is no verdict."""

from __future__ import annotations

from typing import Any

__all__ = ["inspect_layers", "inspect_model"]


def read(thing: Any, name: str) -> Any:
    """An attribute; None where there is none, or where it raises, as those of a layer that is not built yet do."""
    try:
        return getattr(thing, name, None)
    except Exception:  # each Keras has exceptions of its own for this
        return None


def layers_of(model: Any) -> list[Any]:
    """The layers of a model; an empty list for what has none."""
    layers = read(model, "layers")
    return list(layers) if isinstance(layers, list | tuple) else []


def weights_of(layer: Any, kind: str = "weights") -> list[Any]:
    """The weights of a layer; an empty list for what has none."""
    weights = read(layer, kind)
    return list(weights) if isinstance(weights, list | tuple) else []


def inspect_model(model: Any) -> None:
    """Print the layers of a model with the number of tensors in each that train."""
    layers = layers_of(model)
    if not layers:
        print("There is no model to look at yet.")
        return
    for layer in layers:
        trained = len(weights_of(layer, "trainable_weights"))
        print(f"{type(layer).__name__:<24} {trained:>4} of {len(weights_of(layer)):>4} tensors train")
    total = len(weights_of(model, "trainable_weights"))
    print(f"Together {total}. With the base frozen it is the two of the last layer." if total != 2 else "Together 2.")


def inspect_layers(base: Any, start: Any) -> None:
    """Print which layers of the base say that they are trainable, beside the ones that were asked for."""
    layers = layers_of(base)
    if not layers or not isinstance(start, int):
        print("There is no base to look at yet, or no number to start at.")
        return
    asked, others, normalizing = [], [], []
    for index, layer in enumerate(layers):
        if not weights_of(layer) or not read(layer, "trainable"):
            continue
        if type(layer).__name__ == "BatchNormalization":
            normalizing.append(index)
        else:
            (asked if index >= start else others).append(index)
    print(f"Layers that say they are trainable: {len(asked)} from {start} on, {len(others)} before that.")
    if normalizing:
        print(f"Beside these, BatchNormalization layers: {len(normalizing)}, the first at {normalizing[0]}.")
    print("Has the model been compiled since?")

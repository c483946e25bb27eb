"""Augmentation outside the model: random layers and functions in `Dataset.map`, and `ImageDataGenerator`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal

from grader.run.recorder.frames import CellFrames
from grader.run.recorder.journal import Journal

__all__ = ["Pipelines", "is_traced"]

RANGES = (
    "rotation_range",
    "width_shift_range",
    "height_shift_range",
    "brightness_range",
    "shear_range",
    "zoom_range",
    "channel_shift_range",
    "horizontal_flip",
    "vertical_flip",
)
"""Arguments of `ImageDataGenerator` that change images at random."""
NEUTRAL = ([1, 1], (1, 1), [0, 0], (0, 0))
"""What `zoom_range` and its like hold where nothing is to change."""
MOST_STEPS = 20


class Pipelines:
    """Writes down each random step that the student's code puts into a data pipeline."""

    def __init__(self, journal: Journal, frames: CellFrames) -> None:
        self._journal = journal
        self._frames = frames
        self._seen: set[tuple[Any, ...]] = set()

    def install(self, in_model: Callable[[], bool]) -> None:
        """Watch `tf.image.random_...`.

        Args:
            in_model: whether a layer is being called: what that uses is no step of a pipeline.
        """
        import tensorflow as tf

        for name in dir(tf.image):
            if name.startswith(("random_", "stateless_random_")):
                setattr(tf.image, name, self._recorded(name, getattr(tf.image, name), in_model))

    def _recorded(self, name: str, original: Callable[..., Any], in_model: Callable[[], bool]) -> Callable[..., Any]:
        @functools.wraps(original)
        def random(image: Any, *args: Any, **kwargs: Any) -> Any:
            if not in_model() and is_traced(image):
                self._step(f"tf.image.{name}", True)
            return original(image, *args, **kwargs)

        return random

    def layer_called(self, layer: Any, images: Any, training: str) -> None:
        """The student's code called a layer on something that is no placeholder of a model."""
        if is_traced(images):
            for random in random_layers(layer):
                self._step(random, training != "false")

    def _step(self, what: str, acts: bool) -> None:
        place = self._frames.place()
        key = (what, acts, place and (place["count"], place["line"]))
        if key in self._seen or len(self._seen) >= MOST_STEPS:
            return
        self._seen.add(key)
        self._journal.event("random_step", what=what, acts=acts, place=place)

    def generator_used(
        self, model: int, data: Any, use: Literal["training", "validation"], place: dict[str, Any] | None
    ) -> None:
        """A model is fitted with this data; nothing is noted unless it is an iterator of `ImageDataGenerator`."""
        generator = getattr(data, "image_data_generator", None)
        if generator is None:
            return
        given = {name: getattr(generator, name, None) for name in RANGES}
        arguments = [name for name, value in given.items() if is_random(value)]
        self._journal.event("generator", model=model, use=use, arguments=arguments, place=place)


def is_random(value: Any) -> bool:
    """Whether this value of such an argument changes images."""
    return bool(value) and not (isinstance(value, (list, tuple)) and value in NEUTRAL)


def is_traced(value: Any) -> bool:
    """Whether this is a tensor of a graph that is being traced (in `Dataset.map`, a `tf.function`)."""
    import tensorflow as tf

    return isinstance(value, tf.Tensor) and not hasattr(value, "numpy")


def random_layers(layer: Any) -> list[str]:
    """Classes of the random layers in this one, itself included."""
    inner = getattr(layer, "layers", None)
    if isinstance(inner, (list, tuple)):
        return [name for child in inner for name in random_layers(child)]
    name = type(layer).__name__
    return [name] if name.startswith("Random") or name == "GaussianNoise" else []

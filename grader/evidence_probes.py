"""What is known of a model from the values that run through it: what reaches its base, and how it answers probes.

All of it was measured in the student's process: by the recorder while the notebook ran, and by probing the model
after the last cell. It is part of `grader.evidence.Evidence`.
"""

from __future__ import annotations

from typing import Literal

from grader.evidence_base import Frozen, Place

__all__ = [
    "AccuracyProbe",
    "Arrival",
    "AugmentationProbe",
    "BatchProbe",
    "Expectation",
    "Generator",
    "Probes",
    "RandomStep",
    "Values",
]


class Values(Frozen):
    """Pixel values of some images; one number a channel."""

    low: tuple[float, ...]
    """Smallest value."""
    high: tuple[float, ...]
    """Largest value."""
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    """Standard deviation."""
    images: int
    """Number of images measured."""


class Arrival(Frozen):
    """Values that reached the base, from one line of the notebook."""

    mode: Literal["training", "prediction"]
    source: Literal["fit", "validation", "evaluate", "predict", "call"]
    """What ran the model. ``call``: the student's own code called it."""
    place: Place | None = None
    values: Values


class Expectation(Frozen):
    """What the base expects, measured with the application's own `preprocess_input` on images from 0 to 255."""

    by: str
    """The function, e.g. ``mobilenet_v2.preprocess_input``."""
    low: tuple[float, ...]
    """What it makes of a black image, or of a white one where that is less; a number a channel."""
    high: tuple[float, ...]
    """What it makes of a white image, or of a black one where that is more."""
    spread: tuple[float, ...] = ()
    """Standard deviation of some of the assignment's images, preprocessed; empty where there were none."""
    examples: tuple[tuple[float, float], ...] = ()
    """Smallest and largest value of each of those images, preprocessed."""


class RandomStep(Frozen):
    """A random layer, or `tf.image.random_...`, in a data pipeline that the student wrote."""

    what: str
    """The layer's class or the function's name."""
    acts: bool
    """False where `training=False` was passed."""
    place: Place | None = None


class Generator(Frozen):
    """An `ImageDataGenerator` that images came from."""

    use: Literal["training", "validation"]
    arguments: tuple[str, ...]
    """Its arguments that change images at random, e.g. ``rotation_range``; empty where there are none."""
    place: Place | None = None


class AugmentationProbe(Frozen):
    """The same images sent through the model several times, up to the base."""

    training: bool
    """Whether what reached the base in training mode was different each time."""
    prediction: bool
    """The same for inference mode."""
    images: int
    passes: int
    """In each mode."""


class BatchProbe(Frozen):
    """One image predicted alone and among others."""

    difference: float
    """Largest difference between the outputs for that image."""
    noise: float = 0.0
    """The same between two predictions of the image alone: what chance explains (an augmentation that acts, say)."""
    scale: float
    """Largest absolute output, for comparison."""
    mates: int
    """Number of other images in its batch."""


class AccuracyProbe(Frozen):
    """The model's predictions for images that the notebook never saw."""

    correct: int
    total: int


class Probes(Frozen):
    """What was measured of the model under test."""

    expected: Expectation | None = None
    unexpected: str = ""
    """Why `expected` is not known, as a sentence; empty where it is."""
    arrivals: tuple[Arrival, ...] = ()
    """In order; at most 24."""
    random_steps: tuple[RandomStep, ...] = ()
    generators: tuple[Generator, ...] = ()
    augmentation: AugmentationProbe | None = None
    batch: BatchProbe | None = None
    accuracy: AccuracyProbe | None = None
    unprobed: dict[str, str] = {}
    """Why a probe that was wanted was not made, by its name (``augmentation``, ``batch``, ``accuracy``); a sentence."""

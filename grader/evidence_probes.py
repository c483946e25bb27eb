"""What is known of a model from the values that run through it: what reaches its base, and how it answers probes.

All of it was measured in the student's process: by the recorder while the notebook ran, and by probing the model
after the last cell. It is part of `grader.evidence.Evidence`.
"""

from __future__ import annotations

from typing import Literal, Protocol

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
    "depends_on_mates",
    "differs",
]

TOLERANCE = 1e-3
"""Difference of outputs, as a share of the largest, that arithmetic in another order explains."""
LEAST = 1e-6
"""Difference that is rounding, however small the outputs are."""


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


class Compared(Protocol):
    """An image's outputs alone and among others, whoever measured them."""

    @property
    def difference(self) -> float: ...
    @property
    def noise(self) -> float: ...
    @property
    def scale(self) -> float: ...
    @property
    def mates(self) -> int: ...


def differs(measured: Compared) -> bool:
    """Whether the outputs alone and among others are further apart than arithmetic in another order explains."""
    return measured.difference > rounding(measured)


def rounding(measured: Compared) -> float:
    """Difference that arithmetic in another order explains, however small the outputs are."""
    return max(LEAST, TOLERANCE * measured.scale)


def depends_on_mates(measured: Compared) -> bool | None:
    """Whether an image's answer depends on its batch-mates; None where chance hides it, or there were none."""
    if measured.mates < 1 or (differs(measured) and measured.noise > rounding(measured)):
        return None
    return differs(measured)


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

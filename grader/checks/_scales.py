"""What was done to pixel values on their way to the base, told from their range and spread."""

from __future__ import annotations

from enum import Enum

from grader.evidence_probes import Expectation, Values

__all__ = ["Scale", "number", "recognise", "span"]

SLACK = {"training": 0.35, "prediction": 0.05}
"""How far beyond an end of the expected range values may go, as a share of it. Augmentation (brightness, contrast)
that is not clipped goes further than interpolation."""
LEAST_SPREAD = 0.15
"""Least standard deviation, as a share of what the assignment's images have when they are preprocessed rightly."""
USUAL_SPREAD = 0.2
"""Standard deviation of photographs as a share of the range, where the assignment's are not known."""


EDGE = 0.02
"""How far beyond an end of a scale its values may go, as a share of it."""
FILLED = 0.1
"""Least part of a scale that values in it take up."""


class Scale(Enum):
    """Ways in which values come, with what a reader is told of them."""

    RIGHT = "they are as they should be"
    RAW = "the pixels are not scaled at all"
    UNIT = "the pixels were divided by 255"
    SYMMETRIC = "the pixels were scaled to -1 to 1"
    TWICE = "the pixels were scaled twice, so that nearly nothing is left of their differences"
    FLAT = "there is nearly no difference left between their pixels"
    OTHER = "that is another range"

    @property
    def explained(self) -> str:
        """What was done, as a clause."""
        return self.value

    def remedy(self, function: str, *, unlike: bool) -> str:
        """What to do about it."""
        call = f"`{function}`"
        if unlike:
            return f"Preprocess all images alike, best inside the model: call {call} there, before the base."
        if self is Scale.TWICE:
            return f"Scale the images once: keep {call} before the base, and remove the other scaling."
        if self is Scale.RAW:
            return f"Call {call} on the images before the base."
        return f"Call {call} on pixels from 0 to 255 before the base, in place of the scaling that is there."


def number(value: float) -> str:
    """Short enough to read: ``-1``, ``0.5``, ``-123.7``, ``-0.992``."""
    text = f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"
    text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def span(expected: Expectation) -> str:
    """``-1 to 1``."""
    return f"{number(min(expected.low))} to {number(max(expected.high))}"


def recognise(values: Values, expected: Expectation, mode: str) -> Scale:
    """What was done to these values, for a base that expects others or the same.

    A narrower scale may lie within the expected range: all of [0, 1] does in [-1, 1]. Then it is that scale if the
    assignment's own images, preprocessed rightly, do not fit into it; photographs without any dark pixel are rare.
    """
    wide = max(expected.high) - min(expected.low)
    inside = all(
        low >= least - SLACK[mode] * wide and high <= most + SLACK[mode] * wide
        for low, high, least, most in zip(values.low, values.high, expected.low, expected.high, strict=True)
    )
    low, high = min(values.low), max(values.high)
    usual = expected.spread or tuple(USUAL_SPREAD * wide for _ in expected.low)
    flat = inside and max(values.spread) < LEAST_SPREAD * max(usual)
    for scale, (least, most) in narrower(expected):
        fits = lies_in(low, high, least, most) and high - low > FILLED * (most - least)
        if fits and (flat or not inside or not right_images_fit(expected, least, most)):
            return scale
    if flat:
        return Scale.FLAT
    if inside:
        return Scale.RIGHT
    return Scale.RAW if low >= -2.0 and 2.0 < high <= 300.0 else Scale.OTHER


def narrower(expected: Expectation) -> list[tuple[Scale, tuple[float, float]]]:
    """Scales that are narrower than what is expected, narrowest first."""
    wide = max(expected.high) - min(expected.low)
    ranges = [
        (Scale.TWICE, (0.0, 1 / 255)),
        (Scale.TWICE, (-1.0, -1.0 + 2 / 127.5)),
        (Scale.TWICE, (-1.0 - 1 / 127.5, -1.0 + 1 / 127.5)),
        (Scale.UNIT, (0.0, 1.0)),
        (Scale.SYMMETRIC, (-1.0, 1.0)),
    ]
    return [(scale, ends) for scale, ends in ranges if ends[1] - ends[0] < 0.9 * wide]


def right_images_fit(expected: Expectation, least: float, most: float) -> bool:
    """Whether most of the assignment's images, preprocessed rightly, lie in a narrower range too."""
    if not expected.examples:
        return False
    fitting = sum(lies_in(low, high, least, most) for low, high in expected.examples)
    return fitting > len(expected.examples) / 2


def lies_in(low: float, high: float, least: float, most: float) -> bool:
    """Whether one range lies in another, but for rounding and interpolation."""
    slack = EDGE * (most - least)
    return low >= least - slack and high <= most + slack

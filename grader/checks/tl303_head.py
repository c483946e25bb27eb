"""TL303 head."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from grader.checks._base import Check, Failed, NotApplicable, NotAssessed, Parameters, Passed, Verdict
from grader.checks._phases import no_base
from grader.checks._words import listed, locate
from grader.evidence import Evidence, Head, Place
from grader.policy import Policy
from grader.results import Finding

__all__ = ["HeadAsAsked", "HeadParameters"]

CLOSE = 1e-6

OBSERVED = {
    "average": "averages each channel of the base's feature map",
    "max": "takes the maximum of each channel of the base's feature map",
    "average and max": "takes both the average and the maximum of each channel of the base's feature map",
    "flatten": "lays the base's whole feature map out in one row",
    "none": "does not pool: the base's feature map stays a map",
}
EXPECTED = {
    "average": "the average of each channel over the feature map",
    "max": "the maximum of each channel over the feature map",
    "flatten": "the feature map laid out in one row",
}
LAYER = {
    "average": "`tf.keras.layers.GlobalAveragePooling2D()`",
    "max": "`tf.keras.layers.GlobalMaxPooling2D()`",
    "flatten": "`tf.keras.layers.Flatten()`",
}


def as_range(value: object) -> object:
    """One rate is a range of itself."""
    return (value, value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def as_counts(value: object) -> object:
    """One count is a list of itself."""
    return (value,) if isinstance(value, int) and not isinstance(value, bool) else value


Rate = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class HeadParameters(Parameters):
    """Keys of TL303 in the TOML."""

    pooling: Literal["average", "max", "flatten", "any"] = "average"
    """How the base's feature map becomes a vector; ``any``: this is not looked at."""
    dropout: Annotated[tuple[Rate, Rate] | None, BeforeValidator(as_range)] = None
    """Rate that one of the head's Dropout layers has, or the least and the largest rate; absent: not looked at."""
    units: Annotated[tuple[Count, ...] | None, BeforeValidator(as_counts)] = None
    """How many numbers the model may give for an image, or a list of such counts: ``[1, 2]`` allows one logit, one
    probability, or a softmax of two; absent: not looked at."""


class HeadAsAsked(Check):
    """What it checks
    --------------
    The head pools the base's feature map as asked, has a Dropout of the asked rate and gives the asked number of
    outputs. Any equivalent form will do: `GlobalAveragePooling2D`, an `AveragePooling2D` over the whole map and a
    `Flatten`, a mean over the axes 1 and 2, a `Lambda` that does so, or a base built with `pooling="avg"`.

    Why it matters
    --------------
    The base turns an image into a small map with a thousand or more channels. Averaging each channel leaves one
    number a feature, wherever in the image it was found, and a head of about a thousand weights that a small data set
    can fill. Laid out flat, the same map gives a head with many times as many weights, which learns the training
    images by heart.

    Example
    -------
    ```python
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base_model(inputs, training=False)
    x = tf.keras.layers.Flatten()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile("adam", loss)
    model.fit(images, labels)
    ```

    Use instead
    -----------
    ```python
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base_model(inputs, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile("adam", loss)
    model.fit(images, labels)
    ```
    """

    code = "TL303"
    name = "head"
    title = "The head is built as asked"
    requires = ("NB002",)
    Parameters = HeadParameters
    parameters: HeadParameters

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        if evidence.base is None:
            return no_base()
        head = evidence.model.head if evidence.model else None
        if head is None:
            return NotAssessed("Of what the head is made could not be told.")
        place = evidence.base.built
        parts = (
            wrong_pooling(head, self.parameters.pooling, place),
            wrong_dropout(head, self.parameters.dropout, place),
            wrong_units(head, self.parameters.units, place),
        )
        found = tuple(part for part in parts if isinstance(part, Finding))
        hidden = [part for part in parts if isinstance(part, str)]
        if found:
            return Failed(found)
        return NotApplicable(" ".join(hidden)) if hidden else Passed()


def wrong_pooling(head: Head, asked: str, place: Place | None) -> Finding | str | None:
    """What is wrong with the pooling; a text where it cannot be told, None where it is right."""
    if asked in ("any", head.pooling):
        return None
    if head.pooling == "unknown":
        return "How the head pools is hidden in code or in the base's own top, so it was not judged."
    return Finding(
        message=f"The head {OBSERVED[head.pooling]}: {outline(head)}.",
        expected=EXPECTED[asked],
        observed=head.pooling if head.pooling != "none" else "no pooling",
        location=locate(place),
        fix=f"Put {LAYER[asked]} right after the base.",
    )


def wrong_dropout(head: Head, asked: tuple[float, float] | None, place: Place | None) -> Finding | str | None:
    """What is wrong with the dropout; a text where it cannot be told, None where it is right."""
    if asked is None:
        return None
    rates = [layer.settings.get("rate") for layer in head.layers if layer.does == "dropout"]
    known = [float(rate) for rate in rates if isinstance(rate, (int, float))]
    low, high = asked
    if any(low - CLOSE <= rate <= high + CLOSE for rate in known):
        return None
    if not known and any(layer.does == "code" for layer in head.layers):
        return "Part of the head is code that does not show whether it drops anything, so its dropout was not judged."
    wanted = f"a rate of {low:g}" if low == high else f"a rate between {low:g} and {high:g}"
    shown = listed([f"{rate:g}" for rate in known]) if known else ""
    return Finding(
        message=(
            f"The head's Dropout has a rate of {shown}." if known else f"The head has no Dropout: {outline(head)}."
        ),
        expected=f"a Dropout with {wanted}",
        observed=f"a rate of {shown}" if known else "no Dropout",
        location=locate(place),
        fix=f"Put `tf.keras.layers.Dropout({low if low == high else (low + high) / 2:g})` before the last layer.",
    )


def wrong_units(head: Head, asked: tuple[int, ...] | None, place: Place | None) -> Finding | str | None:
    """What is wrong with the size of the output; a text where it cannot be told, None where it is right."""
    if asked is None or head.units in asked:
        return None
    if head.units is None:
        return "How many numbers the model gives for an image could not be told."
    wanted = " or ".join(str(count) for count in asked)
    numbers = f"{head.units} number" if head.units == 1 else f"{head.units} numbers"
    return Finding(
        message=f"The model gives {numbers} for an image.",
        expected=f"{wanted} for an image",
        observed=numbers,
        location=locate(place),
        fix=f"Let the last layer be `tf.keras.layers.Dense({asked[0]})`.",
    )


def outline(head: Head) -> str:
    """The head's layers by their kinds: ```Flatten`, `Dense```."""
    kinds = [f"`{layer.kind}`" for layer in head.layers if layer.kind != "code"][:6]
    return (
        f"its layers are {listed(kinds)}" if len(kinds) > 1 else f"its layer is {kinds[0]}" if kinds else "it is code"
    )

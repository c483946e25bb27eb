"""TL305 input-shape."""

from __future__ import annotations

from grader.checks._base import Check, Failed, NotApplicable, NotAssessed, Parameters, Passed, Verdict
from grader.checks._phases import no_base
from grader.checks._words import locate
from grader.evidence import Evidence
from grader.policy import Policy
from grader.results import Finding

__all__ = ["InputShape", "InputShapeParameters"]

Shape = tuple[int | None, ...]


class InputShapeParameters(Parameters):
    """Keys of TL305 in the TOML."""

    shape: tuple[int, int, int] | None = None
    """Height, width (pixels) and channels of the images; absent: the assignment's `base.input_shape`."""


class InputShape(Check):
    """What it checks
    --------------
    The model takes the images of the assignment: its input has their height, width and channels, or leaves height
    and width open (`None`). A model of other images is fine too where a `Resizing` layer in it brings them to the
    assignment's size before the base.

    Why it matters
    --------------
    A base without its top runs on images of nearly any size, so a wrong size raises no error as long as the data are
    brought to it. But its features were learned at one scale, the weights that it loads are those for its
    input size, and whoever uses your model hands it the assignment's images.

    Example
    -------
    ```python
    small = MobileNetV2(input_shape=(128, 128, 3), include_top=False, weights="imagenet")
    small.trainable = False
    inputs = tf.keras.Input((128, 128, 3))
    x = small(inputs, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile("adam", loss)
    model.fit(tf.image.resize(images, (128, 128)), labels)
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

    code = "TL305"
    name = "input-shape"
    title = "The model takes the images of the assignment"
    requires = ("NB002",)
    Parameters = InputShapeParameters
    parameters: InputShapeParameters

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        model = evidence.model
        if evidence.base is None or model is None:
            return no_base()
        asked = self.parameters.shape or (evidence.asked.input_shape if evidence.asked else None)
        if asked is None:
            return NotApplicable("The assignment does not say which images the model has to take.")
        if model.input_shape is None:
            return NotAssessed("Which images the model takes could not be told.")
        if takes(model.input_shape, asked):
            return Passed()
        channels = model.input_shape[-1:]
        if model.resized == asked[:2] and takes(channels, asked[-1:]):
            return Passed()
        place = evidence.base.built
        return Failed(
            (
                Finding(
                    message=(
                        f"The model takes images of {written(model.input_shape)}, and the assignment's are "
                        f"{written(asked)}."
                    ),
                    expected=f"images of {written(asked)}",
                    observed=f"images of {written(model.input_shape)}",
                    location=locate(place),
                    fix=f"Build the base and the input with `input_shape={tuple(asked)}`.",
                ),
            )
        )


def takes(shape: Shape, asked: tuple[int, ...]) -> bool:
    """Whether an input of this shape takes the asked one; None takes any size."""
    return len(shape) == len(asked) and all(size in (None, wanted) for size, wanted in zip(shape, asked, strict=True))


def written(shape: Shape) -> str:
    """``160 x 160 x 3``; ``any`` for an open size."""
    return " x ".join("any" if size is None else str(size) for size in shape)

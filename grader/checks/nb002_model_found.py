"""NB002 model-found."""

from __future__ import annotations

from grader.checks._base import Check, Failed, NotAssessed, Passed, Verdict, Warned
from grader.checks._phases import stopped_cells
from grader.checks._words import locate, sentence
from grader.evidence import Asked, Base, CellError, Evidence
from grader.policy import Policy
from grader.results import Finding

__all__ = ["ModelFound"]

BUILD = (
    "Call the base as a layer of your model, `x = base_model(inputs, training=False)`, add the head to `x`, "
    "and train that model."
)
CONSEQUENCE = "cells before it"
"""In the excuse of a cell of the course's that broke because of the student's."""


class ModelFound(Check):
    """What it checks
    --------------
    The notebook builds a model that holds a pretrained base from `keras.applications`. Names do not matter, nor
    does the style: nested, `Sequential`, `base.output` or a class of your own. Of several such models the one
    that was trained last is judged.

    Why it matters
    --------------
    Transfer learning is a new head on a network that has already learned to see. A base that was made and never
    connected, or a model that starts from nothing, is not transfer learning, however well it is written, and all
    the other checks are about that one model.

    Example
    -------
    The base is there, but the model that is trained does without it.

    ```python
    model = tf.keras.Sequential([tf.keras.layers.Flatten(), tf.keras.layers.Dense(1)])
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

    code = "NB002"
    name = "model-found"
    title = "The notebook builds a model on a pretrained base"

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        if evidence.model is not None and evidence.base is not None:
            return of_asked_base(evidence.base, evidence.asked, policy)
        excuse = next((run.error.excuse for run in evidence.notebook.cells if run.error and is_cause(run.error)), "")
        if excuse:
            return NotAssessed(
                f"No model was found, and the run broke for a reason that is not yours: {sentence(excuse)}"
            )
        expected = "a model that holds a pretrained base"
        tail = stopped_cells(evidence)
        if evidence.model is not None:
            model = evidence.model
            observed = f"`{model.name}`, {model.chosen}, holds no pretrained base"
            message, location = f"The model `{model.name}` ({model.chosen}) holds no pretrained base.", None
        elif evidence.base is not None:
            observed = f"`{evidence.base.application}` was made, and no model holds it"
            message = f"The base `{evidence.base.application}` was made, but no model was built on it."
            location = locate(evidence.base.built)
        else:
            observed, location = "no such model", None
            message = "No cell built a model that holds a pretrained base."
        return Failed(
            (Finding(message=message + tail, expected=expected, observed=observed, location=location, fix=BUILD),)
        )


def of_asked_base(base: Base, asked: Asked | None, policy: Policy) -> Verdict:
    """Whether the base is the network that the assignment asks for."""
    if asked is None or asked.application in ("", base.application):
        return Passed()
    found = Finding(
        message=f"The model is built on `{base.application}`, and the assignment asks for `{asked.application}`.",
        expected=f"a model on `{asked.application}`",
        observed=f"a model on `{base.application}`",
        location=locate(base.built),
        fix=f"Make the base with `{asked.application}(...)`.",
    )
    return Failed((found,)) if policy.other_base == "fail" else Warned((found,))


def is_cause(error: CellError) -> bool:
    """Whether an error that is not the student's fault may be why there is no model: one that only follows from
    cells before it is not."""
    return bool(error.excuse) and CONSEQUENCE not in error.excuse

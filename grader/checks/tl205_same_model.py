"""TL205 same-model."""

from __future__ import annotations

from grader.checks._base import Check, Failed, NotAssessed, Passed, Verdict
from grader.checks._phases import absent, broke_early, broken_off, no_base
from grader.checks._words import locate
from grader.evidence import Evidence, Phase
from grader.policy import Policy
from grader.results import Finding

__all__ = ["SameModel"]


class SameModel(Check):
    """What it checks
    --------------
    Fine-tuning begins with the very weights that the training before it left, in the base and in the head.
    Saving the model and loading it in between is fine.

    Why it matters
    --------------
    Fine-tuning comes second because the head must be of some use first. A model that is built anew, even by the
    same function, has a head of random numbers again: all that the first training learned is thrown away, and
    the unfrozen base gets the large, aimless gradients that freezing was to keep from it.

    Example
    -------
    The model is built a second time before it is fine-tuned.

    ```python
    def build():
        inputs = tf.keras.Input((96, 96, 3))
        x = base_model(inputs, training=False)
        x = tf.keras.layers.GlobalAveragePooling2D()(x)
        return tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))

    base_model.trainable = False
    model = build()
    model.compile("adam", loss)
    model.fit(images, labels)
    ```
    ```python
    base_model.trainable = True
    for layer in base_model.layers[:120]:
        layer.trainable = False
    model = build()
    model.compile(tf.keras.optimizers.Adam(1e-4), loss)
    model.fit(images, labels)
    ```

    Use instead
    -----------
    ```python
    def build():
        inputs = tf.keras.Input((96, 96, 3))
        x = base_model(inputs, training=False)
        x = tf.keras.layers.GlobalAveragePooling2D()(x)
        return tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))

    base_model.trainable = False
    model = build()
    model.compile("adam", loss)
    model.fit(images, labels)
    ```
    ```python
    base_model.trainable = True
    for layer in base_model.layers[:120]:
        layer.trainable = False
    model.compile(tf.keras.optimizers.Adam(1e-4), loss)
    model.fit(images, labels)
    ```
    """

    code = "TL205"
    name = "same-model"
    title = "Fine-tuning goes on with the model that was trained before"
    requires = ("NB002",)

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        if evidence.base is None:
            return no_base()
        phase = evidence.phase("fine-tuning")
        if phase is None:
            return absent(evidence, "fine-tuning")
        if broke_early(phase):
            return broken_off(phase)
        if phase.continues is None:
            return NotAssessed(
                "No training of this model came before the fine-tuning, so there was nothing to go on with."
            )
        return Passed() if phase.continues else Failed((finding(evidence, phase),))


def finding(evidence: Evidence, phase: Phase) -> Finding:
    """The fine-tuned model is not the one that was trained before."""
    head = evidence.phase("head")
    trained = f" The head was trained in cell {head.place.cell}." if head and head.place else ""
    return Finding(
        message=f"The fine-tuning did not begin with the weights that the training before it left.{trained}",
        expected="the weights that the training before left",
        observed="other weights",
        location=locate(phase.place),
        fix="Go on with the same model: change `trainable`, call `compile` and `fit` again, and do not build it anew.",
    )

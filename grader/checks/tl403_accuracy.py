"""TL403 accuracy."""

from __future__ import annotations

from pydantic import Field

from grader.checks import _base
from grader.checks._base import Check, Failed, NotApplicable, NotAssessed, Passed, Verdict
from grader.checks._phases import no_base
from grader.evidence import Evidence
from grader.policy import Policy
from grader.results import Finding

__all__ = ["Accuracy"]


class Accuracy(Check):
    """What it checks
    --------------
    The trained model names enough of the assignment's hidden images rightly: images that no notebook sees while it
    runs. Only a full training on real pretrained weights can be judged by that; under any other the check is skipped.

    Why it matters
    --------------
    Accuracy on images that a model was trained on, or that its author chose it by, is flattered. Images that it never
    met tell what it has learned. They cannot tell *how*: a notebook may get everything about fine-tuning wrong and
    still score well here, so this is no more than one check among others.

    Example
    -------
    The learning rate is so high that training never settles:

    ```python
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base_model(inputs, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile(tf.keras.optimizers.SGD(1e6), loss)
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
    model.compile(tf.keras.optimizers.Adam(1e-3), loss)
    model.fit(images, labels, epochs=20)
    ```
    """

    code = "TL403"
    name = "accuracy"
    title = "At least {minimum:.0%} of the hidden images are named rightly"
    requires = ("NB002", "TL401")
    probes = ("accuracy",)
    example_needs = "real pretrained weights, a full training and hidden images"

    class Parameters(_base.Parameters):
        """Parameters of TL403."""

        minimum: float = Field(default=0.8, gt=0, le=1)
        """Least share of the hidden images (`[files] hidden`) that the model has to name rightly."""

    parameters: Parameters

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        environment, probes = evidence.environment, evidence.probes
        if evidence.base is None:
            return no_base()
        if environment.training != "full":
            return NotApplicable("Training was shortened, so the model's accuracy says nothing about the notebook.")
        if environment.weights != "pretrained":
            return NotApplicable(
                "No real pretrained weights were there, so the accuracy says nothing about the notebook."
            )
        probe = probes.accuracy
        if probe is None:
            return NotAssessed(
                probes.unprobed.get("accuracy", "The model's outputs could not be matched with the hidden images.")
            )
        if probe.total == 0:
            return NotApplicable("The assignment has no hidden images.")
        if probe.correct >= self.parameters.minimum * probe.total:
            return Passed()
        return Failed(
            (
                Finding(
                    message=f"The trained model names {probe.correct} of {probe.total} hidden images rightly "
                    f"({probe.correct / probe.total:.0%}).",
                    expected=f"at least {self.parameters.minimum:.0%}",
                    observed=f"{probe.correct / probe.total:.0%}",
                    fix="Compare training and validation accuracy: where both are low, train longer or check the "
                    "preprocessing; where only validation is low, the model has learned its images by heart.",
                ),
            )
        )

"""TL402 batch-independence."""

from __future__ import annotations

from grader.checks._base import Check, Failed, NotAssessed, Passed, Verdict
from grader.checks._phases import no_base
from grader.checks._words import count
from grader.evidence import BaseCall, Evidence
from grader.evidence_probes import depends_on_mates, differs
from grader.policy import Policy
from grader.results import Finding

__all__ = ["BatchIndependence"]


class BatchIndependence(Check):
    """What it checks
    --------------
    The prediction for an image is the same, whichever other images are predicted with it. It is measured: `predict`
    is given one image alone, and then the same image among others.

    Why it matters
    --------------
    A trained model has one answer for an image. It has several if something in it looks at the whole batch: mostly a
    BatchNorm layer that works in training mode in prediction as well, because `training=True` was passed where
    the layer or the base is called. Then the answer for a cat depends on how many dogs were shown along with it,
    and a single image, as an app would send it, gets the worst answer of all.

    Example
    -------
    ```python
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base_model(inputs, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    x = x - tf.keras.layers.Lambda(lambda t: tf.reduce_mean(t, axis=0, keepdims=True))(x)
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
    x = tf.keras.layers.BatchNormalization()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile("adam", loss)
    model.fit(images, labels)
    ```
    """

    code = "TL402"
    name = "batch-independence"
    title = "An image's prediction does not depend on its batch-mates"
    requires = ("NB002",)
    probes = ("batch",)

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        if evidence.base is None:
            return no_base()
        probe = evidence.probes.batch
        if probe is None:
            return NotAssessed(evidence.probes.unprobed.get("batch", "The model was not probed with images."))
        if probe.mates < 1:
            return NotAssessed("There were not enough images to predict one among others.")
        if not differs(probe):
            return Passed()
        if depends_on_mates(probe) is None:
            return NotAssessed(
                "`predict` gives the same image another answer each time, so nothing tells what its batch-mates do."
            )
        forced = next((call for call in evidence.base.calls if call.training == "true"), None)
        return Failed((dependent(evidence, forced),))


def dependent(evidence: Evidence, forced: BaseCall | None) -> Finding:
    """The answers differ."""
    probe = evidence.probes.batch
    assert probe is not None
    message = (
        f"`predict` gives one image another answer alone than among {count(probe.mates, 'other')}: "
        f"its outputs differ by up to {probe.difference:.2g}."
    )
    fix = "Look for a layer that works on the whole batch in prediction: a BatchNorm called with `training=True`, say."
    if forced is not None:
        message += " The base is called with `training=True`, so its BatchNorm layers use the statistics of each batch."
        fix = "Pass `training=False` where the base is called."
    return Finding(
        message=message,
        expected="the same outputs, whatever is in the batch",
        observed=f"a difference of {probe.difference:.2g}, where outputs are up to {probe.scale:.2g}",
        location=None,
        fix=fix,
    )

"""TL302 augmentation."""

from __future__ import annotations

from grader.checks._base import Check, Failed, NotAssessed, Passed, Verdict, Warned
from grader.checks._phases import no_base
from grader.checks._words import locate
from grader.evidence import Evidence, GraphNode
from grader.evidence_probes import Probes
from grader.policy import Policy
from grader.results import Finding

__all__ = ["Augmentation"]

EXPECTED = "images changed at random in training, and as they are in prediction"


class Augmentation(Check):
    """What it checks
    --------------
    Images are changed at random in training and not in prediction. It is measured: the same images are sent through
    the model several times in each mode, and what reaches the base is compared. Augmentation in a data pipeline
    counts too: random layers or `tf.image.random_...` functions in `Dataset.map`, or an `ImageDataGenerator` with
    arguments such as `rotation_range`.

    Why it matters
    --------------
    Flipped and turned images make a small data set larger and keep the head from learning single pictures by heart.
    In prediction they do harm: the answer for one and the same image would change from call to call. Keras's random
    layers know the difference by the `training` argument that `fit` and `predict` pass down; `training=True` in
    the model's own code takes that away from them.

    Example
    -------
    ```python
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base_model(inputs, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile("adam", loss)
    model.fit(images, labels)
    ```

    Use instead
    -----------
    ```python
    augmentation = tf.keras.Sequential(
        [tf.keras.layers.RandomFlip("horizontal"), tf.keras.layers.RandomRotation(0.2)]
    )
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = augmentation(inputs)
    x = base_model(x, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile("adam", loss)
    model.fit(images, labels)
    ```
    """

    code = "TL302"
    name = "augmentation"
    title = "Augmentation acts in training and not in prediction"
    requires = ("NB002",)
    probes = ("augmentation",)

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        if evidence.base is None:
            return no_base()
        probes = evidence.probes
        probe = probes.augmentation
        if probe is not None and probe.prediction:
            return Failed((in_prediction(evidence),))
        if (probe is not None and probe.training) or in_pipeline(probes):
            warnings = (*overridden(evidence), *validated(probes))
            return Warned(warnings) if warnings else Passed()
        if probe is None:
            return NotAssessed(probes.unprobed.get("augmentation", "The model was not probed with images."))
        return Failed((nowhere(evidence),))


def in_pipeline(probes: Probes) -> bool:
    """Whether something in the data pipeline changes images at random."""
    generators = [one for one in probes.generators if one.use == "training"]
    return any(step.acts for step in probes.random_steps) or any(one.arguments for one in generators)


def forced(evidence: Evidence) -> list[GraphNode]:
    """Augmentation that the model's own code calls with `training=True`: random layers, and models in the model. Keras
    3 notes `True` for random layers whether or not it was passed, so that there only the models tell."""
    base, model = evidence.base, evidence.model
    if base is None or model is None:
        return []
    kinds, told = ("Sequential", "Functional"), evidence.environment.keras_flavour == "2"
    return [
        node
        for node in model.nodes
        if node.training == "true"
        and node.name != base.name
        and (node.kind in kinds or (told and node.kind.startswith("Random")))
    ]


def in_prediction(evidence: Evidence) -> Finding:
    """Images are changed in prediction too."""
    nodes = forced(evidence)
    named = f": `{nodes[0].name}` is called with `training=True`" if nodes else ""
    return Finding(
        message=f"The model changes images at random in prediction too{named}. One image has another answer each time.",
        expected=EXPECTED,
        observed="the same images reached the base differently each time in inference mode",
        fix="Call the augmentation without a `training` argument: `fit` and `predict` pass the right one.",
    )


def overridden(evidence: Evidence) -> tuple[Finding, ...]:
    """`training=True` in the code, which this Keras replaces in `predict` and another one would not."""
    return tuple(
        Finding(
            message=f"`{node.name}` is called with `training=True`. Keras {evidence.environment.keras} overrides that "
            "in `predict`, so no harm is done here; Keras 2 does not, and changes images in prediction too.",
            expected=EXPECTED,
            observed="`training=True` where the augmentation is called",
            fix="Call the augmentation without a `training` argument.",
        )
        for node in forced(evidence)[:1]
    )


def validated(probes: Probes) -> tuple[Finding, ...]:
    """Validation images that come from a generator which changes them."""
    return tuple(
        Finding(
            message="The validation images come from an `ImageDataGenerator` that changes them at random "
            f"(`{one.arguments[0]}`), so validation measures something else than prediction.",
            expected=EXPECTED,
            observed=f"validation data with {', '.join(f'`{name}`' for name in one.arguments)}",
            location=locate(one.place),
            fix="Make a second `ImageDataGenerator` without random arguments for the validation images.",
        )
        for one in [one for one in probes.generators if one.use == "validation" and one.arguments][:1]
    )


def nowhere(evidence: Evidence) -> Finding:
    """Nothing changes images in training."""
    idle = next((step for step in evidence.probes.random_steps if not step.acts), None)
    message = "Images reach the base the same way each time in training, and no random step in the data was seen."
    fix = "Put random layers such as `tf.keras.layers.RandomFlip` before the base, and let `fit` decide when they act."
    if idle is not None:
        message = f"`{idle.what}` is called with `training=False`, so it changes no image in training either."
        fix = "Leave `training=False` out where the training images are augmented."
    return Finding(
        message=message,
        expected=EXPECTED,
        observed="the same images reached the base unchanged in training mode",
        location=locate(idle.place) if idle else None,
        fix=fix,
    )

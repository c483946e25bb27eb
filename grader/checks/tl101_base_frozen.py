"""TL101 base-frozen."""

from __future__ import annotations

from grader.checks._base import Check, Failed, Passed, Verdict
from grader.checks._phases import absent, broke_early, broken_off, no_base
from grader.checks._words import count, locate, span, weighted
from grader.evidence import Base, Evidence, Phase
from grader.policy import Policy
from grader.results import Finding

__all__ = ["BaseFrozen"]


class BaseFrozen(Check):
    """What it checks
    --------------
    While the head was trained, nothing of the base could train, as the model was compiled, and none of the
    base's weights changed. What was compiled counts, and what moved; a flag alone is only a claim.

    Why it matters
    --------------
    A new head begins with random weights, so its first errors are large and say nothing about the images. If the
    base can train, those errors flow down into it as large gradients and overwrite features that took a million
    images to learn. Frozen, the base is a fixed extractor: the head has a few thousand weights to learn, and
    learns them fast.

    Example
    -------
    Nothing freezes the base.

    ```python
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
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base_model(inputs, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile("adam", loss)
    model.fit(images, labels)
    ```
    """

    code = "TL101"
    name = "base-frozen"
    title = "The base stays frozen while the head is trained"
    requires = ("NB002",)

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        base, phase = evidence.base, evidence.phase("head")
        if base is None:
            return no_base()
        if phase is None:
            return absent(evidence, "head")
        if broke_early(phase):
            return broken_off(phase)
        if phase.trainable:
            return Failed((was_trainable(base, phase),))
        if phase.moved:
            return Failed((moved_anyway(base, phase),))
        return Passed()


def was_trainable(base: Base, phase: Phase) -> Finding:
    """Layers of the base could train."""
    carrying, open_layers = len(weighted(base)), len(phase.trainable)
    verb = "was" if open_layers == 1 else "were"
    message = f"{open_layers} of the {carrying} base layers with weights {verb} trainable while the head was trained"
    if open_layers < carrying:
        message += f": {span(base, phase.trainable)}"
    fix = "Set `base_model.trainable = False` before `compile`."
    if not phase.flagged and phase.compiled:
        message += ". `trainable` said that none of them would train, but it said so only after `compile`"
        fix = "Set `base_model.trainable = False` first and call `compile` after it."
    return Finding(
        message=f"{message}.",
        expected="no layer of the base trainable",
        observed=f"{count(open_layers, 'layer')} trainable, {count(len(phase.moved), 'layer')} changed",
        location=locate(phase.compiled or phase.place),
        fix=fix,
    )


def moved_anyway(base: Base, phase: Phase) -> Finding:
    """Nothing could train as compiled, and weights changed all the same."""
    changed = len(phase.moved)
    return Finding(
        message=(
            f"No layer of the base was trainable, yet the weights of {changed} of its {len(weighted(base))} layers "
            f"with weights changed while the head was trained: {span(base, phase.moved)}."
        ),
        expected="the base's weights as they were before",
        observed=f"{count(changed, 'layer')} changed",
        location=locate(phase.place),
        fix=(
            "Look for code that assigns weights during training (`set_weights`, `assign`, a second optimizer), "
            "and leave the base out of it."
        ),
    )

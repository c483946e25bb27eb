"""TL201 recompiled."""

from __future__ import annotations

from grader.checks._base import Check, Failed, NotAssessed, Passed, Verdict
from grader.checks._phases import absent, broke_early, broken_off, no_base
from grader.checks._words import count, locate, span
from grader.evidence import Base, Evidence, Phase
from grader.policy import Policy
from grader.results import Finding

__all__ = ["Recompiled"]


class Recompiled(Check):
    """What it checks
    --------------
    What `trainable` said of the base's layers when fine-tuning began is what was compiled: the layers that it
    named could train, and no others. The order of your lines does not matter, only what came of them.

    Why it matters
    --------------
    `compile` decides which weights the training step updates. Changing `trainable` on a model that has already
    been trained changes the flag and nothing else, until `compile` is called again. Nothing warns you: `fit`
    runs, the loss goes down a little further, and the layers that you unfroze have not moved.

    Example
    -------
    The base is unfrozen after `compile` and `fit`, and trained on as it was.

    ```python
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base_model(inputs, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile("adam", loss)
    model.fit(images, labels)
    ```
    ```python
    base_model.trainable = True
    for layer in base_model.layers[:120]:
        layer.trainable = False
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
    ```python
    base_model.trainable = True
    for layer in base_model.layers[:120]:
        layer.trainable = False
    model.compile(tf.keras.optimizers.Adam(1e-4), loss)
    model.fit(images, labels)
    ```
    """

    code = "TL201"
    name = "recompiled"
    title = "The model is compiled again after layers are unfrozen"
    requires = ("NB002",)

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        base, phase = evidence.base, evidence.phase("fine-tuning")
        if base is None:
            return no_base()
        if phase is None:
            return absent(evidence, "fine-tuning")
        if broke_early(phase):
            return broken_off(phase)
        if not phase.flagged and not phase.trainable:
            return NotAssessed("No layer of the base was unfrozen, so there was nothing to compile again for.")
        if set(phase.flagged) != set(phase.trainable):
            return Failed((finding(base, phase),))
        if policy.trainable_after_compile == "strict" and changed_after_compile(phase):
            return Failed((acted_on_by_chance(phase, evidence),))
        return Passed()


def changed_after_compile(phase: Phase) -> bool:
    """Whether `trainable` said something else when `compile` was called."""
    return phase.flagged_at_compile is not None and set(phase.flagged_at_compile) != set(phase.flagged)


def acted_on_by_chance(phase: Phase, evidence: Evidence) -> Finding:
    """A late change that this Keras went by all the same."""
    at_compile, at_fit = len(phase.flagged_at_compile or ()), len(phase.flagged)
    return Finding(
        message=(
            f"`trainable` was changed after `compile`: {count(at_compile, 'base layer')} would have trained then, "
            f"{at_fit} when the fine-tuning began. Keras {evidence.environment.keras} still acts on that before the "
            "first `fit`; Keras 2 does not."
        ),
        expected="no change of `trainable` after `compile`",
        observed=f"{count(at_compile, 'layer')} at `compile`, {at_fit} at `fit`",
        location=locate(phase.compiled or phase.place),
        fix="Call `model.compile(...)` after the last change of `trainable` and before `fit`.",
    )


def finding(base: Base, phase: Phase) -> Finding:
    """What was said against what could train."""
    said, could = len(phase.flagged), len(phase.trainable)
    verb = "would train" if phase.flagged else "would train any more"
    message = (
        f"`trainable` said that {count(said, 'base layer') if said else 'no base layer'} {verb} in the fine-tuning"
    )
    if said:
        message += f", {span(base, phase.flagged)}"
    reality = f"{could if could else 'none'} of the base's layers could"
    if phase.kind == "custom":
        message += f", but in the training step that ran {reality}."
        fix = "Make the training step (`tf.function`) and its optimizer anew after the last change of `trainable`."
    else:
        message += f", but as the model was compiled {reality}."
        fix = "Call `model.compile(...)` after the last change of `trainable` and before `fit`."
    return Finding(
        message=message,
        expected=f"{count(said, 'layer')} trainable as compiled",
        observed=f"{count(could, 'layer')} trainable as compiled",
        location=locate(phase.place),
        fix=fix,
    )

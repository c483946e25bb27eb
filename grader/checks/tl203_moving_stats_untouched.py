"""TL203 moving-stats-untouched."""

from __future__ import annotations

import math

from grader.checks._base import Check, Failed, NotApplicable, NotAssessed, Passed, Verdict, Warned
from grader.checks._phases import ROLES, broke_early, broken_off, no_base, stopped_cells
from grader.checks._words import batchnorms, locate
from grader.evidence import Base, Drift, Evidence, Phase
from grader.policy import Policy
from grader.results import Finding

__all__ = ["MovingStatsUntouched"]

FREEZE_BATCHNORM = (
    "freeze the BatchNorm layers one by one before `compile`: `for layer in base_model.layers: "
    "if isinstance(layer, tf.keras.layers.BatchNormalization): layer.trainable = False`"
)
MEDDLED = (
    "Look for code beside the model's own training that calls the base with `training=True` or assigns its weights."
)


class MovingStatsUntouched(Check):
    """What it checks
    --------------
    No moving mean and no moving variance of the base's BatchNorm layers changed in any training. This is
    measured on the weights, before and after, on the Keras that ran your notebook. If they changed only because
    Keras 3 overrides a `training=False` that you passed rightly, you are told and it costs nothing (unless the
    assignment decides otherwise).

    Why it matters
    --------------
    The moving mean and variance are weights that no gradient touches: BatchNorm in training mode pulls them
    towards the statistics of each batch. Those of ImageNet come from a million images; yours come from a few
    batches. Once they have gone, every layer behind them is fed with numbers that it was not trained for, and
    `evaluate` shows it, since that is where the moving statistics are used.

    `training=False` should hold them still. In Keras 2 it does. In some releases of Keras 3, `fit` passes its
    own `training=True` down through a functional model, over the argument in your code. What holds them still in
    every Keras is to freeze the BatchNorm layers themselves: frozen, they run in inference mode.

    Example
    -------
    ```python
    base_model.trainable = True
    for layer in base_model.layers[:120]:
        layer.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base_model(inputs)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile(tf.keras.optimizers.Adam(1e-4), loss)
    model.fit(images, labels)
    ```

    Use instead
    -----------
    ```python
    base_model.trainable = True
    for layer in base_model.layers:
        if layer in base_model.layers[:120] or isinstance(layer, tf.keras.layers.BatchNormalization):
            layer.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base_model(inputs, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile(tf.keras.optimizers.Adam(1e-4), loss)
    model.fit(images, labels)
    ```
    """

    code = "TL203"
    name = "moving-stats-untouched"
    title = "The base's moving means and variances stay untouched"
    requires = ("NB002",)

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        base = evidence.base
        if base is None:
            return no_base()
        if not batchnorms(base):
            return NotApplicable(f"`{base.application}` has no BatchNorm layers, so it has no moving statistics.")
        if not evidence.phases:
            return NotAssessed(f"The model was never trained.{stopped_cells(evidence)}")
        drifted = [phase for phase in evidence.phases if phase.drift]
        meddled = [phase for phase in evidence.phases if phase.drift_before]
        if drifted or meddled:
            findings = tuple(finding(base, phase, evidence, policy) for phase in drifted)
            forgiven = all(
                overridden(base, phase, evidence) and policy.framework_override == "forgive" for phase in drifted
            )
            if forgiven and not meddled:
                return Warned(findings)
            return Failed((*(outside_training(base, phase) for phase in meddled), *findings))
        broken = next((phase for phase in evidence.phases if broke_early(phase) and phase.role != "other"), None)
        return broken_off(broken) if broken else Passed()


def rightly_called(base: Base) -> bool:
    """Whether `training=False` was passed in every call of the base."""
    return bool(base.calls) and all(call.training == "false" for call in base.calls)


def overridden(base: Base, phase: Phase, evidence: Evidence) -> bool:
    """Whether Keras 3 alone moved these statistics: its functional models let `fit` override the call's argument.
    A custom loop that calls the model with `training=True` meets the same; a subclassed model's own call does not."""
    functional = base.style != "subclassed"
    return evidence.environment.keras_flavour == "3" and functional and rightly_called(base)


def finding(base: Base, phase: Phase, evidence: Evidence, policy: Policy) -> Finding:
    """How many layers' statistics changed in a phase, which one's most, and what made them."""
    where = f" in cell {phase.place.cell}" if phase.place else ""
    changed, total = len(phase.drift), len(batchnorms(base))
    message = (
        f"In {ROLES[phase.role]}{where} the moving statistics of {changed} of the base's {total} BatchNorm layers "
        f"changed, those of {furthest(base, phase.drift)}."
    )
    if overridden(base, phase, evidence):
        override = f"Keras {evidence.environment.keras} overrides that during `fit`"
        if policy.framework_override == "forgive":
            message += f" Your code is right: the base was called with `training=False`, and {override}."
        else:
            message += (
                f" The base was called with `training=False`, as it should be, but {override}, "
                "and in this assignment they must not move."
            )
    return Finding(
        message=message,
        expected="moving statistics as they were before",
        observed=f"{changed} of {total} BatchNorm layers changed",
        location=locate(phase.place),
        fix=remedy(base, phase, evidence, policy),
    )


def outside_training(base: Base, phase: Phase) -> Finding:
    """Statistics that changed between two phases: no framework does that."""
    changed, total = len(phase.drift_before), len(batchnorms(base))
    return Finding(
        message=f"Before {ROLES[phase.role]} began, outside all training, the moving statistics of {changed} of the "
        f"base's {total} BatchNorm layers changed, those of {furthest(base, phase.drift_before)}.",
        expected="moving statistics as the training before left them",
        observed=f"{changed} of {total} BatchNorm layers changed",
        location=locate(phase.place),
        fix=MEDDLED,
    )


def furthest(base: Base, drift: tuple[Drift, ...]) -> str:
    """The layer whose statistics went the furthest, and how far."""
    names = {layer.index: layer.name for layer in base.layers}
    worst = max(drift, key=lambda one: max(comparable(one.mean), comparable(one.variance)))
    layer = f"`{names.get(worst.layer, '?')}` ({worst.layer}) most"
    if not (math.isfinite(worst.mean) and math.isfinite(worst.variance)):
        return f"{layer}: they are no longer finite numbers"
    if worst.mean >= worst.variance:
        return f"{layer}: its moving mean by {worst.mean:.2g} standard deviations"
    return f"{layer}: its moving variance by {worst.variance:.1%}"


def comparable(value: float) -> float:
    """A distance that can be compared: what is no number is the worst."""
    return math.inf if math.isnan(value) else value


def remedy(base: Base, phase: Phase, evidence: Evidence, policy: Policy) -> str:
    """What keeps the statistics still, by what moved them."""
    if overridden(base, phase, evidence):
        calm = "Nothing needs to change for this assignment. " if policy.framework_override == "forgive" else ""
        return f"{calm}To hold the statistics still in this Keras too, {FREEZE_BATCHNORM}."
    if not rightly_called(base):
        freeze = (
            "Freeze the base while the head is trained (TL101). " if phase.role == "head" and phase.trainable else ""
        )
        return f"{freeze}Call the base with `training=False`: this follows from TL103."
    if phase.kind == "custom":
        return f"`model(x, training=True)` in a training loop can put the base in training mode: {FREEZE_BATCHNORM}."
    return MEDDLED

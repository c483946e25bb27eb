"""TL202 finetuned-layers."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from grader.checks._base import Check, Failed, NotAssessed, Parameters, Passed, Verdict, Warned
from grader.checks._phases import broke_early, broken_off, no_base, stopped_cells
from grader.checks._words import batchnorms, count, locate, span, weighted
from grader.evidence import Base, Evidence, Phase
from grader.policy import Policy
from grader.results import Finding

__all__ = ["FinetunedLayers", "FinetunedLayersParameters"]


class FinetunedLayersParameters(Parameters):
    """Which layers are asked for."""

    start: int = Field(default=120, ge=0)
    """Index of the first base layer to fine-tune, in the application's `layers`, from 0."""

    tolerance: int = Field(default=1, ge=0)
    """How many layers the start may be off: the numbering shifts by one between versions of Keras."""


class FinetunedLayers(Check):
    """What it checks
    --------------
    In the fine-tuning, the base's layers from the asked one on could train, as the model was compiled, and the
    layers below could not; and what changed agrees with that. Only layers with weights count, and a start that
    is one off because of the numbering is fine. BatchNorm layers may be left frozen throughout, unless the
    assignment refuses it.

    Why it matters
    --------------
    The first layers of a network see edges and colors, which are the same in any photograph; the last ones see
    what ImageNet asked for. So the last ones are worth adapting, and the first ones are worth keeping. Unfreeze
    all, and a small data set is free to spoil two million weights; unfreeze nothing, and the second training
    repeats the first.

    Example
    -------
    The slice is the wrong way round: the first layers train and the last ones are frozen.

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
    for layer in base_model.layers[120:]:
        layer.trainable = False
    model.compile(tf.keras.optimizers.Adam(1e-4), loss)
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

    code = "TL202"
    name = "finetuned-layers"
    title = "Layers from {start} on are fine-tuned, the others are not"
    requires = ("NB002",)
    Parameters = FinetunedLayersParameters
    parameters: FinetunedLayersParameters

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        base, phase, start = evidence.base, evidence.phase("fine-tuning"), self.parameters.start
        if base is None:
            return no_base()
        asked = layers_from(base, start)
        if not asked:
            return NotAssessed(
                f"`{base.application}` has {count(len(base.layers), 'layer')}, and none with weights from {start} on."
            )
        if phase is None:
            return Failed((never_ran(base, asked, evidence),))
        if broke_early(phase):
            return broken_off(phase)
        starts = range(start - self.parameters.tolerance, start + self.parameters.tolerance + 1)
        if not any(agrees(base, phase.trainable, layers_from(base, one), policy) for one in starts):
            wrong = wrong_layers(base, phase, asked, self.parameters, policy)
            more = covers(base, phase.trainable, asked, policy) and set(phase.moved) <= set(phase.trainable)
            return Warned((wrong,)) if more and policy.extra_layers == "warn" else Failed((wrong,))
        outside = set(phase.moved) - set(phase.trainable)
        if outside:
            return Failed((moved_outside(base, phase, outside),))
        if phase.moved or phase.error:
            return Passed()
        return nothing_moved(phase, evidence)


def layers_from(base: Base, start: int) -> frozenset[int]:
    """Layers with weights from `start` on."""
    return frozenset(index for index in weighted(base) if index >= start)


def agrees(base: Base, trainable: Iterable[int], wanted: frozenset[int], policy: Policy) -> bool:
    """Whether these are the wanted layers, or the wanted ones without any BatchNorm layer where that is accepted."""
    could = frozenset(trainable)
    without = wanted - batchnorms(base)
    return bool(could) and (could == wanted or (policy.batchnorm_frozen == "accept" and could == without))


def covers(base: Base, trainable: Iterable[int], asked: frozenset[int], policy: Policy) -> bool:
    """Whether all the asked layers could train, whatever else could."""
    least = asked - batchnorms(base) if policy.batchnorm_frozen == "accept" else asked
    return least <= frozenset(trainable)


def asked_for(base: Base, asked: Iterable[int]) -> str:
    """``layers 120 (`...`) to 152 (`...`) were asked for``."""
    return f"layers {span(base, asked)} were asked for"


def slice_fix(start: int) -> str:
    """The textbook lines."""
    return (
        f"Set `base_model.trainable = True`, then `for layer in base_model.layers[:{start}]: layer.trainable = False`, "
        "and call `compile` after it."
    )


def never_ran(base: Base, asked: Iterable[int], evidence: Evidence) -> Finding:
    """No second training."""
    head = evidence.phase("head")
    ran = "only the head was trained" if head else "the model was never trained"
    if evidence.phases and not head:
        ran = "no training after the head's was found"
    return Finding(
        message=f"The fine-tuning never ran: {ran}, and {asked_for(base, asked)}.{stopped_cells(evidence)}",
        expected="a second training with these layers unfrozen",
        observed="no fine-tuning",
        location=locate(head.place) if head else None,
        fix="Train the head first, then unfreeze these layers, call `compile` with a lower learning rate, and `fit`.",
    )


def wrong_layers(
    base: Base, phase: Phase, asked: frozenset[int], parameters: FinetunedLayersParameters, policy: Policy
) -> Finding:
    """Others could train than were asked for."""
    could, everything = frozenset(phase.trainable), frozenset(weighted(base))
    stale = frozenset(phase.flagged) != could
    fix = slice_fix(parameters.start)
    if not could and phase.flagged:
        message = (
            "No layer of the base could train in the fine-tuning: `trainable` said that "
            f"{count(len(phase.flagged), 'layer')} would, but that was not compiled (see TL201)."
        )
        fix = "Call `model.compile(...)` after the last change of `trainable` and before `fit`."
    elif not could:
        message = (
            f"Nothing of the base was unfrozen: the fine-tuning trained the head again, and {asked_for(base, asked)}."
        )
        fix += " Take care that `base_model` is the very base that the model holds."
    else:
        message = f"{what_could(base, could)}; {asked_for(base, asked)}."
        if stale and any(
            agrees(base, phase.flagged, layers_from(base, parameters.start + off), policy)
            for off in range(-parameters.tolerance, parameters.tolerance + 1)
        ):
            message += " `trainable` said so too, but that was not compiled (see TL201)."
            fix = "Call `model.compile(...)` after the last change of `trainable` and before `fit`."
        elif could == everything - asked:
            message += " That is the other way round."
        elif could == asked - batchnorms(base):
            message += " This assignment asks for the BatchNorm layers too."
    return Finding(
        message=message,
        expected=f"{count(len(asked), 'layer')} with weights trainable: {span(base, asked)}",
        observed=f"{len(could)} trainable, {len(could & asked)} of them among those asked for",
        location=locate(phase.place),
        fix=fix,
    )


def what_could(base: Base, could: frozenset[int]) -> str:
    """The layers that could train, as the first half of a sentence."""
    everything = frozenset(weighted(base))
    if could == everything:
        return f"All {len(everything)} of the base's layers with weights were trainable in the fine-tuning"
    verb = "was" if len(could) == 1 else "were"
    return f"{'Layer' if len(could) == 1 else 'Layers'} {span(base, could)} {verb} trainable in the fine-tuning"


def moved_outside(base: Base, phase: Phase, outside: set[int]) -> Finding:
    """Weights changed that could not train as compiled."""
    return Finding(
        message=(
            "The right layers were trainable in the fine-tuning, but the weights of "
            f"{count(len(outside), 'other base layer')} changed too: {span(base, outside)}."
        ),
        expected="no change below the layers that were fine-tuned",
        observed=f"{count(len(phase.moved), 'layer')} changed, {len(phase.trainable)} were trainable",
        location=locate(phase.place),
        fix=(
            "Look for code that assigns weights during training (`set_weights`, `assign`, a second optimizer), "
            "and leave these layers out of it."
        ),
    )


def nothing_moved(phase: Phase, evidence: Evidence) -> Verdict:
    """The right layers could train and none of them moved. One bounded step can meet a gradient of zero by chance,
    which is no fault; a rate of zero, a loop that skips the base, or a full training without effect is one."""
    message = f"The right layers were trainable in the fine-tuning, but none of the {len(phase.trainable)} changed"
    chance = False
    if phase.learning_rate == 0:
        message += ": the learning rate was 0"
        fix = "Give the optimizer a learning rate above 0, such as a tenth of the first one."
    elif phase.kind == "custom" and phase.head.moved:
        message += ", while the head did"
        fix = "Apply the gradients of `model.trainable_variables`, those of the base among them."
    else:
        chance = evidence.environment.training == "bounded"
        message += " in the one short run that the grader made" if chance else ", though it was trained in full"
        fix = "Look at the loss and at what the head returns: a gradient that is zero everywhere changes nothing."
    finding = Finding(
        message=f"{message}.",
        expected="layers that change as they are fine-tuned",
        observed=f"0 of {len(phase.trainable)} layers changed",
        location=locate(phase.place),
        fix=fix,
    )
    return Warned((finding,)) if chance else Failed((finding,))

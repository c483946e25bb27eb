"""TL103 inference-mode."""

from __future__ import annotations

from grader.checks._base import Check, Failed, NotApplicable, NotAssessed, Passed, Verdict
from grader.checks._mend import with_training_false
from grader.checks._phases import ROLES, batchnorm_kept_frozen, broke_early, no_base, unfrozen_batchnorms
from grader.checks._words import batchnorms, count, locate
from grader.evidence import Base, BaseCall, Evidence, Phase
from grader.policy import Policy
from grader.results import Finding

__all__ = ["InferenceMode"]

HELD_AS = {
    "sequential": "The base is a layer of a `Sequential`",
    "flattened": "The base's layers lie in the model itself (`base_model.output`)",
}


class InferenceMode(Check):
    """What it checks
    --------------
    Wherever the model is built, the base is called with `training=False`. Two things count as the same: BatchNorm
    layers that are frozen one by one whenever the base is fine-tuned (unless the assignment refuses it), and, in
    a `Sequential` or a model on `base_model.output`, where there is no such call, BatchNorm layers that
    never trained.

    Why it matters
    --------------
    `trainable` and `training` are two different switches. `trainable` says which weights gradients may change:
    kernels, gamma, beta. `training` says what BatchNorm does with its moving mean and variance: with
    `training=True` it normalizes by the batch at hand and moves the statistics towards it; with `training=False`
    (inference mode) it uses the statistics that it learned on ImageNet and leaves them be. Small batches of new
    images are a poor replacement for these.

    A frozen BatchNorm layer is put in inference mode as well. That is why a forgotten `training=False`
    does no harm in phase 1 and shows only after unfreezing.

    Example
    -------
    ```python
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base_model(inputs)
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

    code = "TL103"
    name = "inference-mode"
    title = "The base is called with `training=False`"
    requires = ("NB002",)

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        base = evidence.base
        if base is None:
            return no_base()
        if not batchnorms(base):
            return NotApplicable(
                f"`{base.application}` has no BatchNorm layers, so `training=False` changes nothing in them."
            )
        wrong = wrong_calls(base)
        if base.style in HELD_AS and not any(call.training == "true" for call in wrong):
            return by_effect(base, evidence, policy)
        if not base.calls:
            return NotAssessed("No call of the base was seen, so nothing tells how it was called.")
        if not wrong:
            return Passed()
        if policy.batchnorm_frozen == "accept" and batchnorm_kept_frozen(base, evidence.phases):
            return Passed()
        return Failed(tuple(of_call(call, base, evidence) for call in wrong))


def wrong_calls(base: Base) -> tuple[BaseCall, ...]:
    """Calls without `training=False`, each once: one without a place is left out where another has one."""
    wrong = {(call.training, call.place): call for call in base.calls if call.training != "false"}
    placed = {call.training for call in wrong.values() if call.place}
    return tuple(call for call in wrong.values() if call.place or call.training not in placed)


def by_effect(base: Base, evidence: Evidence, policy: Policy) -> Verdict:
    """The verdict for a base that is never called: were its BatchNorm layers in inference mode in every training?"""
    if base.calls and all(call.training == "false" and call.source == "config" for call in base.calls):
        return Passed()
    ran = [phase for phase in evidence.phases if not broke_early(phase)]
    for phase in evidence.phases:
        if phase.role == "other" and phase not in ran:
            continue
        if unfrozen_batchnorms(base, [phase]):
            return Failed((without_call(base, phase, policy),))
    if not ran:
        return NotAssessed(
            f"{HELD_AS[base.style]}, and it was never trained, so nothing tells what its BatchNorm layers do."
        )
    if policy.batchnorm_frozen == "refuse" and batchnorm_kept_frozen(base, ran):
        phase = next(phase for phase in ran if phase.trainable)
        return Failed((without_call(base, phase, policy),))
    return Passed()


def without_call(base: Base, phase: Phase, policy: Policy) -> Finding:
    """A `Sequential` or flattened model whose BatchNorm layers trained, or were frozen where that is refused."""
    unfrozen = unfrozen_batchnorms(base, [phase])
    total = len(batchnorms(base))
    message = f"{HELD_AS[base.style]}, so no call says `training=False`: "
    if unfrozen:
        when = f"{ROLES[phase.role]}{f' in cell {phase.place.cell}' if phase.place else ''}"
        message += f"{len(unfrozen)} of its {total} BatchNorm layers followed the `training=True` of {when}."
        observed = f"{count(len(unfrozen), 'BatchNorm layer')} in training mode"
    else:
        message += (
            "its BatchNorm layers were kept still by freezing them one by one, which this assignment does not accept."
        )
        observed = "BatchNorm layers frozen one by one"
    fix = "Call the base as a layer of a functional model, `x = base_model(inputs, training=False)`"
    if policy.batchnorm_frozen == "accept":
        fix += ", or keep its BatchNorm layers frozen while you fine-tune the others"
    return Finding(
        message=message,
        expected="the base in inference mode",
        observed=observed,
        location=locate(phase.place),
        fix=f"{fix}.",
    )


def of_call(call: BaseCall, base: Base, evidence: Evidence) -> Finding:
    """A call of the base without `training=False`."""
    said = "with `training=True`" if call.training == "true" else "without `training=False`"
    code = call.place.code if call.place else ""
    mended = with_training_false(code)
    fallback = "`training=True`" if call.training == "true" else "nothing passed for `training`"
    return Finding(
        message=f"The base is called {said}. {consequence(call, base, evidence)}",
        expected="the base called with `training=False`",
        observed=f"`{code}`" if code else fallback,
        location=locate(call.place),
        fix="Pass `training=False` where the base is called, as in `x = base_model(x, training=False)`.",
        suggestion=mended,
    )


def consequence(call: BaseCall, base: Base, evidence: Evidence) -> str:
    """What came of the call, or what hides it."""
    unfrozen = unfrozen_batchnorms(base, evidence.phases)
    if not unfrozen:
        return (
            "Freezing hides it: a frozen BatchNorm layer runs in inference mode anyway. Once the base is unfrozen, "
            "its BatchNorm layers work with the statistics of each batch and lose their own."
        )
    if base.style == "subclassed" and not any(phase.drift for phase in evidence.phases):
        return (
            f"With Keras {evidence.environment.keras} no `training=True` reached it from around it, so its moving "
            "statistics stayed all the same. Do not count on that: elsewhere its BatchNorm layers, once unfrozen, "
            "work with the statistics of each batch and lose their own."
        )
    even = " and in `predict`" if call.training == "true" and evidence.environment.keras_flavour == "2" else ""
    return (
        f"So {len(unfrozen)} of its {len(batchnorms(base))} BatchNorm layers, unfrozen, worked with the statistics of "
        f"each batch in training{even} and lost their own."
    )

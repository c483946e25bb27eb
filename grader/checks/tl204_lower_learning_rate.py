"""TL204 lower-learning-rate."""

from __future__ import annotations

from pydantic import Field

from grader.checks._base import Check, Failed, NotAssessed, Parameters, Passed, Verdict
from grader.checks._phases import ROLES, absent, broke_early, broken_off, no_base
from grader.checks._words import locate
from grader.evidence import Evidence, Phase
from grader.policy import Policy
from grader.results import Finding

__all__ = ["LowerLearningRate", "LowerLearningRateParameters"]

TOLERANCE = 1e-4
"""Relative; rates are kept as float32, in which 0.1 times 0.001 is not quite 0.0001."""


class LowerLearningRateParameters(Parameters):
    """Keys of TL204 in the TOML."""

    fraction: float = Field(default=0.1, gt=0, le=1)
    """Largest rate of the fine-tuning, as a fraction of the rate that the head was trained with."""


class LowerLearningRate(Check):
    """What it checks
    --------------
    The fine-tuning begins with a learning rate that is at most the given fraction of the one with which the training
    of the head began. The rate that was in force at the first step counts, wherever it comes from: the optimizer,
    a schedule or a callback.

    Why it matters
    --------------
    The unfrozen layers hold features that took a million images to learn. A step as large as the one that a new head
    needs destroys in a few batches what was the reason for using them. A rate ten times smaller adapts them instead.

    Example
    -------
    ```python
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base_model(inputs, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile(tf.keras.optimizers.Adam(1e-3), loss)
    model.fit(images, labels)
    ```
    ```python
    base_model.trainable = True
    for layer in base_model.layers[:120]:
        layer.trainable = False
    model.compile(tf.keras.optimizers.Adam(1e-3), loss)
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

    code = "TL204"
    name = "lower-learning-rate"
    title = "The learning rate of the fine-tuning is at most {fraction:g} times that of the head"
    requires = ("NB002",)
    Parameters = LowerLearningRateParameters
    parameters: LowerLearningRateParameters

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        if evidence.base is None:
            return no_base()
        head, tuning = evidence.phase("head"), evidence.phase("fine-tuning")
        if head is None:
            return absent(evidence, "head")
        if tuning is None:
            return absent(evidence, "fine-tuning")
        # Layers that were unfrozen too late to train count: the rate was chosen for them, or left as it was.
        if not unfrozen(tuning):
            return NotAssessed("No layer of the base was unfrozen, so there was no fine-tuning to lower the rate for.")
        for phase in (head, tuning):
            if broke_early(phase):
                return broken_off(phase)
        # Where the base was never frozen, the training of the head looks like a step of the fine-tuning.
        steps = [phase for phase in lineage(evidence.phases, tuning) if phase.index > head.index]
        return self.compare(lineage(evidence.phases, head), steps)

    def compare(self, heads: list[Phase], tunings: list[Phase]) -> Verdict:
        """The verdict on phases that trained the head alone, and phases that trained of the base too, latest first."""
        for phase in (heads[0], tunings[0]):
            if phase.learning_rate is None:
                return NotAssessed(f"The learning rate of {ROLES[phase.role]} could not be told.")
        head = max(heads, key=rate)
        most = self.parameters.fraction * rate(head)
        too_high = [phase for phase in reversed(tunings) if rate(phase) > most * (1 + TOLERANCE)]
        if not too_high:
            return Passed()
        return Failed((finding(head, too_high[0], most),))


def rate(phase: Phase) -> float:
    """The learning rate; 0 where it is not known."""
    return phase.learning_rate or 0.0


def unfrozen(phase: Phase) -> bool:
    """Whether any layer of the base was, whether or not it could train as compiled."""
    return bool(phase.trainable or phase.flagged)


def lineage(phases: tuple[Phase, ...], last: Phase) -> list[Phase]:
    """A phase and those right before it that went on with the same weights and trained as much of the base: none of
    it, or some. Students lower the rate, or unfreeze, in more than one step."""
    chain = [last]
    for phase in reversed(phases[: last.index - 1]):
        if not chain[-1].continues or unfrozen(phase) != unfrozen(last):
            break
        chain.append(phase)
    return chain


def finding(head: Phase, tuning: Phase, most: float) -> Finding:
    """The rate is too high."""
    first, second = rate(head), rate(tuning)
    where = "".join(
        f" {ROLES[phase.role][0].upper()}{ROLES[phase.role][1:]} got its rate from a {phase.rate_from}."
        for phase in (head, tuning)
        if phase.rate_from != "optimizer"
    )
    fix = (
        f"Compile for the fine-tuning with a smaller rate, such as `tf.keras.optimizers.Adam(learning_rate={most:g})`."
    )
    return Finding(
        message=(
            f"The fine-tuning began with a learning rate of {second:g}, which is {compared(first, second)} the "
            f"{first:g} of the head.{where}"
        ),
        expected=f"a learning rate of at most {most:g}",
        observed=f"a learning rate of {second:g}",
        location=locate(tuning.compiled or tuning.place),
        fix=fix,
    )


def compared(first: float, second: float) -> str:
    """``the same as``, ``0.5 times``, ``more than``: goes before the first rate."""
    if abs(second - first) <= TOLERANCE * first:
        return "the same as"
    return f"{second / first:.3g} times" if first else "more than"

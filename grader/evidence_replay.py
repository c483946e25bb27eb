"""What the grader measured itself, on the student's model rebuilt in a process that no code of the student's ran in.

It is part of `grader.evidence.Evidence`. All of it are *outcomes*: this config with these weights and these flags
behaves so. That the notebook trained this model, and when, is a claim of *process*, which rests on the recorder.
"""

from __future__ import annotations

from typing import Literal

from grader.evidence_base import Drift, Frozen

__all__ = [
    "Answer",
    "Counterfactual",
    "Disagreement",
    "Mend",
    "Mode",
    "Replay",
    "ReplayedPhase",
    "Step",
]

Mode = Literal["unset", "false", "true"]
"""The `training` argument with which the model as a whole is called. `predict` passes ``false``, `fit` ``true``."""
Mend = Literal["inference-mode", "batchnorm-frozen", "base-frozen", "layers-unfrozen"]


class Step(Frozen):
    """One eager step of training on two images: what could change, and what did."""

    trainable: tuple[int, ...]
    """Base layers with a weight that gradients could change."""
    gradients: tuple[int, ...]
    """Base layers with a weight that a gradient reached (it may be zero)."""
    moved: tuple[int, ...]
    """Base layers with a weight that changed."""
    drift: tuple[Drift, ...] = ()
    """Base layers whose moving mean or variance changed."""
    head_trainable: int
    """Tensors outside the base that gradients could change."""
    head_moved: int
    """Those that changed."""


class ReplayedPhase(Frozen):
    """A phase of training, made again from the weights that it began with and the flags as they were compiled."""

    index: int
    """Of the phase in `Evidence.phases`."""
    step: Step


class Answer(Frozen):
    """What the model gives for one image, alone and among others."""

    training: Mode
    alone: tuple[float, ...]
    """Its outputs, the first ten at most."""
    together: tuple[float, ...]
    difference: float
    """Largest difference between the two."""
    noise: float
    """The same between two times alone: what chance explains."""
    scale: float
    """Largest absolute output."""
    mates: int
    """Number of other images in its batch."""
    drift: tuple[int, ...] = ()
    """Base layers whose moving statistics such calls change."""


class Counterfactual(Frozen):
    """The same model with one fault mended, measured in the same way."""

    mend: Mend
    """``inference-mode``: the base called with `training=False`. ``batchnorm-frozen``: each BatchNorm layer of the base
    frozen. ``base-frozen``: the whole base. ``layers-unfrozen``: the base trainable from `start` on, and only there."""
    phase: int | None = None
    """Index of the phase that `step` is of."""
    start: int | None = None
    """First base layer that is trainable, where that is what was mended."""
    step: Step | None = None
    answer: Answer | None = None


class Disagreement(Frozen):
    """Something that the recorder and the replay do not say alike."""

    what: Literal["trainable", "moved", "statistics", "batch"]
    phase: int | None = None
    """Index of the phase; None where it is about the trained model."""
    recorded: tuple[int, ...] = ()
    """Base layers by the recorder."""
    replayed: tuple[int, ...] = ()
    """Base layers by the replay."""


class Replay(Frozen):
    """The second opinion on a submission."""

    why: Literal["always", "failed", "suspicious", "sampled"]
    """What it was asked for: the policy, a check that failed, evidence that does not fit together, or chance."""
    outcome: Literal["done", "refused", "impossible", "misfit", "broke"]
    """``refused``: the model holds what is not run here. ``impossible``: it cannot be rebuilt from its config.
    ``misfit``: what was written down of it does not belong together. ``broke``: the grader failed at it."""
    reason: str = ""
    """Why it was not done, as a sentence; empty where it was."""
    answers: tuple[Answer, ...] = ()
    """Of the trained model, a mode each."""
    phases: tuple[ReplayedPhase, ...] = ()
    counterfactuals: tuple[Counterfactual, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
    unmeasured: tuple[str, ...] = ()
    """What was to be measured and was not, each as a sentence."""

    def answer(self, training: Mode) -> Answer | None:
        """The answer in this mode, if it was measured."""
        return next((answer for answer in self.answers if answer.training == training), None)

    def step(self, phase: int) -> Step | None:
        """The step of this phase, if it was made."""
        return next((one.step for one in self.phases if one.index == phase), None)

    def counterfactual(self, mend: Mend, phase: int | None = None) -> Counterfactual | None:
        """What was measured with this mended (in this phase; None: of the trained model's answers)."""
        return next((one for one in self.counterfactuals if (one.mend, one.phase) == (mend, phase)), None)

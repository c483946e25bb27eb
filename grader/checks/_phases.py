"""What several checks ask of a phase of training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from grader.checks._base import NotAssessed
from grader.checks._words import batchnorms, cells, plain, sentence
from grader.evidence import Base, Evidence, Phase

__all__ = [
    "ROLES",
    "absent",
    "batchnorm_kept_frozen",
    "broke_early",
    "broken_off",
    "no_base",
    "stopped_cells",
    "unfrozen_batchnorms",
]

ROLES = {"head": "the training of the head", "fine-tuning": "the fine-tuning", "other": "the training"}


def broke_early(phase: Phase) -> bool:
    """Whether training broke off before its first step was done, so that what moved says nothing."""
    return bool(phase.error) and not phase.steps and not phase.moved and phase.head.moved == 0


def broken_off(phase: Phase) -> NotAssessed:
    """The verdict for a phase of which there is nothing to judge."""
    where = f" in cell {phase.place.cell}" if phase.place else ""
    began = ROLES[phase.role]
    return NotAssessed(
        sentence(f"{began[0].upper()}{began[1:]}{where} broke off before its first step: {plain(phase.error)}")
    )


def no_base() -> NotAssessed:
    """The verdict where there is no base to speak of."""
    return NotAssessed("No model that holds a pretrained base was found.")


def absent(evidence: Evidence, role: Literal["head", "fine-tuning"]) -> NotAssessed:
    """The verdict where the phase that a check needs was never reached."""
    if not evidence.phases:
        return NotAssessed(f"The model was never trained.{stopped_cells(evidence)}")
    missing = "a training of the head" if role == "head" else "a fine-tuning"
    return NotAssessed(f"The notebook trained the model, but {missing} was not among it.{stopped_cells(evidence)}")


def stopped_cells(evidence: Evidence) -> str:
    """`` Cells 9 and 12 did not run to their end.``, with a blank before; empty where all did."""
    stopped = [run.cell for run in evidence.notebook.cells if run.status != "ran"]
    return f" {cells(stopped)} did not run to {'its' if len(stopped) == 1 else 'their'} end." if stopped else ""


def unfrozen_batchnorms(base: Base, phases: Iterable[Phase]) -> frozenset[int]:
    """BatchNorm layers of the base that some phase trained, or whose statistics it changed: not in inference mode
    unless a `training=False` put them there."""
    return frozenset(
        index
        for phase in phases
        for index in {*phase.trainable, *(drift.layer for drift in phase.drift)} & batchnorms(base)
    )


def batchnorm_kept_frozen(base: Base, phases: Iterable[Phase]) -> bool:
    """Whether the base was fine-tuned and its BatchNorm layers were left out each time, so that they stayed in
    inference mode as `training=False` would have kept them."""
    phases = tuple(phases)
    finetuned = any(phase.trainable and not broke_early(phase) for phase in phases)
    return finetuned and not unfrozen_batchnorms(base, phases)

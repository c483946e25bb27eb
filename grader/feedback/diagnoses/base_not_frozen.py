"""The base trained along with the new head."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence import Evidence
from grader.feedback.counterfactual import with_base_frozen
from grader.feedback.diagnosis import Rule, outcome_of
from grader.feedback.wording import plural
from grader.results import CheckResult, Outcome


class BaseNotFrozen(Rule):
    """TL101."""

    code = "base-not-frozen"
    title = "The base was not frozen while the head trained"
    clause = "the base was not frozen while the new head trained"
    accounts_for = ("TL101",)

    def explain(self, evidence: Evidence, results: Sequence[CheckResult]) -> str:
        head = evidence.phase("head")
        if head is None or outcome_of(results, "TL101") is not Outcome.FAILED or not (head.trainable or head.moved):
            return ""
        late = (
            " `trainable` did say frozen when `fit` began, but the model had been compiled before that, and on "
            "the Keras "
            "that ran it the state at `compile` counts."
            if head.trainable and not head.flagged
            else ""
        )
        return (
            f"In phase 1, {plural(len(head.trainable), 'layer')} of the base could train, and {len(head.moved)} "
            f"moved.{late} "
            "A new head is random, so its first gradients are large and say little; they change features that took "
            "ImageNet to learn. Set `base_model.trainable = False` before you compile for the first time."
        )

    def counterfactual(self, evidence: Evidence) -> str:
        return with_base_frozen(evidence)

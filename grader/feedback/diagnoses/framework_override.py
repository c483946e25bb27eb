"""Keras 3 moved the statistics although `training=False` was rightly passed."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence import Evidence
from grader.feedback.counterfactual import with_batchnorm_frozen
from grader.feedback.diagnosis import Rule, call_arguments, drift_extent, outcome_of
from grader.feedback.wording import version_text
from grader.results import CheckResult, Outcome


class FrameworkOverride(Rule):
    """TL203 is warned, through no fault of the student's."""

    code = "framework-override"
    title = "Keras overrode your `training=False`"
    clause = "Keras overrode your `training=False` while it fine-tuned, which is not your mistake and costs nothing"
    accounts_for = ("TL203",)

    def explain(self, evidence: Evidence, results: Sequence[CheckResult]) -> str:
        drifting = next((phase for phase in evidence.phases if phase.drift), None)
        rightly_called = call_arguments(evidence) == {"false"}
        if outcome_of(results, "TL203") is not Outcome.WARNED or drifting is None or not rightly_called:
            return ""
        keras = version_text(evidence.environment.keras)
        return (
            f"You called the base with `training=False`, as you should. Even so, in Keras {keras} `fit` passes its own "
            "`training=True` down through a functional model and overrides what you wrote, so that the BatchNorm "
            f"layers you unfroze updated their moving statistics in phase {drifting.index}: "
            f"{drift_extent(evidence, drifting)}. Keras 2 leaves them alone, and nothing is deducted.\n\n"
            "Where it must not happen, also keep the BatchNorm layers frozen: set `layer.trainable = False` for "
            "each of them before you compile. "
            "That holds in every version."
        )

    def counterfactual(self, evidence: Evidence) -> str:
        return with_batchnorm_frozen(evidence)

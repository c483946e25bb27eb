"""The base was called with `training=True`."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence import Evidence
from grader.feedback.counterfactual import with_training_false
from grader.feedback.diagnosis import Rule, call_spot, drift_extent, outcome_of
from grader.results import CheckResult, Outcome


class TrainingFlagTrue(Rule):
    """TL203 and TL402 follow from TL103."""

    code = "training-flag-true"
    title = "The base was told to run in training mode"
    clause = "the base is called with `training=True`, which leaves BatchNorm at the mercy of each batch"
    accounts_for = ("TL103", "TL203", "TL402")

    def explain(self, evidence: Evidence, results: Sequence[CheckResult]) -> str:
        calls = [call for call in evidence.base.calls if call.training == "true"] if evidence.base else []
        if not calls or outcome_of(results, "TL103") is not Outcome.FAILED:
            return ""
        drifting = next((phase for phase in evidence.phases if phase.drift), None)
        measured = (
            f"In phase {drifting.index} that is what happened: {drift_extent(evidence, drifting)}."
            if drifting
            else "While the base is frozen this does no harm, because a frozen BatchNorm layer runs in inference mode "
            "whatever it is told."
        )
        predict = (
            "On Keras 2 the flag is built into the model, and so `predict` too normalises with the batch at hand: an "
            "image's prediction then depends on its neighbours."
            if evidence.environment.keras_flavour == "2"
            else "On Keras 3 it acts while `fit` runs; `predict` overrides it."
        )
        return (
            f"The base was called with `training=True`{call_spot(calls)}. The argument does not say that the base "
            "is to be "
            "trained (`trainable` does): it makes BatchNorm normalise with the batch at hand, and lets that batch "
            f"overwrite the moving mean and variance.\n\n{measured} {predict}\n\n"
            "Write `training=False`, in both phases: unfrozen layers learn all the same."
        )

    def counterfactual(self, evidence: Evidence) -> str:
        return with_training_false(evidence)

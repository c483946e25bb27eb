"""The base was called without `training=False`."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence import Evidence
from grader.feedback.counterfactual import with_training_false
from grader.feedback.diagnosis import (
    Rule,
    call_arguments,
    call_spot,
    drift_extent,
    outcome_of,
)
from grader.results import CheckResult, Outcome

REMEDY = {
    "nested": "Write `training=False` into the call of the base: it keeps BatchNorm in inference mode in both phases.",
    "subclassed": "Write `training=False` into the call of the base: it keeps BatchNorm in inference mode in "
    "both phases.",
    "sequential": "A `Sequential` model has no place for the argument: build the model with the functional API, "
    "and call the base with `training=False`.",
    "flattened": "The base's layers are wired into your model one by one, so that there is no call to give the "
    "argument to: call the base as one layer, with `training=False`.",
}


class TrainingFlagForgotten(Rule):
    """TL203 follows from TL103."""

    code = "training-flag-forgotten"
    title = "Freezing was taken for inference mode"
    clause = "BatchNorm was left free to overwrite the statistics it learned from ImageNet"
    accounts_for = ("TL103", "TL203")

    def explain(self, evidence: Evidence, results: Sequence[CheckResult]) -> str:
        base = evidence.base
        if base is None or outcome_of(results, "TL103") is not Outcome.FAILED or "true" in call_arguments(evidence):
            return ""
        bare = [call for call in base.calls if call.training == "unset"]
        if not bare and base.style == "nested":
            return ""
        misread = (
            f"The base was used without `training=False`{call_spot(bare)}. "
            "`trainable = False` is about gradients: it stops the optimizer from updating weights. As long as it "
            "holds, it also puts a BatchNorm layer into inference mode, and so a frozen base looks right without the "
            "flag."
        )
        return f"{misread}\n\n{self.measured(evidence)}\n\n{REMEDY[base.style]}"

    def counterfactual(self, evidence: Evidence) -> str:
        return with_training_false(evidence)

    @staticmethod
    def measured(evidence: Evidence) -> str:
        drifting = next((phase for phase in evidence.phases if phase.drift), None)
        if drifting is None:
            return (
                "No moving statistics were seen to change so far; once the layers are unfrozen and trained, "
                "nothing holds them."
            )
        text = (
            f"In phase {drifting.index} layers were unfrozen, nothing held their BatchNorm in inference mode any more, "
            f"and each batch overwrote what they had learned from ImageNet: {drift_extent(evidence, drifting)}."
        )
        if evidence.environment.keras_flavour == "3" and evidence.base and evidence.base.style == "nested":
            text += " (Some versions of Keras 3 let `fit` override the flag. That costs nothing; leaving it out does.)"
        return text

"""Phase 2 began with a fresh model."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence import Evidence
from grader.feedback.diagnosis import Rule, outcome_of
from grader.results import CheckResult, Outcome


class RebuiltModel(Rule):
    """TL205: what phase 1 learned is lost."""

    code = "rebuilt-model"
    title = "Fine-tuning began with a fresh model"
    clause = "the second phase began with a fresh model, and what the first one learned was lost"
    accounts_for = ("TL205",)

    def explain(self, evidence: Evidence, results: Sequence[CheckResult]) -> str:
        tuned = evidence.phase("fine-tuning")
        if tuned is None or tuned.continues is not False or outcome_of(results, "TL205") is not Outcome.FAILED:
            return ""
        return (
            f"The weights that phase {tuned.index} began with are not those that the phase before it left. That "
            "is what "
            "happens when the function that builds the model is called again: it returns a new model, whose head is "
            "random. Its large first gradients then run into the unfrozen layers of the base, which is just what "
            "training "
            "the head first is meant to prevent. Go on with the model from phase 1: change `trainable`, compile, fit."
        )

"""The base did not begin with pretrained weights."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence import Evidence
from grader.feedback.diagnosis import Rule, outcome_of
from grader.results import CheckResult, Outcome


class RandomWeights(Rule):
    """TL102."""

    code = "random-weights"
    title = "The base began with random weights"
    clause = "the base began with random weights, so that there was nothing to transfer"
    accounts_for = ("TL102",)

    def explain(self, evidence: Evidence, results: Sequence[CheckResult]) -> str:
        base = evidence.base
        if base is None or outcome_of(results, "TL102") is not Outcome.FAILED or base.asked_weights != "None":
            return ""
        return (
            f"`{base.application}` was built with `weights=None`. That gives the architecture alone, filled with "
            "random "
            "numbers: there is nothing to transfer, and a frozen random base hands the head noise to learn from. "
            "Write `weights='imagenet'`."
        )

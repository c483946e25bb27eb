"""The second phase was never reached."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence import Evidence
from grader.feedback.diagnosis import Rule, outcome_of
from grader.results import CheckResult, Outcome


class NeverFineTuned(Rule):
    """The notebook ran to its end, and trained once."""

    code = "never-fine-tuned"
    title = "The second phase of training is missing"
    clause = "the second phase, fine-tuning, never ran"
    accounts_for = ("TL202", "TL201", "TL203", "TL204", "TL205")

    def explain(self, evidence: Evidence, results: Sequence[CheckResult]) -> str:
        head = evidence.phase("head")
        if head is None or evidence.phase("fine-tuning") or outcome_of(results, "TL202") is not Outcome.FAILED:
            return ""
        if outcome_of(results, "NB001") is Outcome.FAILED or outcome_of(results, "NB003") is Outcome.FAILED:
            return ""
        where = f" (cell {head.place.cell})" if head.place else ""
        return (
            f"The head was trained{where}, and training ended there. Transfer learning goes on from that point: "
            "unfreeze the "
            "top layers of the base, compile with a lower learning rate, and call `fit` again on the same model. A "
            "head that is trained already sends gradients that are small enough not to wreck what the base has learned."
        )

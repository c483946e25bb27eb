"""The model was compiled again, but before the layers were unfrozen."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence import Evidence
from grader.feedback.counterfactual import with_layers_unfrozen
from grader.feedback.diagnosis import Rule, outcome_of
from grader.feedback.wording import plural
from grader.results import CheckResult, Outcome


class CompiledTooEarly(Rule):
    """TL202 follows from TL201."""

    code = "compiled-too-early"
    title = "The model was compiled before the layers were unfrozen"
    clause = "the model was compiled before the change of `trainable`, which therefore had no effect"
    accounts_for = ("TL201", "TL202")

    def explain(self, evidence: Evidence, results: Sequence[CheckResult]) -> str:
        tuned = evidence.phase("fine-tuning")
        if tuned is None or not tuned.recompiled or outcome_of(results, "TL201") is not Outcome.FAILED:
            return ""
        if set(tuned.flagged) == set(tuned.trainable):
            return ""
        where = f" (cell {tuned.compiled.cell})" if tuned.compiled else ""
        return (
            f"The model was compiled again{where}, but `trainable` changed after that. On the Keras that ran your "
            "notebook "
            f"the state at `compile` counts: `trainable` said that {plural(len(tuned.flagged), 'layer')} of the "
            "base would "
            f"train, and {len(tuned.trainable) or 'none'} could. Other versions of Keras read the state later, "
            "when `fit` "
            "begins. The order that is right in all of them: unfreeze, compile, fit."
        )

    def counterfactual(self, evidence: Evidence) -> str:
        return with_layers_unfrozen(evidence)

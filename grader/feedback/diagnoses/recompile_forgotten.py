"""`trainable` was changed after the first phase, and the model not compiled again."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence import Evidence
from grader.feedback.counterfactual import with_layers_unfrozen
from grader.feedback.diagnosis import Rule, outcome_of
from grader.feedback.wording import plural
from grader.results import CheckResult, Outcome


class RecompileForgotten(Rule):
    """TL202 follows from TL201."""

    code = "recompile-forgotten"
    title = "`trainable` was changed, but the model not compiled again"
    clause = "the change of `trainable` never took effect, because the model was not compiled again"
    accounts_for = ("TL201", "TL202")

    def explain(self, evidence: Evidence, results: Sequence[CheckResult]) -> str:
        tuned = evidence.phase("fine-tuning")
        if tuned is None or tuned.recompiled or outcome_of(results, "TL201") is not Outcome.FAILED:
            return ""
        without_effect = len(set(tuned.flagged) ^ set(tuned.trainable))
        measured = (
            f"`trainable` said that {plural(len(tuned.flagged), 'layer')} of the base would train; "
            f"as compiled, {len(tuned.trainable) or 'none'} could."
            if without_effect
            else ""
        )
        what = "`compile` fixes what training updates."
        if tuned.kind == "custom":
            what = "A `tf.function` fixes what it updates when it is first traced, much as `compile` does for `fit`."
        remedy = "Call `model.compile(...)` after the layers are unfrozen and before the second `fit`"
        if tuned.kind == "custom":
            remedy = "Make a new training function, with a new optimizer, after the layers are unfrozen"
        return (
            f"{what} Once a model has trained, a change of `trainable` waits for the next one, and until then training "
            f"goes on with the old selection, without a word of warning. {measured} {remedy}; "
            "that is also where the lower learning rate belongs."
        ).replace("  ", " ")

    def counterfactual(self, evidence: Evidence) -> str:
        return with_layers_unfrozen(evidence)

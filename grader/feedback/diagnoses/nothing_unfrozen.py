"""A second phase trained, with the base still frozen."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence import Evidence
from grader.feedback.counterfactual import with_layers_unfrozen
from grader.feedback.diagnosis import Rule, outcome_of, unfreezes
from grader.results import CheckResult, Outcome


class NothingUnfrozen(Rule):
    """Where no cause is known; `unfroze-another-model` is the cause on Keras 2 if the code unfreezes at all."""

    code = "nothing-unfrozen"
    title = "Fine-tuning began with nothing unfrozen"
    clause = "nothing of the base was unfrozen for the second phase"
    accounts_for = ("TL202", "TL201", "TL204")

    def explain(self, evidence: Evidence, results: Sequence[CheckResult]) -> str:
        tuned = evidence.phase("fine-tuning")
        if tuned is None or evidence.base is None or outcome_of(results, "TL202") is not Outcome.FAILED:
            return ""
        flavour = evidence.environment.keras_flavour
        if tuned.flagged or tuned.trainable or (flavour == "2" and unfreezes(evidence)):
            return ""
        text = (
            f"Phase {tuned.index} went on training the head alone: when it began, every layer of the base inside "
            "your model "
            "was still frozen. Set `trainable = True` on the base that is in the model "
            f"(`model.get_layer({evidence.base.name!r})`), then freeze again the layers below the start, then compile."
        )
        if flavour == "3" and unfreezes(evidence):
            text += (
                " Your code does set `trainable = True`. Two things can make that go without effect on Keras 3: "
                "it is done "
                "to another copy of the base, or to one whose own flag was True all along (layers frozen one by "
                "one): assigning the value that a flag already has reaches no inner layer. Setting it on each "
                "layer does."
            )
        return text

    def counterfactual(self, evidence: Evidence) -> str:
        return with_layers_unfrozen(evidence)

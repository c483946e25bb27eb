"""Something was unfrozen, but not the base inside the model."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence import Evidence
from grader.feedback.counterfactual import with_layers_unfrozen
from grader.feedback.diagnosis import Rule, outcome_of, unfreezes
from grader.results import CheckResult, Outcome


class UnfrozeAnotherModel(Rule):
    """Keras 2 only: there, setting `trainable` on the right base cannot stay without a trace in it."""

    code = "unfroze-another-model"
    title = "Another network was unfrozen, not the one inside your model"
    clause = "the network that you unfroze is not the one inside your model"
    accounts_for = ("TL202", "TL201", "TL204")

    def explain(self, evidence: Evidence, results: Sequence[CheckResult]) -> str:
        tuned = evidence.phase("fine-tuning")
        if tuned is None or evidence.base is None or outcome_of(results, "TL202") is not Outcome.FAILED:
            return ""
        if evidence.environment.keras_flavour != "2" or tuned.flagged or tuned.trainable or not unfreezes(evidence):
            return ""
        return (
            "Your code sets `trainable = True`, yet when phase "
            f"{tuned.index} began, every layer of the base inside your model was still frozen. A function that "
            "builds the "
            "model makes a base of its own; a variable such as `base_model` outside of it is another copy of the same "
            "network, and unfreezing that one leaves your model as it was. Take the base out of the model that "
            "you train: "
            f"`base_model = model.get_layer({evidence.base.name!r})`."
        )

    def counterfactual(self, evidence: Evidence) -> str:
        return with_layers_unfrozen(evidence)

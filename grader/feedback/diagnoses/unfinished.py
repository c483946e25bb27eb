"""Exercises are still as the starter had them."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence import Evidence
from grader.feedback.diagnosis import Rule, awaiting, outcome_of
from grader.feedback.wording import exercise_name, joined
from grader.results import CheckResult, Diagnosis, Outcome


class Unfinished(Rule):
    """NB003, and whatever could not be judged for that reason."""

    code = "unfinished"
    title = "Exercises are still open"
    clause = "some exercises are still open"
    accounts_for = ("NB003",)

    def explain(self, evidence: Evidence, results: Sequence[CheckResult]) -> str:
        if outcome_of(results, "NB003") is not Outcome.FAILED or not evidence.notebook.open_exercises:
            return ""
        names = [
            exercise_name(exercise.name) + (f" (cell {exercise.places[0].cell})" if exercise.places else "")
            for exercise in evidence.notebook.open_exercises
        ]
        return (
            f"Still to be filled in: {joined(names)}. Begin with the first: later cells build on it, and what could "
            "not be assessed now will be once the model trains."
        )

    def matches(self, evidence: Evidence, results: Sequence[CheckResult]) -> Diagnosis | None:
        diagnosis = super().matches(evidence, results)
        if diagnosis is None:
            return None
        return diagnosis.model_copy(update={"checks": (*diagnosis.checks, *awaiting(results))})

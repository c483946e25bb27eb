"""The one mistake behind several findings, found by rules.

Each file in `grader.feedback.diagnoses` defines one `Rule`: a new diagnosis is one new file. A rule reads
evidence and results, never the notebook, and explains the mistake with what was measured on this very model.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache
from typing import ClassVar, get_origin

from grader.evidence import BaseCall, Evidence, Phase
from grader.feedback.wording import drift_text, plural
from grader.results import CheckResult, Diagnosis, Outcome

__all__ = [
    "Rule",
    "awaiting",
    "batchnorm_count",
    "call_arguments",
    "call_spot",
    "diagnose",
    "drift_extent",
    "follows_from",
    "of_code",
    "outcome_of",
    "rules",
    "unfreezes",
]

UNFREEZING = re.compile(r"^[^#\n]*\.trainable\s*=\s*True\b|^[^#\n]*\.set_trainable\(", re.MULTILINE)


class Rule(ABC):
    """How one mistake is recognised and explained."""

    code: ClassVar[str]
    """A short permanent slug, e.g. ``training-flag-forgotten``."""
    title: ClassVar[str]
    """The mistake as a phrase without a full stop; `backticks` are code."""
    clause: ClassVar[str] = ""
    """The mistake as a clause of the report's lead, without capital and full stop; empty where it is none."""
    accounts_for: ClassVar[tuple[str, ...]]
    """Codes of the checks that it can explain; the cause first, then what follows from it."""

    @abstractmethod
    def explain(self, evidence: Evidence, results: Sequence[CheckResult]) -> str:
        """The explanation, for a learner; empty where this is not the mistake that was made."""

    def counterfactual(self, evidence: Evidence) -> str:
        """What was measured of the student's own model without the mistake, as sentences; empty where nothing was."""
        return ""

    def matches(self, evidence: Evidence, results: Sequence[CheckResult]) -> Diagnosis | None:
        """The diagnosis, where this is the mistake that was made."""
        explanation = self.explain(evidence, results)
        if not explanation:
            return None
        checks = tuple(code for code in self.accounts_for if (result := of_code(results, code)) and blamed(result))
        return Diagnosis(
            code=self.code,
            title=self.title,
            explanation=explanation,
            checks=checks,
            counterfactual=self.counterfactual(evidence),
        )


def blamed(result: CheckResult) -> bool:
    """Whether a mistake can account for this result: it failed, warned, or could not be assessed."""
    if result.outcome is Outcome.SKIPPED:
        return result.max_points > 0
    return result.outcome in (Outcome.FAILED, Outcome.WARNED)


@cache
def rules() -> dict[str, Rule]:
    """Every rule by its code."""
    from grader.feedback import diagnoses

    found: dict[str, Rule] = {}
    for info in sorted(pkgutil.iter_modules(diagnoses.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{diagnoses.__name__}.{info.name}")
        for value in vars(module).values():
            # Python 3.10 takes an alias such as `tuple[int, ...]` for a class.
            is_class = inspect.isclass(value) and get_origin(value) is None
            if is_class and issubclass(value, Rule) and value.__module__ == module.__name__:
                found[value.code] = value()
    return found


def diagnose(evidence: Evidence, results: Sequence[CheckResult]) -> tuple[Diagnosis, ...]:
    """The mistakes that were made, in the order in which the assignment lists the checks that show them."""
    order = {result.code: place for place, result in enumerate(results)}
    found = [diagnosis for rule in rules().values() if (diagnosis := rule.matches(evidence, results))]
    return tuple(sorted(found, key=lambda diagnosis: min((order[code] for code in diagnosis.checks), default=0)))


def follows_from(diagnoses: Sequence[Diagnosis], results: Sequence[CheckResult]) -> dict[str, str]:
    """Code of each failed check that is only a consequence -> code of the check that shows its cause."""
    return {
        code: diagnosis.checks[0]
        for diagnosis in diagnoses
        for code in diagnosis.checks[1:]
        if outcome_of(results, code) is Outcome.FAILED and outcome_of(results, diagnosis.checks[0]) is Outcome.FAILED
    }


def awaiting(results: Sequence[CheckResult]) -> tuple[str, ...]:
    """Codes of the checks that were skipped at the student's cost, for want of evidence."""
    return tuple(result.code for result in results if result.outcome is Outcome.SKIPPED and result.max_points > 0)


def of_code(results: Sequence[CheckResult], code: str) -> CheckResult | None:
    """The result of this check, if the assignment has it."""
    return next((result for result in results if result.code == code), None)


def outcome_of(results: Sequence[CheckResult], code: str) -> Outcome | None:
    """The outcome of this check; None where the assignment does not have it."""
    result = of_code(results, code)
    return result.outcome if result else None


def call_arguments(evidence: Evidence) -> set[str]:
    """All values of `training` that the base was called with: ``false``, ``true``, ``unset``."""
    return {call.training for call in evidence.base.calls} if evidence.base else set()


def call_spot(calls: Sequence[BaseCall]) -> str:
    """`` (cell 7, line 12)`` for the first call whose place is known, else nothing; begins with a blank."""
    place = next((call.place for call in calls if call.place), None)
    if place is None:
        return ""
    return f" (cell {place.cell}, line {place.line})" if place.line else f" (cell {place.cell})"


def batchnorm_count(evidence: Evidence) -> int:
    """Number of BatchNorm layers in the base."""
    return sum(layer.is_batchnorm for layer in evidence.base.layers) if evidence.base else 0


def drift_extent(evidence: Evidence, phase: Phase) -> str:
    """``12 of its 52 BatchNorm layers moved, the mean by up to 0.41 standard deviations``."""
    layers = f"{len(phase.drift)} of its {plural(batchnorm_count(evidence), 'BatchNorm layer')} moved"
    extent = drift_text(phase.drift)
    return f"{layers}, the mean {extent}" if extent else layers


def unfreezes(evidence: Evidence) -> bool:
    """Whether a cell that the evidence holds the source of sets some `trainable` to True."""
    return any(UNFREEZING.search(source) for source in evidence.sources.values())

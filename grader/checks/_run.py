"""Checks on evidence: who may be judged, and what a verdict is worth."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from grader.checks._base import Check, Failed, NotApplicable, NotAssessed, Passed, Verdict, Warned
from grader.checks._words import plain
from grader.evidence import Evidence
from grader.policy import Policy
from grader.results import CheckResult, Finding, Outcome

__all__ = ["run_checks"]

log = logging.getLogger(__name__)


def run_checks(evidence: Evidence, checks: Sequence[tuple[Check, float]], policy: Policy) -> tuple[CheckResult, ...]:
    """Judge the evidence by each check, in the order given.

    A check is skipped where one that it requires, and that is among `checks`, failed or was skipped. A check that
    raises is the grader's error: it costs nothing, and the others go on.
    """
    by_code = {check.code: check for check, _ in checks}
    verdicts: dict[str, Verdict | Exception] = {}

    def verdict_of(code: str) -> Verdict | Exception:
        if code not in verdicts:
            check = by_code[code]
            block = next(
                (
                    bar
                    for need in check.requires
                    if need in by_code and (bar := barrier(by_code[need], verdict_of(need)))
                ),
                None,
            )
            verdicts[code] = block or attempt(check, evidence, policy)
        return verdicts[code]

    return tuple(result(check, points, verdict_of(check.code)) for check, points in checks)


def barrier(required: Check, verdict: Verdict | Exception) -> Verdict | None:
    """Why a check that requires this one cannot be judged; None where it can."""
    match verdict:
        case Failed():
            return NotAssessed(f"Not assessed, since {required.code} failed: {titled(required)}.")
        case NotAssessed():
            return NotAssessed(f"Not assessed, since {required.code} was not: {titled(required)}.")
        case NotApplicable():
            return NotApplicable(f"Nothing to assess, since {required.code} has nothing to judge: {titled(required)}.")
    return None


def attempt(check: Check, evidence: Evidence, policy: Policy) -> Verdict | Exception:
    """The check's verdict, or what it raised."""
    try:
        return check.judge(evidence, policy)
    except Exception as error:
        log.exception("%s failed on %s", check.code, evidence.notebook.name)
        return error


def titled(check: Check) -> str:
    """The title, or as much of it as can be had."""
    try:
        return check.titled()
    except (KeyError, IndexError, ValueError):
        return check.title


def result(check: Check, points: float, verdict: Verdict | Exception) -> CheckResult:
    """What a verdict is worth."""
    findings: tuple[Finding, ...] = ()
    earned, possible = 0.0, points
    match verdict:
        case Passed():
            outcome, earned = Outcome.PASSED, points
        case Warned(found):
            outcome, earned, findings = Outcome.WARNED, points, found
        case Failed(found):
            outcome, findings = Outcome.FAILED, found
        case NotAssessed(reason):
            outcome, findings = Outcome.SKIPPED, (Finding(message=reason),)
        case NotApplicable(reason):
            outcome, possible, findings = Outcome.SKIPPED, 0.0, (Finding(message=reason),)
        case Exception() as error:
            what = plain(f"{type(error).__name__}: {error}".removesuffix(": ")).rstrip(".")
            outcome, possible = Outcome.ERROR, 0.0
            findings = (Finding(message=f"The grader failed on this check: {what}. It costs no points."),)
    return CheckResult(
        code=check.code,
        name=check.name,
        title=titled(check),
        outcome=outcome,
        points=earned,
        max_points=possible,
        findings=findings,
        why=check.section("Why it matters"),
    )

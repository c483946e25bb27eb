"""Whether the grader said what is declared of a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from grader.results import CheckResult, Outcome, Report
from grader.verify.cases import Case

__all__ = ["Mismatch", "judge"]

FINE = (Outcome.PASSED, Outcome.WARNED)


@dataclass(frozen=True)
class Mismatch:
    """One check that did not say what it should have said."""

    code: str
    """Empty where it is the whole report that is not as declared."""
    expected: str
    seen: str
    findings: tuple[str, ...] = ()
    """What the check had to say."""


def judge(case: Case, report: Report) -> list[Mismatch]:
    """Where the report differs from what is declared; empty where it does not."""
    checks = check_starter if case.kind == "starter" else check_declared
    return [*checks(case, report), *check_score(case, report)]


def check_declared(case: Case, report: Report) -> Iterator[Mismatch]:
    """Each check fails or is skipped exactly where that is declared; everywhere else it passes or warns."""
    for check in report.checks:
        wanted = wanted_outcomes(case, check.code)
        if check.outcome not in wanted:
            yield mismatch(check, " or ".join(outcome.value for outcome in wanted))


def wanted_outcomes(case: Case, code: str) -> tuple[Outcome, ...]:
    """What this check may say."""
    if code in case.expected.fails:
        return (Outcome.FAILED,)
    return (Outcome.SKIPPED,) if code in case.expected.skips else FINE


def check_starter(case: Case, report: Report) -> Iterator[Mismatch]:
    """No points for what was not done, and no error of the grader's."""
    for check in report.checks:
        if check.points > 0 and check.code not in case.given_away:
            yield mismatch(check, "no points")
        elif check.outcome is Outcome.ERROR:
            yield mismatch(check, "a verdict")


def check_score(case: Case, report: Report) -> Iterator[Mismatch]:
    """The solution has all the points that there are, the starter and a wrong variant have not."""
    score, possible = report.score, report.max_score
    seen = f"{score:g} of {possible:g} points, {report.outcome.value}"
    if case.kind == "solution" and (score != possible or possible <= 0):
        yield Mismatch("", "full marks", seen)
    if case.kind == "starter" and report.outcome is not Outcome.FAILED:
        yield Mismatch("", "not full marks: failed", seen)


def mismatch(check: CheckResult, expected: str) -> Mismatch:
    """This check against what was expected of it."""
    seen = check.outcome.value if not expected.endswith("points") else f"{check.outcome.value}, {check.points:g} points"
    return Mismatch(check.code, expected, seen, tuple(finding.message for finding in check.findings))

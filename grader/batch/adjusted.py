"""Adjustments applied to a report: what a person set goes over what the grader gave, and says so."""

from __future__ import annotations

from collections.abc import Sequence

from grader.batch.gradebook import Adjustment
from grader.evidence import Note
from grader.feedback.wording import points_text
from grader.results import CheckResult, Finding, Outcome, Report

__all__ = ["adjusted"]


def adjusted(report: Report, adjustments: Sequence[Adjustment]) -> Report:
    """The report with these adjustments in its points and its notes. Pure.

    An adjustment of a check that the assignment has no more changes nothing. The whole score, where a person set
    it, goes over everything.
    """
    by_check = {adjustment.check: adjustment for adjustment in adjustments}
    known = {check.code for check in report.checks}
    checks = tuple(with_points(check, by_check.get(check.code)) for check in report.checks)
    whole = by_check.get("")
    score = whole.points if whole else sum(check.points for check in checks)
    most = max(report.max_score, sum(check.max_points for check in checks))
    notes = [note_of(one) for one in adjustments if one.check in known or not one.check]
    return report.model_copy(
        update={
            "checks": checks,
            "score": score,
            "max_score": most,
            "outcome": outcome_of(report, checks, whole, most),
            "notes": (*report.notes, *notes),
        }
    )


def with_points(check: CheckResult, adjustment: Adjustment | None) -> CheckResult:
    """The check with the points that a person set."""
    if adjustment is None:
        return check
    if check.outcome is not Outcome.ERROR:
        return check.model_copy(update={"points": adjustment.points})
    # The grader failed on it, and a person judged it in its place.
    return check.model_copy(
        update={
            "points": adjustment.points,
            "max_points": max(check.max_points, adjustment.points),
            "outcome": Outcome.PASSED if adjustment.points > 0 else Outcome.FAILED,
            "findings": (Finding(message=f"Judged by {adjustment.by}: {adjustment.reason}"),),
        }
    )


def outcome_of(report: Report, checks: Sequence[CheckResult], whole: Adjustment | None, most: float) -> Outcome:
    """The outcome, which hangs on the points only where the grader itself had failed."""
    if report.outcome is not Outcome.ERROR:
        return report.outcome
    if whole is not None:
        return Outcome.PASSED if whole.points >= most else Outcome.FAILED
    outcomes = {check.outcome for check in checks}
    if Outcome.ERROR in outcomes:
        return Outcome.ERROR
    unassessed = any(check.outcome is Outcome.SKIPPED and check.max_points > 0 for check in checks)
    return Outcome.FAILED if Outcome.FAILED in outcomes or unassessed else Outcome.PASSED


def note_of(adjustment: Adjustment) -> Note:
    """What the student reads of it."""
    what = adjustment.check or "The score"
    given, points = points_text(adjustment.given), points_text(adjustment.points)
    day = adjustment.when.astimezone().strftime("%Y-%m-%d")
    reason = adjustment.reason.rstrip(".")
    return Note(kind="adjusted", text=f"{what} was set from {given} to {points} by {adjustment.by} on {day}: {reason}.")

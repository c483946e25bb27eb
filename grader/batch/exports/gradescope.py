"""Gradescope: a ``results.json`` for each submission, as an autograder writes it."""

from __future__ import annotations

from typing import Any, ClassVar

from grader.batch.exports._base import Export, Exported, Given
from grader.batch.exports._each import each
from grader.batch.exports._text import check_text, reason_of
from grader.batch.gradebook import Gradebook, Row
from grader.feedback.render import render
from grader.results import CheckResult, Outcome

__all__ = ["Gradescope", "results"]


class Gradescope(Export):
    """A folder for each student; hidden tests would hide the total, so none is hidden."""

    name: ClassVar[str] = "gradescope"
    title: ClassVar[str] = "Gradescope results.json, one for each student"
    is_folder: ClassVar[bool] = True

    def export(self, gradebook: Gradebook, given: Given | None) -> Exported:
        """STUDENT/results.json."""
        return each(gradebook, "results.json", results)


def results(row: Row, score: float) -> dict[str, Any]:
    """What Gradescope shows of one submission."""
    report = row.report
    return {
        "score": score,
        "output": render(report, "markdown") if report else reason_of(row),
        "output_format": "md",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"file": row.file, "sha256": report.submission.sha256 if report else ""},
        "tests": [test_of(check) for check in (report.checks if report else ())],
    }


def test_of(check: CheckResult) -> dict[str, Any]:
    """One check. The total above decides; a check that nobody could judge is given without a score."""
    test: dict[str, Any] = {
        "name": f"{check.code}: {check.title}",
        "name_format": "text",
        "number": check.code,
        "output": check_text(check),
        "output_format": "text",
        "visibility": "visible",
    }
    if check.max_points > 0:
        test.update(score=check.points, max_score=check.max_points)
    if check.outcome in (Outcome.PASSED, Outcome.WARNED):
        test["status"] = "passed"
    elif check.outcome is Outcome.FAILED or (check.outcome is Outcome.SKIPPED and check.max_points > 0):
        test["status"] = "failed"
    return test

"""Coursera: a ``feedback.json`` for each submission, as a custom grader writes it."""

from __future__ import annotations

from typing import Any, ClassVar

from grader.batch.exports._base import Export, Exported, Given
from grader.batch.exports._each import each
from grader.batch.exports._text import reason_of
from grader.batch.gradebook import Gradebook, Row
from grader.errors import GraderError
from grader.feedback.render import render

__all__ = ["Coursera"]


class Coursera(Export):
    """A folder for each student, with a fraction and the report."""

    name: ClassVar[str] = "coursera"
    title: ClassVar[str] = "Coursera feedback.json, one for each student"
    is_folder: ClassVar[bool] = True

    def export(self, gradebook: Gradebook, given: Given | None) -> Exported:
        """STUDENT/feedback.json."""
        most = gradebook.max_score
        if most <= 0:
            raise GraderError(
                f"{gradebook.assignment}: an assignment without points has no fraction of them.",
                "Give its checks points.",
            )

        def record(row: Row, score: float) -> dict[str, Any]:
            text = render(row.report, "markdown") if row.report else reason_of(row)
            return {"fractionalScore": min(max(score / most, 0.0), 1.0), "feedback": text}

        return each(gradebook, "feedback.json", record)

"""Coursera: a ``feedback.json`` for each submission, as a custom grader writes it."""

from __future__ import annotations

import json
from typing import ClassVar

from grader.batch.exports._base import Export, Exported, Given, Remark, no_grade
from grader.batch.exports._text import file_names, reason_of
from grader.batch.gradebook import Gradebook
from grader.feedback.render import render

__all__ = ["Coursera"]


class Coursera(Export):
    """A folder for each student, with a fraction and the report."""

    name: ClassVar[str] = "coursera"
    title: ClassVar[str] = "Coursera feedback.json, one for each student"
    is_folder: ClassVar[bool] = True

    def export(self, gradebook: Gradebook, given: Given | None) -> Exported:
        """STUDENT/feedback.json."""
        names = file_names(row.student.key for row in gradebook.rows)
        files: dict[str, bytes] = {}
        remarks: list[Remark] = []
        for row in gradebook.rows:
            if row.score is None or gradebook.max_score <= 0:
                remarks.append(no_grade(row))
                continue
            text = render(row.report, "markdown") if row.report else reason_of(row)
            fraction = min(max(row.score / gradebook.max_score, 0.0), 1.0)
            record = {"fractionalScore": fraction, "feedback": text}
            files[f"{names[row.student.key]}/feedback.json"] = json.dumps(record, ensure_ascii=False).encode()
        return Exported(files, len(files), tuple(remarks))

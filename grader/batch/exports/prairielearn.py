"""PrairieLearn: a ``results.json`` for each submission, as an external grader writes it."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from grader.batch.exports._base import Export, Exported, Given, Remark, no_grade
from grader.batch.exports._text import check_text, file_names, reason_of
from grader.batch.gradebook import Gradebook, Row

__all__ = ["PrairieLearn"]

LARGEST = 10**6
"""Bytes that PrairieLearn reads at the most."""
SHORTENED = "\n[shortened]"


class PrairieLearn(Export):
    """A folder for each student. What cannot be graded is not gradable, which costs no attempt."""

    name: ClassVar[str] = "prairielearn"
    title: ClassVar[str] = "PrairieLearn results.json, one for each student"
    is_folder: ClassVar[bool] = True

    def export(self, gradebook: Gradebook, given: Given | None) -> Exported:
        """STUDENT/results.json."""
        names = file_names(row.student.key for row in gradebook.rows)
        remarks: list[Remark] = []
        files: dict[str, bytes] = {}
        for row in gradebook.rows:
            if row.score is None:
                remarks.append(no_grade(row))
            files[f"{names[row.student.key]}/results.json"] = encoded(results(row, gradebook.max_score))
        return Exported(files, len(gradebook.rows) - len(remarks), tuple(remarks))


def results(row: Row, most: float) -> dict[str, Any]:
    """What PrairieLearn shows of one submission."""
    report = row.report
    if row.score is None or most <= 0:
        return {
            "gradable": False,
            "message": "This submission could not be graded. Staff have been told, and it costs no attempt.",
        }
    return {
        "gradable": True,
        "score": min(max(row.score / most, 0.0), 1.0),
        "message": reason_of(row),
        "tests": [
            {
                "name": check.code,
                "description": check.title,
                "points": check.points,
                "max_points": check.max_points,
                "output": check_text(check),
            }
            for check in (report.checks if report else ())
        ],
    }


def encoded(record: dict[str, Any]) -> bytes:
    """The record as JSON that is not too large: texts are shortened until it fits."""
    most = LARGEST
    while len(data := json.dumps(record, ensure_ascii=False).encode()) > LARGEST:
        most //= 2
        for test in record["tests"]:
            if len(test["output"]) > most:
                test["output"] = test["output"][:most] + SHORTENED
    return data

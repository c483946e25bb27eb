"""nbgrader: the table that `nbgrader export` writes, and the folder that `nbgrader release_feedback` hands back."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import ClassVar

from grader.batch.exports._base import Export, Exported, Given, Remark, no_grade
from grader.batch.exports._table import to_csv
from grader.batch.exports._text import file_names, harmless, number_text
from grader.batch.gradebook import Gradebook
from grader.feedback.render import render

__all__ = ["Nbgrader"]

HEADER = (
    "assignment",
    "duedate",
    "timestamp",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "raw_score",
    "late_submission_penalty",
    "score",
    "max_score",
)


class Nbgrader(Export):
    """grades.csv and feedback/STUDENT/ASSIGNMENT/NOTEBOOK.html."""

    name: ClassVar[str] = "nbgrader"
    title: ClassVar[str] = "nbgrader grades.csv and feedback folder"
    is_folder: ClassVar[bool] = True

    def export(self, gradebook: Gradebook, given: Given | None) -> Exported:
        """The table has a row for each student; of one without a grade the score is left blank."""
        names = file_names(row.student.key for row in gradebook.rows)
        remarks: list[Remark] = []
        rows: list[dict[str, str]] = []
        files: dict[str, bytes] = {}
        for row in gradebook.rows:
            first, last = split_name(row.student.name)
            score = "" if row.score is None else number_text(row.score)
            rows.append(
                {
                    "assignment": gradebook.assignment,
                    "timestamp": row.submitted.isoformat(sep=" ") if row.submitted else "",
                    "student_id": harmless(row.student.key),
                    "last_name": harmless(last),
                    "first_name": harmless(first),
                    "email": harmless(row.student.email),
                    "raw_score": score,
                    "late_submission_penalty": "" if row.score is None else "0",
                    "score": score,
                    "max_score": number_text(gradebook.max_score),
                }
            )
            if row.score is None:
                remarks.append(no_grade(row))
            if row.score is None or row.report is None:
                continue
            notebook = file_names([PurePosixPath(row.file).stem])[PurePosixPath(row.file).stem]
            path = f"feedback/{names[row.student.key]}/{gradebook.assignment}/{notebook}.html"
            files[path] = render(row.report, "html").encode()
        return Exported(
            {"grades.csv": to_csv(HEADER, rows), **files},
            sum(row.score is not None for row in gradebook.rows),
            tuple(remarks),
        )


def split_name(name: str) -> tuple[str, str]:
    """First and last name, from either way of writing them."""
    last, comma, first = (part.strip() for part in name.partition(","))
    if comma:
        return first, last
    first, _, last = name.strip().rpartition(" ")
    return first, last

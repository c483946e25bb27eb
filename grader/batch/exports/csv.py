"""A plain CSV file for a spreadsheet."""

from __future__ import annotations

from typing import ClassVar

from grader.batch.exports._base import Export, Exported, Given, no_grade
from grader.batch.exports._flat import check_codes, record_of
from grader.batch.exports._table import to_csv
from grader.batch.exports._text import harmless, number_text
from grader.batch.gradebook import Gradebook

__all__ = ["Csv"]


class Csv(Export):
    """One row a student, with the outcome and the points of each check."""

    name: ClassVar[str] = "csv"
    title: ClassVar[str] = "plain CSV: a row a student, a column a check"

    def export(self, gradebook: Gradebook, given: Given | None) -> Exported:
        """The file."""
        codes = check_codes(gradebook)
        records = [record_of(row, gradebook, codes) for row in gradebook.rows]
        remarks = tuple(no_grade(row) for row in gradebook.rows if row.score is None)
        header = list(records[0]) if records else ["student", "score"]
        rows = [{key: cell(value) for key, value in record.items()} for record in records]
        return Exported({"grades.csv": to_csv(header, rows)}, len(records) - len(remarks), remarks)


def cell(value: object) -> str:
    """A value as a spreadsheet reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number_text(value) if isinstance(value, int | float) else harmless(str(value))

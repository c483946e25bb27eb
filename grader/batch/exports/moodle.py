"""Moodle: the grading worksheet of an assignment, by preference the instructor's own download.

Its headings are in the language of the site, so columns are known by what stands in them: the identifier reads
``Participant 12345``, and before the column with the same maximum in each row comes the grade.
"""

from __future__ import annotations

import re
from typing import ClassVar

from grader.batch.exports._base import Export, Exported, Given, Remark, no_grade
from grader.batch.exports._matching import match
from grader.batch.exports._table import Table, as_number, folded, to_csv
from grader.batch.exports._text import harmless, number_text, reason_of
from grader.batch.gradebook import Gradebook, Row
from grader.errors import GraderError

__all__ = ["Moodle"]

IDENTIFIER = re.compile(r"\s*[^\d,;]*[^\d\s,;]\s*(\d+)\s*")
HEADER = (
    "Identifier",
    "Full name",
    "Email address",
    "Status",
    "Grade",
    "Maximum Grade",
    "Grade can be changed",
    "Last modified (submission)",
    "Last modified (grade)",
    "Feedback comments",
)
WORKSHEET = "Download the grading worksheet in Moodle, from the assignment's list of submissions."


class Moodle(Export):
    """Fills in Moodle's own worksheet, or writes one anew."""

    name: ClassVar[str] = "moodle"
    title: ClassVar[str] = "Moodle grading worksheet CSV; best with --into and your own download"
    fills: ClassVar[bool] = True

    def export(self, gradebook: Gradebook, given: Given | None) -> Exported:
        """The worksheet."""
        return filled(gradebook, given) if given else anew(gradebook)


def comment(row: Row) -> str:
    """The lead of the report as a feedback comment."""
    return harmless(reason_of(row).replace("`", ""))


def anew(gradebook: Gradebook) -> Exported:
    """A worksheet of our own, in English."""
    remarks: list[Remark] = []
    rows = []
    for row in gradebook.rows:
        number = row.student.ids.get("moodle", "")
        if row.score is None:
            remarks.append(no_grade(row))
        elif not number:
            who = row.student.name or row.student.key
            remarks.append(Remark("skipped", who, "No Moodle number is known; use --into with Moodle's own worksheet."))
        else:
            rows.append(
                {
                    "Identifier": f"Participant {number}",
                    "Full name": harmless(row.student.name),
                    "Email address": harmless(row.student.email),
                    "Grade": number_text(row.score),
                    "Maximum Grade": number_text(gradebook.max_score),
                    "Grade can be changed": "Yes",
                    "Last modified (submission)": "-",
                    "Last modified (grade)": "-",
                    "Feedback comments": comment(row),
                }
            )
    remarks.append(
        Remark(
            "note", "", "The headings are English, and Moodle skips whoever has a grade: its own worksheet is safer."
        )
    )
    return Exported({"moodle.csv": to_csv(HEADER, rows)}, len(rows), tuple(remarks))


def filled(gradebook: Gradebook, given: Given) -> Exported:
    """The instructor's worksheet with grades in it."""
    table = Table.read(given.name, given.data)
    identifier = find_identifier(table)
    grade, most = find_grade(table, identifier, given.column)
    comments = find_comments(table, most)
    locked = {folded(heading): place for place, heading in enumerate(table.header)}.get("grade can be changed")
    found, remarks = match(
        gradebook,
        table.rows,
        [
            (lambda row: number_in(row[identifier]), lambda row: [row.student.ids.get("moodle", "")]),
            (lambda row: next((cell for cell in row if "@" in cell), ""), lambda row: [row.student.email]),
            (lambda row: row[identifier + 2], lambda row: [row.student.key, row.student.ids.get("sid", "")]),
            (lambda row: row[identifier + 1], lambda row: [row.student.name]),
        ],
    )
    remarks.extend(no_grade(row) for row in gradebook.rows if row.score is None)
    written = 0
    for place, row in found.items():
        cells = table.rows[place]
        who = row.student.name or row.student.key
        limit = as_number(cells[most])
        if row.score is None:
            continue
        if limit is not None and row.score > limit + 0.005:
            text = (
                f"The score {number_text(row.score)} is above Moodle's maximum of {number_text(limit)}; left as it was."
            )
            remarks.append(Remark("skipped", who, text))
            continue
        if locked is not None and folded(cells[locked]) == "no":
            remarks.append(Remark("skipped", who, "Moodle does not let this grade be changed; left as it was."))
            continue
        cells[grade] = table.number(number_text(row.score))
        if comments is not None:
            cells[comments] = comment(row)
        written += 1
    remarks.extend(scale_remarks(table, most, gradebook))
    if table.delimiter != ",":
        remarks.append(Remark("note", "", f"{given.name} has no commas between its cells, which Moodle needs; put in."))
    # Moodle reads nothing but commas and UTF-8, whatever a spreadsheet made of its file.
    table.delimiter, table.encoding = ",", "utf-8"
    return Exported({"moodle.csv": table.write()}, written, tuple(remarks))


def number_in(cell: str) -> str:
    """The number of ``Participant 12345``."""
    found = IDENTIFIER.fullmatch(cell)
    return found[1] if found else ""


def find_identifier(table: Table) -> int:
    """Index of the column whose cells read ``Participant 12345``, with a different number each."""
    for place in range(len(table.header) - 2):
        numbers = [number_in(row[place]) for row in table.rows]
        words = {re.sub(r"\d+", "", row[place]).strip() for row in table.rows}
        if all(numbers) and len(set(numbers)) == len(numbers) and len(words) == 1:
            return place
    raise GraderError(
        f"{table.name}: no column has identifiers like “Participant 12345”, so this is no Moodle grading worksheet.",
        WORKSHEET,
    )


def find_grade(table: Table, identifier: int, wanted: str) -> tuple[int, int]:
    """Indices of the grade and of the maximum that stands after it."""
    hits = []
    for place in range(identifier + 2, len(table.header)):
        most = {cell.strip() for cell in (row[place] for row in table.rows)}
        grades = [row[place - 1].strip() for row in table.rows]
        if (
            len(most) == 1
            and as_number(*most)
            and all(cell in ("", "-") or as_number(cell) is not None for cell in grades)
        ):
            hits.append(place - 1)
    hits = [place for place in hits if not wanted or folded(table.header[place]) == folded(wanted)]
    if not hits:
        raise GraderError(
            f"{table.name}: no column of grades with a maximum after it"
            f"{f', called “{wanted}”' if wanted else ''}. Its headings: {', '.join(table.header)}.",
            "Only assignments graded with points can be filled in. " + WORKSHEET,
        )
    return hits[0], hits[0] + 1


def find_comments(table: Table, most: int) -> int | None:
    """Index of the column of feedback comments, which comes last where the assignment has it."""
    last = len(table.header) - 1
    if last <= most or folded(table.header[last]).startswith("last modified"):
        return None
    cells = [row[last].strip() for row in table.rows]
    # A column of times has a dash where there is none.
    is_time = any(cell == "-" or re.search(r"\d{1,2}[:.]\d\d", cell) for cell in cells)
    return None if is_time and folded(table.header[last]) != "feedback comments" else last


def scale_remarks(table: Table, most: int, gradebook: Gradebook) -> list[Remark]:
    """What to say where Moodle counts other points than the rubric, and of what Moodle does on import."""
    remarks = []
    limit = as_number(table.rows[0][most])
    if limit is not None and abs(limit - gradebook.max_score) >= 0.005:
        text = (
            f"Moodle has {number_text(limit)} points for this assignment, the rubric has "
            f"{number_text(gradebook.max_score)}; scores are exported as they are."
        )
        remarks.append(Remark("note", "", text))
    text = "Moodle skips whoever's grade was changed there after this worksheet was downloaded: download it anew then."
    return [*remarks, Remark("note", "", text)]

"""Canvas: the gradebook's CSV file.

Canvas matches students by ID, SIS User ID, SIS Login ID and name, in that order, and makes a new assignment of a
heading that it does not know. So the best file is the instructor's own export, cut down to the one column.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar

from grader.batch.exports._base import Export, Exported, Given, Remark, no_grade
from grader.batch.exports._matching import match
from grader.batch.exports._table import Table, as_number, folded, to_csv
from grader.batch.exports._text import harmless, number_text
from grader.batch.gradebook import Gradebook, Row
from grader.errors import GraderError

__all__ = ["Canvas"]

ASSIGNMENT = re.compile(r"(?P<title>.*) \((?P<id>\d+)\)\s*", re.DOTALL)
IDENTITY = ("SIS User ID", "SIS Login ID", "Integration ID", "Root Account")
EXCUSED = "EX"


class Canvas(Export):
    """Fills in the export of Canvas' own gradebook, or writes one anew."""

    name: ClassVar[str] = "canvas"
    title: ClassVar[str] = "Canvas gradebook CSV; best with --into and the gradebook's own export"
    fills: ClassVar[bool] = True

    def export(self, gradebook: Gradebook, given: Given | None) -> Exported:
        """The CSV file."""
        return filled(gradebook, given) if given else anew(gradebook)


def anew(gradebook: Gradebook) -> Exported:
    """A file of our own, by which Canvas makes a new assignment."""
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", gradebook.title]
    remarks = [
        Remark("created", "", f"Canvas will make a new assignment “{gradebook.title}”: use --into to fill in yours.")
    ]
    rows = [{"Student": "Points Possible", gradebook.title: number_text(gradebook.max_score)}]
    for row in gradebook.rows:
        if row.score is None:
            remarks.append(no_grade(row))
            continue
        ids = row.student.ids
        if "canvas" not in ids and "sid" not in ids:
            remarks.append(
                Remark(
                    "skipped", row.student.name or row.student.key, "No Canvas ID is known; matched by login or name."
                )
            )
        rows.append(
            {
                "Student": harmless(row.student.name or row.student.key),
                "ID": ids.get("canvas", ""),
                "SIS User ID": ids.get("sid", ""),
                "SIS Login ID": "" if "canvas" in ids else harmless(row.student.key),
                gradebook.title: number_text(row.score),
            }
        )
    return Exported({"canvas.csv": to_csv(header, rows)}, len(rows) - 1, tuple(remarks))


def filled(gradebook: Gradebook, given: Given) -> Exported:
    """The instructor's export with one column filled in, and without the columns of other assignments."""
    table = Table.read(given.name, given.data)
    last = last_of_student(table)
    column = find_column(table, last, gradebook.title, given.column)
    while table.rows and not table.rows[0][1].strip():
        # Rows such as "Points Possible" have no ID.
        table.lead.append(table.rows.pop(0))
    remarks = scale_remarks(table, column, gradebook)
    found, missing = match(gradebook, table.rows, keys_of(table))
    remarks.extend(missing)
    written = 0
    for place, row in found.items():
        cells = table.rows[place]
        if row.score is None:
            remarks.append(no_grade(row))
        elif cells[column].strip().upper() == EXCUSED:
            remarks.append(Remark("skipped", cells[0], "Excused in Canvas; left so."))
        else:
            cells[column] = table.number(number_text(row.score))
            written += 1
    remarks.extend(no_grade(row) for row in gradebook.rows if row.score is None and row not in found.values())
    keep = [*range(last + 1), column]
    table.header = [table.header[place] for place in keep]
    table.rows = [[row[place] for place in keep] for row in table.rows]
    table.lead = [[row[place] for place in keep] for row in table.lead]
    return Exported({"canvas.csv": table.write()}, written, tuple(remarks))


def last_of_student(table: Table) -> int:
    """Index of the last column that speaks of the student and not of an assignment."""
    header = table.header
    if len(header) <= 3 or "Student" not in header[0] or "ID" not in header[1]:
        raise GraderError(
            f"{table.name}: not the export of a Canvas gradebook: its headings begin with {', '.join(header[:3])}.",
            "Export the gradebook in Canvas, with the language set to English.",
        )
    last = next((place for place, heading in enumerate(header) if "Section" in heading), None)
    if last is None:
        raise GraderError(f"{table.name}: the column Section is missing.", "Export the gradebook anew.")
    return last


def find_column(table: Table, last: int, title: str, wanted: str) -> int:
    """Index of the assignment's column."""
    titles = {
        place: found["title"]
        for place, heading in enumerate(table.header)
        if place > last and (found := ASSIGNMENT.fullmatch(heading))
    }
    hits = [
        place
        for place, known in titles.items()
        if folded(wanted or title) in (folded(known), folded(table.header[place]))
    ]
    if not hits and not wanted and len(titles) == 1:
        hits = list(titles)
    if len(hits) != 1:
        listed = "; ".join(titles.values()) or "none"
        problem = "there are several columns" if hits else "there is no column"
        raise GraderError(
            f"{table.name}: {problem} “{wanted or title}”. Assignments in it: {listed}.",
            "Name the right one with --column, with its number in brackets if two have one title.",
        )
    return hits[0]


def scale_remarks(table: Table, column: int, gradebook: Gradebook) -> list[Remark]:
    """What to say where Canvas counts other points than the rubric."""
    possible = next((as_number(row[column]) for row in table.lead if folded(row[0]) == "points possible"), None)
    if possible is None or abs(possible - gradebook.max_score) < 0.005:
        return []
    text = (
        f"Canvas has {number_text(possible)} points for this assignment, the rubric has "
        f"{number_text(gradebook.max_score)}; scores are exported as they are."
    )
    return [Remark("note", "", text)]


def keys_of(table: Table) -> list[tuple[Callable[[list[str]], str], Callable[[Row], list[str]]]]:
    """By what students are matched, in the order in which Canvas does it."""
    places = {heading.strip(): place for place, heading in enumerate(table.header)}

    def cell(heading: str) -> Callable[[list[str]], str]:
        return lambda row: row[places[heading]] if heading in places else ""

    return [
        (lambda row: row[1], lambda row: [row.student.ids.get("canvas", "")]),
        (cell("SIS User ID"), lambda row: [row.student.ids.get("sid", ""), row.student.key]),
        (cell("SIS Login ID"), lambda row: [row.student.key, row.student.email, *row.student.ids.values()]),
        (lambda row: row[0], lambda row: [row.student.name]),
        (lambda row: sortable(row[0]), lambda row: [sortable(row.student.name)]),
    ]


def sortable(name: str) -> str:
    """A name as it begins the file names of Canvas: ``Lovelace, Ada`` -> ``lovelaceada``; either order of writing."""
    last, comma, first = name.partition(",")
    if not comma and " " in name.strip():
        first, _, last = name.strip().rpartition(" ")
    return re.sub(r"\W", "", f"{last}{first}".casefold())

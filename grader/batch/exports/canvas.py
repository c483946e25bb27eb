"""Canvas: the gradebook's CSV file.

Canvas matches students by ID, SIS User ID, SIS Login ID and name, in that order, and makes a new assignment of a
heading that it does not know. A blank cell takes a grade away that is there. So the best file is the instructor's own
export, cut down to the one column and to the students who get a grade by it.
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
    identity, last = student_columns(table)
    column = find_column(table, last, gradebook.title, given.column)
    while table.rows and not table.rows[0][identity].strip():
        # Rows such as "Points Possible" have no ID.
        table.lead.append(table.rows.pop(0))
    if any("read only" in row[column] for row in table.lead):
        raise GraderError(
            f"{table.name}: Canvas lets nobody change the column “{table.header[column]}”.",
            "Name another with --column.",
        )
    remarks = scale_remarks(table, column, gradebook)
    found, missing = match(gradebook, table.rows, keys_of(table, identity))
    remarks.extend(missing)
    written: list[list[str]] = []
    for place, row in found.items():
        cells = table.rows[place]
        if row.score is None:
            remarks.append(no_grade(row))
        elif cells[column].strip().upper() == EXCUSED:
            remarks.append(Remark("skipped", name_in(cells, identity), "Excused in Canvas; left so."))
        else:
            cells[column] = table.number(number_text(row.score))
            written.append(cells)
    remarks.extend(no_grade(row) for row in gradebook.rows if row.score is None and row not in found.values())
    keep = [*range(last + 1), column]
    table.header = [table.header[place] for place in keep]
    table.rows = [[row[place] for place in keep] for row in written]
    table.lead = [[row[place] for place in keep] for row in table.lead]
    return Exported({"canvas.csv": table.write()}, len(written), tuple(remarks))


def student_columns(table: Table) -> tuple[int, int]:
    """Index of the ID, which stands after the name in one column or two, and of the last that is not a grade's."""
    header = table.header
    identity = 2 if "LastName" in header[0] and "FirstName" in header[1] else 1
    if len(header) <= identity + 2 or (identity == 1 and "Student" not in header[0]) or "ID" not in header[identity]:
        raise GraderError(
            f"{table.name}: not the export of a Canvas gradebook: its headings begin with {', '.join(header[:3])}.",
            "Export the gradebook in Canvas, with the language set to English.",
        )
    last = next((place for place, heading in enumerate(header) if "Section" in heading), None)
    if last is None:
        raise GraderError(f"{table.name}: the column Section is missing.", "Export the gradebook anew.")
    return identity, last


def name_in(row: list[str], identity: int) -> str:
    """The student's name, which is in the columns before the ID."""
    return f"{row[1]} {row[0]}".strip() if identity == 2 else row[0]


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


def keys_of(table: Table, identity: int) -> list[tuple[Callable[[list[str]], str], Callable[[Row], list[str]]]]:
    """By what students are matched, in the order in which Canvas does it."""
    places = {heading.strip(): place for place, heading in enumerate(table.header)}

    def cell(heading: str) -> Callable[[list[str]], str]:
        return lambda row: row[places[heading]] if heading in places else ""

    return [
        (lambda row: row[identity], lambda row: [row.student.ids.get("canvas", "")]),
        (cell("SIS User ID"), lambda row: [row.student.ids.get("sid", ""), row.student.key]),
        (cell("SIS Login ID"), lambda row: [row.student.key, row.student.email, *row.student.ids.values()]),
        (lambda row: name_in(row, identity), lambda row: [row.student.name]),
        (lambda row: sortable(name_in(row, identity)), lambda row: [sortable(row.student.name)]),
    ]


def sortable(name: str) -> str:
    """A name as it begins the file names of Canvas: ``Lovelace, Ada`` -> ``lovelaceada``; either order of writing."""
    last, comma, first = name.partition(",")
    if not comma and " " in name.strip():
        first, _, last = name.strip().rpartition(" ")
    return re.sub(r"\W", "", f"{last}{first}".casefold())

"""Which row of a system's file is which student."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from grader.batch.exports._base import Remark
from grader.batch.exports._table import folded
from grader.batch.gradebook import Gradebook, Row

__all__ = ["Key", "match"]

Key = tuple[Callable[[list[str]], str], Callable[[Row], Sequence[str]]]
"""What a row of the file says, and what a student may be known by there."""


def match(gradebook: Gradebook, rows: Sequence[list[str]], keys: Sequence[Key]) -> tuple[dict[int, Row], list[Remark]]:
    """Index of a row of the file -> the student's, by the first of the keys that finds exactly one.

    The second value says who is not in the file.
    """
    found: dict[int, Row] = {}
    remarks: list[Remark] = []
    lookups = [(unique(rows, of_file), of_student) for of_file, of_student in keys]
    for row in gradebook.rows:
        place = next(
            (place for lookup, of_student in lookups if (place := first_place(lookup, of_student(row))) is not None),
            None,
        )
        who = row.student.name or row.student.key
        if place is None:
            if row.score is not None:
                text = f"Not in the file; the score of {row.score:g} is not exported."
                remarks.append(Remark("not found", who, text))
        elif place in found:
            other = found[place].student
            text = f"The same row of the file as {other.name or other.key}; enter the score of one of them by hand."
            remarks.append(Remark("not found", who, text))
        else:
            found[place] = row
    return found, remarks


def unique(rows: Sequence[list[str]], of_file: Callable[[list[str]], str]) -> Mapping[str, int]:
    """What the rows are known by -> index; what several rows share identifies none."""
    values = [folded(of_file(row)) for row in rows]
    counts = Counter(values)
    return {value: place for place, value in enumerate(values) if value and counts[value] == 1}


def first_place(lookup: Mapping[str, int], names: Sequence[str]) -> int | None:
    """The row that one of these names stands for."""
    return next((lookup[folded(name)] for name in names if name and folded(name) in lookup), None)

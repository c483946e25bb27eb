"""Adjustments as people write them: who is meant, which check, how many points, and why."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from pathlib import Path

from sqlalchemy.orm import Session

from grader.batch.entries import Student
from grader.batch.store.adjustments import Entry, set_entry, students
from grader.batch.store.results import standings
from grader.batch.store.schema import now
from grader.errors import AdjustmentError

__all__ = ["Roll", "Wish", "entries_csv", "keep_wishes", "read_overrides"]

COLUMNS = ("student", "check", "points", "reason")
"""What an overrides.csv must have; ``by`` and ``when`` may follow."""
DECIMAL_COMMA = str.maketrans(",", ".")


@dataclass(frozen=True)
class Wish:
    """One adjustment as it was written.

    Args:
        student: key, name, e-mail address or any other identifier.
        check: code or name; empty: the whole score.
        points: what the student has for it now.
        reason: why.
        by: who says so.
        when: since when; None: now.
        place: where it was written, for messages; empty: on the command line.
    """

    student: str
    check: str
    points: float
    reason: str
    by: str
    when: datetime | None = None
    place: str = ""


class Roll:
    """The students and checks of a class, by whatever they are called."""

    def __init__(self, session: Session) -> None:
        self._students = students(session)
        self._worth: dict[str, float] = {}
        for standing in standings(session):
            for code, told in standing.checks.items():
                self._worth[code] = max(self._worth.get(code, 0.0), told[2])

    def student(self, word: str, place: str = "") -> Student:
        """Who is meant.

        Raises:
            AdjustmentError: nobody, or several.
        """
        wanted = word.strip().casefold()
        exact = [one for one in self._students if one.key == word.strip()]
        found = exact or [one for one in self._students if wanted in called(one)]
        if len(found) == 1:
            return found[0]
        if found:
            keys = ", ".join(one.key for one in found)
            raise AdjustmentError(f"{place}Several students are called {word!r}.", f"Give one of the keys: {keys}.")
        known = {name: one.key for one in self._students for name in called(one)}
        close = difflib.get_close_matches(wanted, list(known), n=1, cutoff=0.5)
        hint = f"Did you mean {known[close[0]]}?" if close else "grader export OUT --format csv lists them."
        raise AdjustmentError(f"{place}There is no student {word!r}.", hint)

    def check(self, word: str, place: str = "") -> str:
        """The code of the check that is meant; empty for none.

        Raises:
            AdjustmentError: there is no such check in this class.
        """
        from grader.checks import all_checks

        wanted = word.strip().lower()
        if not wanted:
            return ""
        names = {code.lower(): code for code in self._worth}
        names |= {check.name: code for code, check in all_checks().items() if code in self._worth}
        if wanted in names:
            return names[wanted]
        close = difflib.get_close_matches(wanted, list(names), n=1, cutoff=0.5)
        hint = f"Did you mean {names[close[0]]}?" if close else f"Known are: {', '.join(sorted(self._worth))}."
        raise AdjustmentError(f"{place}The class has no check {word!r}.", hint)

    def worth(self, code: str) -> float | None:
        """What a check is worth at most; None for the whole score."""
        return self._worth.get(code)


def called(student: Student) -> set[str]:
    """All that a student is called, without regard to capitals."""
    return {text.casefold() for text in (student.key, student.name, student.email, *student.ids.values()) if text}


def keep_wishes(session: Session, wishes: Sequence[Wish]) -> list[tuple[Entry, float | None, bool]]:
    """Let adjustments hold, all of them or none.

    Returns:
        For each the adjustment, what its check is worth, and whether it changes anything.

    Raises:
        AdjustmentError: one of them cannot be.
    """
    roll = Roll(session)
    kept = []
    for wish in wishes:
        student, check = roll.student(wish.student, wish.place), roll.check(wish.check, wish.place)
        if wish.points < 0:
            raise AdjustmentError(f"{wish.place}{wish.points:g} points cannot be given.", "Give 0 or more.")
        if not wish.reason.strip():
            raise AdjustmentError(f"{wish.place}No reason is given.", "Say why: the student reads it.")
        entry = Entry(student, check, wish.points, wish.reason.strip(), wish.by, wish.when or now())
        kept.append((entry, roll.worth(check), set_entry(session, entry)))
    return kept


def read_overrides(path: Path, by: str) -> list[Wish]:
    """The adjustments of a CSV file.

    Args:
        path: with the columns student, check, points, reason, and perhaps by and when.
        by: who says so where the file does not tell.

    Raises:
        AdjustmentError: it cannot be read, lacks a column, or has a line without points.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not encoded as UTF-8"
        raise AdjustmentError(f"{path}: cannot be read: {reason}.", "Give a CSV file.") from None
    # Where the comma is the decimal sign, spreadsheets put semicolons between the columns.
    head = text.split("\n", 1)[0]
    reader = csv.DictReader(StringIO(text), delimiter=";" if head.count(";") > head.count(",") else ",")
    lacking = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if lacking:
        raise AdjustmentError(
            f"{path}: the first line lacks {', '.join(lacking)}.", f"It must name the columns {', '.join(COLUMNS)}."
        )
    return [wish_of(row, f"{path}:{reader.line_num}: ", by) for row in reader if any(filled(row))]


def filled(row: dict[str, str]) -> list[str]:
    """What is not empty in a line."""
    return [value for value in row.values() if isinstance(value, str) and value.strip()]


def wish_of(row: dict[str, str], place: str, by: str) -> Wish:
    """One line."""
    try:
        points = float((row["points"] or "").translate(DECIMAL_COMMA))
    except ValueError:
        raise AdjustmentError(f"{place}points = {row['points']!r}: expected a number.") from None
    when = row.get("when") or ""
    try:
        since = datetime.fromisoformat(when.strip()) if when.strip() else None
    except ValueError:
        raise AdjustmentError(f"{place}when = {when!r}: expected a date such as 2026-03-01.") from None
    return Wish(
        student=row["student"] or "",
        check=row["check"] or "",
        points=points,
        reason=row["reason"] or "",
        by=(row.get("by") or "").strip() or by,
        when=since,
        place=place,
    )


def entries_csv(entries: Sequence[Entry]) -> str:
    """The adjustments as a file that `read_overrides` reads."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow([*COLUMNS, "by", "when"])
    for one in entries:
        writer.writerow([one.student.key, one.check, f"{one.points:g}", one.reason, one.by, one.made.isoformat()])
    return text.getvalue()

"""Names, numbers and findings as the systems take them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from grader.batch.gradebook import Row
from grader.feedback.neutral import clean, one_line
from grader.feedback.wording import outcome_word, points_text
from grader.results import CheckResult, Outcome

__all__ = ["check_text", "file_names", "harmless", "number_text", "reason_of"]

DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""What Windows takes for a device, whatever follows the dot."""
FORMULA = re.compile(r"^\s*[=+\-@\t\r]")


def harmless(text: str) -> str:
    """Text for a cell: without control characters, and with ``'`` before what a spreadsheet would compute."""
    safe = one_line(text)
    return f"'{safe}" if FORMULA.match(text) or FORMULA.match(safe) else safe


def number_text(value: float) -> str:
    """Points to two decimals, which is as far as the systems compare them."""
    return points_text(round(value, 2))


def check_text(check: CheckResult) -> str:
    """What a check found, as a few plain lines."""
    lines = [f"{check.title}: {outcome_word(check)}."]
    for finding in check.findings:
        place = finding.location
        where = f" (cell {place.cell}{f', line {place.line}' if place.line else ''})" if place else ""
        lines.append(f"{finding.message}{where}")
        if finding.fix and check.outcome is not Outcome.PASSED:
            lines.append(f"To do: {finding.fix}")
    return clean("\n".join(lines))


def reason_of(row: Row) -> str:
    """What there is to say of a student in one sentence: the report's, or whoever's set the score by hand."""
    by_hand = next((one for one in row.adjustments if not one.check), None)
    if by_hand is not None:
        return clean(by_hand.reason)
    return clean(row.report.summary) if row.report else ""


def file_names(keys: Iterable[str]) -> dict[str, str]:
    """Key -> a name for a file or folder that every file system takes, different for each key."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for key in keys:
        stem = re.sub(r"[^\w.@+ -]", "_", one_line(key)).strip(". ").lstrip("-")
        stem = stem.encode("utf-8")[:120].decode("utf-8", errors="ignore") or "student"
        stem = f"_{stem}" if DEVICE.fullmatch(stem) else stem
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        names[key] = name
    return names

"""The gradebook as one table: a row a student, a column a check."""

from __future__ import annotations

from typing import Any

from grader.batch.gradebook import Gradebook, Row

__all__ = ["check_codes", "record_of"]


def check_codes(gradebook: Gradebook) -> list[str]:
    """Codes of all checks, in the order of the assignment."""
    reports = [row.report for row in gradebook.rows if row.report]
    return list(dict.fromkeys(check.code for report in reports for check in report.checks))


def record_of(row: Row, gradebook: Gradebook, codes: list[str]) -> dict[str, Any]:
    """One student; None where there is nothing to say."""
    checks = {check.code: check for check in row.report.checks} if row.report else {}
    record: dict[str, Any] = {
        "student": row.student.key,
        "name": row.student.name,
        "email": row.student.email,
        "file": row.file,
        "attempt": row.attempt,
        "attempts": row.attempts,
        "submitted": row.submitted.isoformat() if row.submitted else None,
        "late": row.late,
        "outcome": row.report.outcome.value if row.report else None,
        "score": row.score,
        "max_score": gradebook.max_score,
        "adjusted": bool(row.adjustments),
        "needs_a_person": row.trouble,
        "same_code": " ".join(row.same_code),
        "same_weights": " ".join(row.same_weights),
    }
    for code in codes:
        check = checks.get(code)
        record[code] = check.outcome.value if check else None
        record[f"{code}_points"] = check.points if check and row.score is not None else None
    return record

"""Exports that are a small JSON file for each student."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from grader.batch.exports._base import Exported, Remark, no_grade
from grader.batch.exports._text import file_names
from grader.batch.gradebook import Gradebook, Row

__all__ = ["each"]


def each(gradebook: Gradebook, file: str, record_of: Callable[[Row, float], Any]) -> Exported:
    """STUDENT/FILE for every student with a grade; whoever has none gets no file.

    Args:
        gradebook: the class.
        file: the name that the system looks for.
        record_of: what is in it, from the row and its score.
    """
    names = file_names(row.student.key for row in gradebook.rows)
    files: dict[str, bytes] = {}
    remarks: list[Remark] = []
    for row in gradebook.rows:
        if row.score is None:
            remarks.append(no_grade(row))
            continue
        text = json.dumps(record_of(row, row.score), indent=1, ensure_ascii=False)
        files[f"{names[row.student.key]}/{file}"] = text.encode("utf-8", errors="replace")
    return Exported(files, len(files), tuple(remarks))

"""JSON lines: everything that is known of each student, for programs."""

from __future__ import annotations

from typing import ClassVar

from grader.batch.exports._base import Export, Exported, Given, no_grade
from grader.batch.gradebook import Gradebook

__all__ = ["JsonLines"]


class JsonLines(Export):
    """One object a line, with the whole report; `score` is null where there is no grade."""

    name: ClassVar[str] = "jsonl"
    title: ClassVar[str] = "JSON lines: the whole report of each student"

    def export(self, gradebook: Gradebook, given: Given | None) -> Exported:
        """The file."""
        import json

        remarks = tuple(no_grade(row) for row in gradebook.rows if row.score is None)
        lines = [
            json.dumps({"score": row.score, **row.model_dump(mode="json")}, ensure_ascii=False)
            for row in gradebook.rows
        ]
        data = "".join(f"{line}\n" for line in lines).encode("utf-8", errors="replace")
        return Exported({"grades.jsonl": data}, len(lines) - len(remarks), remarks)

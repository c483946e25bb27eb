"""A small class with everything that happens: marks, mistakes, a grader's error, files nobody can read."""

from __future__ import annotations

from datetime import datetime, timezone

from grader.batch.entries import Refused, Student
from grader.batch.gradebook import Adjustment, Gradebook, Row
from tests import feedback_samples as samples

__all__ = ["BY_HAND", "gradebook", "large"]

WHEN = datetime(2026, 2, 1, 12, tzinfo=timezone.utc)
BY_HAND = Adjustment(check="TL204", points=0.5, given=0, reason="Shown in class.", by="ta", when=WHEN)


def row(key: str, name: str, sample: str = "", **changes: object) -> Row:
    """One student, graded as one of the samples of feedback."""
    ids = {"canvas": f"9{key}", "moodle": key}
    student = Student(key=key, name=name, email=f"{key}@example.org", ids=ids)
    known = Row(student=student, file=f"hw-{key}.ipynb", report=samples.report(sample) if sample else None)
    return known.model_copy(update=changes)


def gradebook() -> Gradebook:
    """Six students."""
    return Gradebook(
        assignment="alpaca-mobilenetv2",
        title="Alpaca or not",
        max_score=10,
        source="moodle",
        rows=(
            row("101", "Ada Lovelace", "full_marks", submitted=WHEN, same_code=("102",)),
            row("102", "Charles Babbage", "full_marks", same_code=("101",), attempt=2, attempts=2),
            row("103", '=HYPERLINK("http://evil.example")', "training_flag_forgotten", adjustments=(BY_HAND,)),
            row("104", "Grace Hopper", "grader_error"),
            row("105", "Alan Turing", trouble="hw.ipynb: the file is empty."),
            row("106", "Mary O'Neil-Łuk, Jr.", "recompile_forgotten", late=True),
        ),
        refused=(Refused(what="notes.pdf", reason="Not a notebook; ask for the .ipynb file."),),
    )


def large(count: int = 242) -> Gradebook:
    """A class of a usual size, made of the samples in a fixed order."""
    kinds = ["full_marks"] * 5 + ["training_flag_forgotten"] * 3 + ["recompile_forgotten"] * 2
    kinds += ["framework_override", "crashed", "untouched_starter"]
    rows = [row(f"{number:03}", f"Student {number:03}", kinds[number * 7 % 13]) for number in range(1, count)]
    rows[13] = row("014", "Student 014", "grader_error")
    rows[20] = rows[20].model_copy(update={"adjustments": (BY_HAND,)})
    for one, other in ((3, 8), (30, 77)):
        rows[one] = rows[one].model_copy(update={"same_code": (rows[other].student.key,)})
        rows[other] = rows[other].model_copy(update={"same_code": (rows[one].student.key,)})
    rows.append(row("999", "Student 999", trouble="hw.ipynb: this is a PDF, not a notebook."))
    return gradebook().model_copy(update={"rows": tuple(rows)})

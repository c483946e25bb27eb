"""Untouched starters, graded for real: what is said of cells that broke and of a model that was never whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment import find_assignment
from grader.results import Outcome
from tests.notebooks import grade_file, outcomes, result_of

ASSIGNMENTS = Path(__file__).resolve().parent.parent / "assignments"


@pytest.mark.parametrize("keras", ["2", "3"])
def test_a_model_whose_construction_failed_breaks_no_cell_after_it(keras: str) -> None:
    """`Model(inputs, None)` raises and leaves an object without `built`, which the error's traceback keeps alive."""
    assignment = find_assignment(str(ASSIGNMENTS / "cats-and-dogs-mobilenetv2"))
    report = grade_file(assignment.starter, assignment, keras).report
    stopped = [finding for finding in result_of(report, "NB001").findings if "costs nothing" not in finding.message]
    assert [finding.location.cell for finding in stopped if finding.location] == [20, 33]
    assert not any("built" in finding.message for finding in result_of(report, "NB001").findings)
    assert report.score == 0
    assert outcomes(report, Outcome.FAILED) == {"NB001", "NB002", "NB003"}


def test_given_cells_that_break_in_consequence_are_no_reason_for_a_missing_model() -> None:
    assignment = find_assignment(str(ASSIGNMENTS / "flowers-efficientnetv2b0"))
    report = grade_file(assignment.starter, assignment).report
    (finding,) = result_of(report, "NB002").findings
    assert finding.message.startswith("No cell built a model that holds a pretrained base. Cells 9, 12, ")
    names = [finding.message.split(" is not filled in")[0] for finding in result_of(report, "NB003").findings]
    assert names == [
        "`make_augmentation`",
        "`flower_model`",
        "Exercise 3: compile",
        "`thaw`",
        "Exercise 5: compile again and go on",
    ]

"""Every check's documented *Example* fails it and its *Use instead* passes it, run for real on both Keras flavours."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from grader.assignment import Assignment
from grader.checks import all_checks
from grader.checks._example_setup import SETUP
from grader.results import Outcome
from tests.notebooks import grade_cells, result_of

TOML = """
schema = 1
title = "An example"
[base]
application = "MobileNetV2"
input_shape = [96, 96, 3]
[[checks]]
code = "{code}"
points = 1
"""


def assignment_for(code: str, folder: Path) -> Assignment:
    """An assignment with this check alone, whose starter is the set-up of the examples."""
    (folder / "dataset" / "class").mkdir(parents=True)
    (folder / "assignment.toml").write_text(TOML.format(code=code))
    starter = getattr(all_checks()[code], "example_starter", "")
    cells = [new_code_cell(source) for source in (SETUP, starter) if source]
    nbformat.write(new_notebook(cells=cells), folder / "starter.ipynb")
    return Assignment.load(folder)


@pytest.mark.parametrize("keras", ["2", "3"])
@pytest.mark.parametrize(
    ("heading", "expected"),
    [("Example", Outcome.FAILED), ("Use instead", Outcome.PASSED)],
    ids=["example", "use-instead"],
)
@pytest.mark.parametrize("code", [code for code, check in all_checks().items() if not check.example_needs])
def test_the_documented_code_does_what_the_docs_say(
    tmp_path: Path, code: str, heading: str, expected: Outcome, keras: str
) -> None:
    assignment = assignment_for(code, tmp_path / "example")
    cells = [SETUP, *all_checks()[code].example_cells(heading)]
    report = grade_cells(tmp_path, cells, assignment, keras).report
    result = result_of(report, code)
    assert result.outcome is expected, [finding.message for finding in result.findings]

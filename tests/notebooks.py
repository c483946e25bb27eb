"""Making notebooks in a test, and grading them for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from grader.assignment import Assignment
from grader.grade import Graded, Options, grade
from grader.results import CheckResult, Outcome, Report
from grader.run.kernel import best_for
from grader.submission import load_submission

KERNELS = best_for(notebooks=2)
"""Shared by all tests of a process. That they show the same as cold kernels is a test of its own."""
ROOT = Path(__file__).resolve().parent.parent

__all__ = ["grade_cells", "grade_file", "grader", "outcomes", "result_of", "write_notebook"]


def write_notebook(path: Path, cells: Sequence[str]) -> Path:
    """A notebook with these code cells."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in cells])
    nbformat.write(notebook, path)
    return path


def grade_file(path: Path, assignment: Assignment, keras: str | None = None, **options: object) -> Graded:
    """Grade a notebook file as `grader check` does, and see that what comes out survives JSON."""
    chosen = Options(**{"keras": keras, "replay": "never", **options})  # type: ignore[arg-type]
    graded = grade(load_submission(path), assignment, chosen, starter=KERNELS)
    evidence = graded.evidence
    text = evidence.model_dump_json()
    assert type(evidence).model_validate_json(text) == evidence
    assert len(text) <= 100_000
    assert Report.model_validate_json(graded.report.model_dump_json()) == graded.report
    assert json.loads(graded.report.model_dump_json())["schema_version"] == 1
    return graded


def grade_cells(
    folder: Path, cells: Sequence[str], assignment: Assignment, keras: str = "3", **options: object
) -> Graded:
    """Grade a notebook made of these code cells."""
    return grade_file(write_notebook(folder / "notebook.ipynb", cells), assignment, keras, **options)


def outcomes(report: Report, *wanted: Outcome) -> set[str]:
    """Codes of the checks with one of these outcomes."""
    return {check.code for check in report.checks if check.outcome in wanted}


def result_of(report: Report, code: str) -> CheckResult:
    """The word of this check."""
    return next(check for check in report.checks if check.code == code)


def grader(*arguments: str | Path, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person would."""
    command = [str(Path(sys.executable).parent / "grader"), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True)

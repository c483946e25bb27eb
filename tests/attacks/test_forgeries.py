"""What the grader says of forged solutions, and what it does not claim to know."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment import Assignment
from grader.grade import Options, gather_evidence
from grader.results import Outcome, Report
from grader.submission import load_submission
from tests.attacks.forgeries import ASKED, FORGERIES, HONEST, Forgery
from tests.notebooks import KERNELS, grade_cells, result_of, write_notebook


@pytest.fixture(scope="module")
def exercise(alpaca: Assignment) -> Assignment:
    """The exercise, with nothing asked but what these notebooks forge."""
    return alpaca.model_copy(update={"checks": tuple(spec for spec in alpaca.checks if spec.code in ASKED)})


@pytest.fixture(scope="module")
def recorded(exercise: Assignment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the run of an honest solution leaves."""
    folder = tmp_path_factory.mktemp("recorded")
    path = write_notebook(folder / "honest.ipynb", HONEST)
    options = Options(keras="3", keep_weights=folder / "evidence")
    gather_evidence(load_submission(path), exercise, options, starter=KERNELS)
    return folder / "evidence"


def said(report: Report) -> dict[str, str]:
    return {code: result_of(report, code).outcome.value for code in ASKED}


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
def test_a_forgery_is_found_where_it_can_be(
    forgery: Forgery, exercise: Assignment, recorded: Path, tmp_path: Path
) -> None:
    report = grade_cells(tmp_path, forgery.code(recorded), exercise).report
    assert {**said(report), **forgery.said} == said(report)
    assert (report.outcome is Outcome.PASSED) == (forgery.by == "nothing")

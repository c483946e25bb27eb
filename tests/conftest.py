"""What the tests share: one weights store, and notebooks graded for real."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.assignment import Assignment, find_assignment
from grader.grade import Options, gather_evidence
from grader.submission import load_submission

ROOT = Path(__file__).resolve().parent.parent
# A store of the tests' own, kept between runs: the user's may hold real weights, and making stand-ins takes a while.
os.environ["GRADER_WEIGHTS"] = str(ROOT / "build" / "test-weights")


@pytest.fixture(scope="session")
def alpaca() -> Assignment:
    """The assignment that the project ships."""
    return find_assignment(str(ROOT / "assignments" / "alpaca-mobilenetv2"))


@pytest.fixture(scope="session")
def recorded(alpaca: Assignment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the recorder leaves of the solution on Keras 3: its journal, configs and arrays. Copy it to change it."""
    from tests.notebooks import KERNELS

    folder = tmp_path_factory.mktemp("recorded")
    solution = load_submission(ROOT / "reference" / "alpaca-mobilenetv2" / "solution.ipynb")
    gather_evidence(solution, alpaca, Options(keras="3", replay="never", keep_weights=folder), starter=KERNELS)
    assert (folder / "journal.jsonl").is_file()
    return folder

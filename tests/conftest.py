"""What the tests share: one weights store, and notebooks graded for real."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.assignment import Assignment, find_assignment

ROOT = Path(__file__).resolve().parent.parent
# A store of the tests' own, kept between runs: the user's may hold real weights, and making stand-ins takes a while.
os.environ["GRADER_WEIGHTS"] = str(ROOT / "build" / "test-weights")


@pytest.fixture(scope="session")
def alpaca() -> Assignment:
    """The assignment that the project ships."""
    return find_assignment(str(ROOT / "assignments" / "alpaca-mobilenetv2"))

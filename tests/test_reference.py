"""The reference solution has full marks, the starter has not, and each variant fails exactly what it declares."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from grader.assignment import Assignment
from grader.results import Outcome
from tests.notebooks import grade_file, outcomes, result_of

REFERENCE = Path(__file__).resolve().parent.parent / "reference"


def load_script(path: Path) -> ModuleType:
    """A script of the repository as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


VARIANTS = load_script(REFERENCE / "make_variants.py").load_variants(REFERENCE / "alpaca-mobilenetv2")


def test_there_are_enough_variants() -> None:
    assert len([variant for variant in VARIANTS if variant.expected("3")[0]]) >= 14


@pytest.mark.parametrize("keras", ["2", "3"])
def test_the_solution_has_full_marks(alpaca: Assignment, keras: str) -> None:
    report = grade_file(REFERENCE / "alpaca-mobilenetv2" / "solution.ipynb", alpaca, keras).report
    assert report.score == report.max_score == 10
    assert outcomes(report, Outcome.FAILED, Outcome.SKIPPED, Outcome.ERROR) == set()
    # Keras 3 moves the statistics although `training=False` was passed: worth reading, and free.
    assert outcomes(report, Outcome.WARNED) == ({"TL203"} if keras == "3" else set())
    trained = next(phase for phase in report.phases if phase.role == "fine-tuning")
    assert (min(trained.trainable_layers), max(trained.trainable_layers)) == (120, 152)
    assert len(trained.drifted_layers) == (12 if keras == "3" else 0)


@pytest.mark.parametrize("keras", ["2", "3"])
def test_the_untouched_starter_gets_no_points_for_what_it_did_not_do(alpaca: Assignment, keras: str) -> None:
    report = grade_file(alpaca.starter, alpaca, keras).report
    assert report.outcome is Outcome.FAILED
    earned = {check.code for check in report.checks if check.points}
    assert earned == set()
    exercises = [finding.message for finding in result_of(report, "NB003").findings]
    assert len(exercises) >= 3


@pytest.mark.parametrize("keras", ["2", "3"])
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_variant_fails_exactly_what_it_declares(alpaca: Assignment, variant, keras: str) -> None:
    report = grade_file(variant.path, alpaca, keras).report
    fails, skips = variant.expected(keras)
    assert outcomes(report, Outcome.ERROR) == set()
    assert outcomes(report, Outcome.FAILED) == fails
    assert outcomes(report, Outcome.SKIPPED) == skips

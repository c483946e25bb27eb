"""The references themselves. That the grader is right about each of their notebooks is verified by `reference/`
being among the test paths: `grader.verify.plugin` makes a test of every notebook on every Keras."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment import Assignment, find_assignments
from grader.verify import cases_of, find_references
from grader.verify.recorded import read_recorded
from tests.notebooks import grade_file

ROOT = Path(__file__).resolve().parent.parent
REFERENCES = find_references([], ROOT / "reference")


def test_the_suite_verifies_every_assignment(pytestconfig: pytest.Config) -> None:
    assert "reference" in pytestconfig.getini("testpaths")
    assert {reference.slug for reference in REFERENCES} == {
        found.slug for found in find_assignments() if found.folder.parent == ROOT / "assignments"
    }


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: reference.slug)
def test_each_assignment_has_wrong_variants_and_right_ones(reference) -> None:
    cases = [case for case in cases_of(reference) if case.kind == "variant"]
    assert len({case.name for case in cases if case.is_wrong}) >= 12
    assert {case.name for case in cases if case.name.startswith("right-")}


@pytest.mark.parametrize("keras", ["2", "3"])
def test_what_the_alpaca_solution_trains_and_what_drifts(alpaca: Assignment, keras: str) -> None:
    evidence = grade_file(
        ROOT / "reference" / "alpaca-mobilenetv2" / "solution.ipynb", alpaca, keras, replay="always"
    ).evidence
    head, tuning = evidence.phase("head"), evidence.phase("fine-tuning")
    assert head is not None and tuning is not None
    assert (head.trainable_tensors, head.trainable_parameters, len(head.drift)) == (2, 1_281, 0)
    assert (tuning.trainable_tensors, tuning.trainable_parameters) == (38, 1_626_177)
    assert (min(tuning.trainable), max(tuning.trainable)) == (120, 152)
    # Keras 3 moves the statistics although `training=False` was passed.
    assert len(tuning.drift) == (12 if keras == "3" else 0)
    # What the grader measures on the model rebuilt elsewhere is the same.
    replay = evidence.replay
    assert replay is not None and (replay.outcome, replay.disagreements, replay.unmeasured) == ("done", (), ())
    first, second = (replay.step(phase.index) for phase in (head, tuning))
    assert first is not None and second is not None
    assert (first.trainable, first.moved, first.head_moved, first.drift) == ((), (), 2, ())
    assert second.trainable == second.gradients == second.moved == tuning.moved
    assert [drift.layer for drift in second.drift] == [drift.layer for drift in tuning.drift]
    answer = replay.answer("false")
    assert answer is not None and answer.difference < 1e-4 and answer.drift == ()


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: reference.slug)
def test_recorded_evidence_is_of_the_notebooks_as_they_are(reference) -> None:
    recorded = read_recorded(reference)
    outdated = [
        case.id for case in cases_of(reference) if not (case.key in recorded and recorded[case.key].is_of(case))
    ]
    assert outdated == [], "run `make verify recorded`"

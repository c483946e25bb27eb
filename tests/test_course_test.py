"""The usual course test that the benchmark measures: it sees what such a test sees, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from grader.verify import cases_of, load_reference
from tests.bench.course_run import summary, told
from tests.bench.course_test import usual_test
from tests.verify_tree import Tree

RIGHT: Mapping[str, Any] = {
    "errors": [],
    "as written": [["Dense", [None, 1], 1281, "linear"]],
    "ported": [["Dense", [None, 1], 1281, "linear"]],
    "about_augmenter": [["RandomFlip"], [["horizontal", None]]],
    "about_base": [True, 154],
    "about_compile": ["Adam", 0.0001, "BinaryCrossentropy", True, ["accuracy"]],
}


def test_a_summary_has_a_row_a_layer() -> None:
    class Dropout:
        rate = 0.2
        output_shape = (None, 1280)

        def count_params(self) -> int:
            return 0

    model = SimpleNamespace(layers=[Dropout()])
    assert summary(model, lambda layer: layer.output_shape) == [["Dropout", (None, 1280), 0, 0.2]]
    assert told(lambda: summary(model, lambda layer: layer.shape)) == (
        "AttributeError: 'Dropout' object has no attribute 'shape'"
    )


def test_it_catches_what_differs_from_the_solution_or_raises(tmp_path: Path) -> None:
    cases = {c.name: c for c in cases_of(load_reference(Tree(tmp_path).reference)) if c.kind == "variant"}
    seen = {
        "solution": dict(RIGHT),
        "flag-forgotten": dict(RIGHT),
        "unfrozen-entirely": {**RIGHT, "about_compile": ["Adam", 0.001, "BinaryCrossentropy", True, ["accuracy"]]},
        "statistics-set": {**RIGHT, "errors": ["NameError: x"]},
    }
    way = usual_test("ported", "3", "ported", seen)
    assert way.solution_fails == ""
    assert [way.catches(cases[name]) for name in ("flag-forgotten", "unfrozen-entirely", "statistics-set")] == [
        False,
        True,
        True,
    ]


def test_one_that_breaks_on_the_solution_says_why() -> None:
    crash = "AttributeError: 'InputLayer' object has no attribute 'output_shape'"
    way = usual_test("as written", "3", "as written", {"solution": {**RIGHT, "as written": crash}})
    assert way.solution_fails == crash

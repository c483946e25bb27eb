"""`assignment.toml`: every mistake is told with the file, the key and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment import Assignment, find_assignment
from grader.checks import build_checks
from grader.errors import AssignmentError

GOOD = """
schema = 1
title = "A test"
keras = "auto"
[base]
application = "MobileNetV2"
input_shape = [160, 160, 3]
[limits]
cell = "60 s"
memory = "3 GB"
[policy]
framework_override = "forgive"
[[checks]]
code = "TL103"
points = 2
[[checks]]
code = "TL202"
points = 2
start = 100
"""


def load(folder: Path, text: str) -> Assignment:
    (folder / "dataset").mkdir(exist_ok=True)
    (folder / "starter.ipynb").write_text("{}")
    (folder / "assignment.toml").write_text(text)
    return Assignment.load(folder)


def test_a_good_one_is_read(tmp_path: Path) -> None:
    assignment = load(tmp_path, GOOD)
    assert (assignment.slug, assignment.limits.cell, assignment.limits.memory) == (tmp_path.name, 60.0, 3 * 10**9)
    assert assignment.checks[1].parameters == {"start": 100}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('keras = "auto"', 'kears = "auto"', "unknown key kears. Did you mean keras?"),
        ('keras = "auto"', 'keras = "4"', "keras = '4': allowed is 'auto', '2' or '3'."),
        ('cell = "60 s"', 'cell = "60"', 'limits.cell = \'60\': expected a duration such as "60 s", "3 min" or "1 h".'),
        ('memory = "3 GB"', "memory = 3", 'limits.memory = 3: expected a size such as "500 kB", "10 MB" or "3 GB".'),
        ('cell = "60 s"', 'cells = "60 s"', "unknown key limits.cells. Did you mean cell?"),
        ("points = 2\n[[", "points = -1\n[[", "checks[1].points = -1: input should be greater than or equal to 0."),
        ('application = "MobileNetV2"\n', "", "base.application is missing."),
        ('title = "A test"', "title =", "not valid TOML: Invalid value (at line 3, column 8)."),
        ('"forgive"', '"maybe"', "policy.framework_override = 'maybe': allowed is 'forgive' or 'fail'."),
        (
            "[limits]",
            '[files]\ndataset = "images"\n[limits]',
            'files.dataset = "images": there is no such file or folder in',
        ),
    ],
)
def test_a_mistake_is_told_with_file_key_and_what_is_allowed(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(AssignmentError) as caught:
        load(tmp_path, GOOD.replace(old, new, 1))
    assert str(caught.value).startswith(f"{tmp_path / 'assignment.toml'}: ")
    assert message in str(caught.value)


def test_its_own_templates_are_found_wherever_it_lies(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD).templates is None
    (tmp_path / "pages").mkdir()
    own = load(tmp_path, GOOD.replace("[limits]", '[files]\ntemplates = "pages"\n[limits]'))
    assert own.templates == tmp_path / "pages"


def test_an_unknown_check_and_an_unknown_parameter_are_told(tmp_path: Path) -> None:
    for old, new, message in (
        ('code = "TL103"', 'code = "TL1O3"', "TL103"),
        ("start = 100", "strat = 100", "start"),
    ):
        assignment = load(tmp_path, GOOD.replace(old, new))
        with pytest.raises(AssignmentError, match=f"Did you mean .*{message}"):
            build_checks(assignment.checks, "assignment.toml")


def test_an_assignment_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AssignmentError) as caught:
        find_assignment("alpaca-mobilenet")
    assert str(caught.value) == "There is no assignment 'alpaca-mobilenet'. Did you mean alpaca-mobilenetv2?"
    with pytest.raises(AssignmentError, match="there is no such file"):
        Assignment.load(tmp_path)

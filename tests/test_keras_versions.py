"""`make keras-versions`: verdicts of several versions side by side."""

from __future__ import annotations

import io
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console

from grader.results import Outcome
from grader.verify import Record
from tests.evidence_samples import environment, textbook
from tests.test_assignment_content import load

ROOT = Path(__file__).resolve().parent.parent
PASSED, FAILED = Outcome.PASSED, Outcome.FAILED


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script, with its folder elsewhere."""
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    script = load(ROOT / "tools" / "keras_versions.py")
    script.FOLDER = tmp_path
    return script


def keep(tool: ModuleType, version: str, outcome: Outcome, score: float) -> object:
    """A version with one record."""
    made = tool.Version(version, ())
    sample = textbook("3").model_copy(update={"environment": environment("3", keras=f"{version}.1")})
    outcomes = {"TL103": outcome, "TL203": Outcome.WARNED}
    record = Record(
        assignment=tool.SLUG,
        name="flag-forgotten",
        keras="3",
        as_declared=True,
        outcomes=outcomes,
        score=score,
        max_score=10,
        evidence=sample,
    )
    made.records.add(record)
    return made


def compared(tool: ModuleType, *versions: object) -> tuple[bool, list[str]]:
    """Whether all agree, and what is printed."""
    console = Console(file=io.StringIO(), width=100)
    same = tool.compare(versions, console)
    assert isinstance(console.file, io.StringIO)
    return same, [line.rstrip() for line in console.file.getvalue().splitlines()[2:]]


def test_the_same_verdict_is_one_line(tool: ModuleType) -> None:
    versions = [keep(tool, version, FAILED, 8.5) for version in ("3.5", "3.15")]
    assert compared(tool, *versions) == (
        True,
        ["flag-forgotten   Keras 3.5.1, 3.15.1   yes    8.5 points, failed TL103"],
    )


def test_verdicts_that_differ_are_told_by_version(tool: ModuleType) -> None:
    versions = [keep(tool, "3.5", PASSED, 10), keep(tool, "3.15", FAILED, 8.5)]
    assert compared(tool, *versions) == (
        False,
        [
            "flag-forgotten   Keras 3.5.1, 3.15.1   no     3.5: 10 points",
            "                                              3.15: 8.5 points, failed TL103",
        ],
    )


def test_nothing_to_compare_is_not_agreement(tool: ModuleType) -> None:
    assert compared(tool, tool.Version("3.5", ()))[0] is False

"""The rules of the house: imports flow one way, and nothing heavy is loaded before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "grader"
MODULES = sorted(PACKAGE.rglob("*.py"))
KERAS = {"tensorflow", "keras", "tf_keras"}
MEASURING = ("run/replay/rebuild.py", "run/replay/measure.py", "run/replay/child.py")
MAY_USE_KERAS = ("run/recorder/", "run/compat/", *MEASURING, "weights/")
"""What runs inside a kernel or in a process of its own."""


def imports_of(path: Path, *, everywhere: bool) -> Iterator[str]:
    """Modules that a file imports: everywhere in it, or only as it is loaded."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if everywhere else iter(tree.body)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", [path for path in MODULES if name_of(path).startswith("checks/")], ids=name_of)
def test_checks_know_only_evidence_results_and_policy(path: Path) -> None:
    allowed = ("grader.checks", "grader.evidence", "grader.results", "grader.policy", "grader.errors")
    wrong = [
        name for name in imports_of(path, everywhere=True) if name.startswith("grader") and not name.startswith(allowed)
    ]
    assert wrong == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_what_runs_beside_the_student_uses_keras(path: Path) -> None:
    used = {name.split(".")[0] for name in imports_of(path, everywhere=True)} & KERAS
    assert not used or name_of(path).startswith(MAY_USE_KERAS)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_feedback_uses_jinja(path: Path) -> None:
    uses = any(name.split(".")[0] == "jinja2" for name in imports_of(path, everywhere=True))
    assert not uses or name_of(path).startswith("feedback/")


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        (
            "evidence.py",
            ("grader.run", "grader.examine", "grader.checks", "grader.feedback", "grader.grade", "grader.cli"),
        ),
        (
            "results.py",
            ("grader.run", "grader.examine", "grader.checks", "grader.feedback", "grader.grade", "grader.cli"),
        ),
        (
            "assignment.py",
            ("grader.run", "grader.examine", "grader.checks", "grader.feedback", "grader.grade", "grader.cli"),
        ),
        ("run/", ("grader.examine", "grader.checks", "grader.feedback", "grader.grade", "grader.cli")),
        ("examine/", ("grader.checks", "grader.feedback", "grader.grade", "grader.cli")),
        ("feedback/", ("grader.run", "grader.examine", "grader.grade", "grader.cli")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_imports_flow_one_way(lower: str, higher: tuple[str, ...]) -> None:
    for path in MODULES:
        if name_of(path).startswith(lower):
            wrong = [name for name in imports_of(path, everywhere=True) if name.startswith(higher)]
            assert wrong == [], path


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_is_longer_than_can_be_held_in_mind(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_importing_the_grader_and_asking_for_help_load_no_tensorflow() -> None:
    code = (
        "import sys, grader, grader.grade, grader.cli.app, grader.checks, grader.feedback.render\n"
        "assert not {'tensorflow', 'keras', 'tf_keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    code = (
        "import sys\nfrom grader.cli import main\nsys.argv = ['grader', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'tensorflow', 'numpy', 'nbclient', 'nbconvert', 'IPython'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

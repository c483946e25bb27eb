"""Which checks there are, how an assignment asks for them, and what their verdicts are worth."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import grader.checks
from grader.checks import all_checks, build_checks, explain, run_checks
from grader.checks._base import Check, NotApplicable, Passed, Verdict
from grader.checks._example_setup import SETUP
from grader.errors import AssignmentError, GraderError
from grader.evidence import Evidence
from grader.policy import Policy
from grader.results import Outcome
from tests.evidence_samples import evidence, said, textbook

WHERE = "alpaca/assignment.toml"
FILES = sorted(Path(grader.checks.__file__).parent.glob("[a-z]*.py"))
FIRST = ("NB001", "NB002", "NB003", "TL101", "TL102", "TL103", "TL201", "TL202", "TL203", "TL205", "TL401")
ALLOWED = ("grader.checks", "grader.evidence", "grader.results", "grader.policy", "grader.errors")


@dataclass
class Spec:
    code: str
    points: float = 1.0
    parameters: dict[str, Any] = field(default_factory=dict)


class Broken(Check):
    """What it checks
    --------------
    Nothing.

    Why it matters
    --------------
    It raises.
    """

    code, name, title = "XX001", "broken", "It raises"

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        raise KeyError("phase")


class After(Broken):
    """What it checks
    --------------
    What comes after.

    Why it matters
    --------------
    Order.
    """

    code, name, title, requires = "XX002", "after", "It comes after", ("XX001",)

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        return Passed()


class Nothing(Broken):
    """What it checks
    --------------
    Nothing.

    Why it matters
    --------------
    There is none.
    """

    name, title = "nothing", "There is something"

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        return NotApplicable("There is nothing to judge.")


def test_every_file_is_one_check_named_after_it() -> None:
    assert set(FIRST) <= set(all_checks())
    assert list(all_checks()) == sorted(all_checks())
    names = {f"{check.code.lower()}_{check.name.replace('-', '_')}.py" for check in all_checks().values()}
    assert {path.name for path in FILES} == names


@pytest.mark.parametrize("code", all_checks())
def test_a_check_is_complete(code: str) -> None:
    check = all_checks()[code]
    assert set(check.requires) <= set(all_checks())
    assert not check().titled().endswith(".")
    for heading in ("What it checks", "Why it matters"):
        assert len(check.section(heading)) > 80
    for heading in ("Example", "Use instead"):
        cells = check.example_cells(heading)
        assert cells
        for cell in (SETUP, *cells, check.example_starter):
            ast.parse(cell)
    for parameter in check.Parameters.model_fields.values():
        assert parameter.description


@pytest.mark.parametrize("path", sorted(Path(grader.checks.__file__).parent.glob("*.py")), ids=lambda path: path.name)
def test_checks_import_evidence_results_policy_and_errors_only(path: Path) -> None:
    imported = {
        name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    ours = {name for name in imported if name.split(".")[0] in ("grader", "tensorflow", "keras", "tf_keras", "numpy")}
    assert all(name.startswith(ALLOWED) for name in ours)


def test_no_tensorflow_is_imported() -> None:
    code = "import sys; from grader.checks import all_checks; all_checks(); print('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_build_keeps_order_points_and_parameters() -> None:
    built = build_checks([Spec("TL202", 3, {"start": 100}), Spec("NB001", 0)], WHERE)
    assert [(check.code, points) for check, points in built] == [("TL202", 3), ("NB001", 0)]
    assert built[0][0].titled() == "Layers from 100 on are fine-tuned, the others are not"


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        ([Spec("TL1O3")], f'{WHERE}: checks[1].code = "TL1O3": there is no such check. Did you mean TL103?'),
        ([Spec("tl103")], f'{WHERE}: checks[1].code = "tl103": there is no such check. Did you mean TL103?'),
        ([Spec("NB001"), Spec("NB001")], f'{WHERE}: checks[2].code = "NB001": this check is there twice.'),
        ([Spec("TL202", 1, {"strat": 1})], f"{WHERE}: unknown key checks[1].strat. Did you mean start?"),
        ([Spec("TL101", 1, {"point": 1})], f"{WHERE}: unknown key checks[1].point. Did you mean points?"),
        ([Spec("TL101", 1, {"zzz": 1})], f"{WHERE}: unknown key checks[1].zzz. Known are: code, points."),
        (
            [Spec("TL202", 1, {"start": -1})],
            f"{WHERE}: checks[1].start = -1: input should be greater than or equal to 0.",
        ),
    ],
)
def test_what_an_assignment_gets_wrong(specs: list[Spec], message: str) -> None:
    with pytest.raises(AssignmentError) as caught:
        build_checks(specs, WHERE)
    assert str(caught.value) == message


def test_a_failed_requirement_blocks_whatever_the_order() -> None:
    built = build_checks([Spec("TL101", 2), Spec("NB002", 1)], WHERE)
    blocked, failed = run_checks(evidence((), base=None, model=None), built, Policy())
    assert said(blocked) == (
        "skipped",
        ("Not assessed, since NB002 failed: The notebook builds a model on a pretrained base.",),
    )
    assert (blocked.points, blocked.max_points) == (0, 2)
    assert failed.outcome is Outcome.FAILED


def test_an_error_of_the_grader_costs_nothing_and_blocks_nothing() -> None:
    broken, after = run_checks(textbook(), [(Broken(), 3.0), (After(), 1.0)], Policy())
    assert said(broken) == ("error", ("The grader failed on this check: KeyError: 'phase'. It costs no points.",))
    assert (broken.points, broken.max_points) == (0, 0)
    assert (after.outcome, after.points) == (Outcome.PASSED, 1)


def test_what_does_not_apply_takes_what_hangs_on_it_along() -> None:
    nothing, after = run_checks(textbook(), [(Nothing(), 3.0), (After(), 1.0)], Policy())
    assert (nothing.outcome, nothing.max_points) == (Outcome.SKIPPED, 0)
    assert said(after) == ("skipped", ("Nothing to assess, since XX001 has nothing to judge: There is something.",))
    assert after.max_points == 0


def test_results_carry_why_it_matters() -> None:
    (result,) = run_checks(textbook(), build_checks([Spec("TL103")], WHERE), Policy())
    assert result.why.startswith("`trainable` and `training` are two different switches.")


@pytest.mark.parametrize("flavour", ["2", "3"])
def test_the_textbook_earns_every_point(flavour: Any) -> None:
    results = run_checks(textbook(flavour), build_checks([Spec(code) for code in FIRST], WHERE), Policy())
    assert {result.code: result.outcome.value for result in results if result.outcome is not Outcome.PASSED} == (
        {"TL203": "warned"} if flavour == "3" else {}
    )
    assert sum(result.points for result in results) == len(FIRST)


def test_evidence_that_went_through_json_is_judged_the_same() -> None:
    sample = textbook("3")
    again = Evidence.model_validate_json(sample.model_dump_json())
    built = build_checks([Spec(code) for code in FIRST], WHERE)
    assert run_checks(again, built, Policy()) == run_checks(sample, built, Policy())


def test_explain() -> None:
    text = explain("tl202")
    assert text.startswith(
        "# TL202 finetuned-layers\n\n**Layers from 120 on are fine-tuned, the others are not.**\n\n"
        "## What it checks\n\n"
    )
    assert "\n\n## Use instead\n\n```python\nbase_model.trainable = False\n" in text
    assert text.endswith(
        "## Requires\n\nJudged only after NB002: where that failed or was skipped, this is skipped too.\n\n"
        "## Parameters\n\n"
        "* `start` (int, default `120`): Index of the first base layer to fine-tune, in the application's `layers`, "
        "from 0.\n"
        "* `tolerance` (int, default `1`): How many layers the start may be off: the numbering shifts by one between "
        "versions of Keras.\n"
    )
    assert explain("inference-mode") == explain("TL103")
    assert "## Parameters" not in explain("NB001")


def test_explain_what_there_is_not() -> None:
    with pytest.raises(GraderError) as caught:
        explain("TL13")
    assert str(caught.value) == "There is no check 'TL13'. Did you mean TL103?"

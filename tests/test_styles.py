"""Right and wrong notebooks in the styles that students write in: each gets its verdict, on both Kerases."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment import Assignment
from grader.results import Outcome
from tests.notebooks import grade_cells, outcomes
from tests.styles_loader import Style, load_styles

JUDGED = {"NB001", "NB002", "TL101", "TL102", "TL103", "TL201", "TL202", "TL203", "TL204", "TL205"}
JUDGED |= {"TL304", "TL305", "TL401"}
"""What every style declares. NB003 compares with a starter, and these notebooks have none; what takes a probe of the
model (TL301, TL302, TL402) and the form of the head (TL303) have tests of their own."""
RUNS = [
    pytest.param(style, keras, id=f"{style.name}-{keras}")
    for style in load_styles()
    for keras in ("2", "3")
    if style.runs_on(keras)
]


@pytest.fixture(scope="module")
def assignment(alpaca: Assignment) -> Assignment:
    """The shipped assignment with the checks that are judged here, and patience: saving a model as a folder is slow."""
    limits = alpaca.limits.model_copy(update={"run": 280.0, "cell": 200.0})
    checks = tuple(spec for spec in alpaca.checks if spec.code in JUDGED)
    base = alpaca.base.model_copy(update={"input_shape": (96, 96, 3)})
    return alpaca.model_copy(update={"checks": checks, "limits": limits, "base": base})


@pytest.mark.parametrize(("style", "keras"), RUNS)
def test_a_style_gets_its_verdict(assignment: Assignment, tmp_path: Path, style: Style, keras: str) -> None:
    replay = style.header.get(f"replay-{keras}", style.header.get("replay", ""))
    graded = grade_cells(tmp_path, style.cells, assignment, keras, replay="always" if replay else "never")
    report, evidence = graded.report, graded.evidence
    got = {
        "fails": outcomes(report, Outcome.FAILED),
        "warns": outcomes(report, Outcome.WARNED),
        "skips": outcomes(report, Outcome.SKIPPED),
    }
    assert outcomes(report, Outcome.ERROR) == set()
    assert got == style.expected(keras), style.about
    if roles := style.header.get("phases"):
        assert " ".join(phase.role for phase in evidence.phases) == roles
    if held := style.header.get("held"):
        assert evidence.base is not None
        assert evidence.base.style == held
    if replay:
        assert evidence.replay is not None
        assert (evidence.replay.outcome, evidence.replay.disagreements) == (replay, ()), evidence.replay.reason
        assert evidence.replay.unmeasured == ()
        assert len(evidence.replay.phases) == (len(evidence.phases) if replay == "done" else 0)

"""Malformed notebooks and forged evidence by the hundred: no traceback, no hang, no lost result.

`GRADER_FUZZ=1000` (`make fuzz`) tries so many of each; without it there are 150 notebooks and 50 forgeries. A few of
the notebooks that can be read, 50 or 5, are run as well.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode

from grader.assignment import Assignment, find_assignments
from grader.checks import build_checks, run_checks
from grader.errors import AssignmentError, SubmissionError
from grader.examine import RunFacts, examine
from grader.examine.rebuilding import NotRebuiltError, Rebuilding, Wish
from grader.feedback.render import render
from grader.feedback.report import build_report
from grader.grade import Options, grade
from grader.recognise import recognise
from grader.results import Outcome, Report
from grader.run.execution import CellOutcome, Execution
from grader.run.flavour import choose_flavour
from grader.submission import Submission, clean_for_run, load_submission
from grader.weights import WeightsStore
from tests.notebooks import KERNELS

ROOT = Path(__file__).resolve().parent.parent
REAL = sorted([*ROOT.glob("samples/*.ipynb"), *ROOT.glob("reference/*/solution.ipynb")])
ASKED = int(os.environ.get("GRADER_FUZZ", "0"))
NOTEBOOKS, FORGERIES, RUNS = (ASKED, ASKED, min(ASKED, 50)) if ASKED else (150, 50, 5)
HURRY = {"cell": 2.0, "run": 3.0}
"""Limits, in seconds. A real notebook that broke early takes less, and one that did not is cut off."""
ODD: list[Any] = [
    None, True, -1, 10**30, 1e308, "", "\0", "\ud800", "%%bash\nrm x", "def f(:\n", "x = (" * 500, "\x1b[31m",
    [], {}, [[[]]], {"a": {"b": []}}, "<script>alert(1)</script>", "‮", "![", "!" * 50, "%", "?", "a.b\n??",
]  # fmt: skip


def tried(times: int) -> settings:
    """So many examples, the same ones each time in the suite."""
    return settings(
        max_examples=times,
        deadline=None,
        derandomize=not ASKED,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def mutated(value: Any, chance: random.Random, rounds: int) -> Any:
    """The JSON value with so many of its parts replaced, dropped, doubled or cut."""
    holder = [json.loads(json.dumps(value))]
    for _ in range(rounds):
        spot: Any = holder
        while True:
            keys = list(spot) if isinstance(spot, dict) else list(range(len(spot)))
            key = chance.choice(keys)
            inner = spot[key]
            if not (isinstance(inner, (dict, list)) and inner) or chance.random() < 0.15:
                break
            spot = inner
        act = chance.randrange(5)
        if act == 0 and (isinstance(spot, dict) or len(spot) > 1):
            del spot[key]
        elif act == 1 and isinstance(spot, list) and spot is not holder:
            spot.insert(key, copy.deepcopy(inner))
        elif act == 2 and isinstance(inner, str):
            spot[key] = inner[: chance.randrange(len(inner) + 1)]
        elif act == 3 and isinstance(inner, (int, float)):
            spot[key] = chance.choice([-inner, inner + 1, 0, 10**18, float("nan"), float("inf")])
        else:
            spot[key] = copy.deepcopy(chance.choice(ODD))
        if not holder or not isinstance(holder[0], (dict, list)) or not holder[0]:
            break
    return holder[0] if holder else None


def spoilt(data: bytes, chance: random.Random) -> bytes:
    """The bytes with a piece cut out, doubled, or turned into others."""
    at, length = chance.randrange(len(data)), chance.randrange(1, 200)
    piece = chance.choice([b"", data[at : at + length] * 2, chance.randbytes(length), b"\0", b",", b'"'])
    return data[:at] + piece + data[at + length :]


def told(error: Exception, path: str) -> None:
    """One line that names the file."""
    assert path in str(error)
    assert "\n" not in str(error)


def judged(submission: Submission, assignment: Assignment, evidence_folder: Path) -> Report:
    """The whole pipeline after a run that left this folder."""
    numbered = [n for n, cell in enumerate(submission.notebook.cells, 1) if cell.cell_type == "code" and cell.source]
    execution = Execution(
        notebook=submission.notebook,
        evidence=evidence_folder,
        cells=tuple(CellOutcome(number, "ran", count) for count, number in enumerate(numbered, 1)),
    )
    facts = RunFacts(choose_flavour(submission.notebook), "bounded", WeightsStore())
    evidence = examine(submission, assignment, execution, facts)
    assert type(evidence).model_validate_json(evidence.model_dump_json()) == evidence
    checks = build_checks(assignment.checks, "assignment.toml")
    report = build_report(evidence, run_checks(evidence, checks, assignment.policy), assignment)
    checked(report, assignment, submission.notebook)
    return report


def checked(report: Report, assignment: Assignment, notebook: NotebookNode) -> None:
    """A report that says something of everything, in every layout."""
    assert [check.code for check in report.checks] == [spec.code for spec in assignment.checks]
    assert not [check for check in report.checks if check.outcome is Outcome.ERROR]
    assert report.score is not None and 0 <= report.score <= report.max_score
    for layout in ("text", "markdown", "html", "json", "notebook"):
        assert render(report, layout, notebook=notebook)


@tried(NOTEBOOKS)
@given(seed=st.integers(0, 2**32))
def test_a_malformed_notebook_is_graded_or_refused_with_one_line(
    seed: int, alpaca: Assignment, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / "submission.ipynb"
    data = chance.choice(REAL).read_bytes()
    if chance.random() < 0.7:
        data = json.dumps(mutated(json.loads(data), chance, chance.randrange(1, 12))).encode()
    if chance.random() < 0.4:
        data = spoilt(data, chance)
    path.write_bytes(data)
    try:
        submission = load_submission(path)
    except SubmissionError as exc:
        told(exc, str(path))
        return
    finally:
        shutil.rmtree(folder)
    clean_for_run(submission.notebook)
    try:
        recognise(submission, find_assignments())
    except (AssignmentError, SubmissionError) as exc:
        told(exc, "")
    report = judged(submission, alpaca, tmp_path_factory.getbasetemp())
    assert report.outcome is Outcome.FAILED


@tried(RUNS)
@given(seed=st.integers(0, 2**32))
def test_a_malformed_notebook_that_can_be_read_is_run_and_reported(
    seed: int, alpaca: Assignment, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chance = random.Random(seed)
    submission = readable(chance, tmp_path_factory.mktemp("run"))
    hurried = alpaca.model_copy(update={"limits": alpaca.limits.model_copy(update=HURRY)})
    graded = grade(submission, hurried, Options(keras="3", replay="never"), starter=KERNELS)
    checked(graded.report, hurried, graded.notebook)
    wanted = [
        n for n, cell in enumerate(submission.notebook.cells, 1) if cell.cell_type == "code" and cell.source.strip()
    ]
    assert [run.cell for run in graded.evidence.notebook.cells] == wanted
    assert [cell.source for cell in graded.notebook.cells] == [cell.source for cell in submission.notebook.cells]
    assert nbformat.reads(render(graded.report, "notebook", notebook=graded.notebook), as_version=4).cells


def readable(chance: random.Random, folder: Path) -> Submission:
    """A real notebook with its code and all else spoilt, but not so much that it is refused."""
    while True:
        path = folder / "submission.ipynb"
        spoilt_one = json.loads(chance.choice(REAL).read_bytes())
        for cell in chance.sample(spoilt_one["cells"], 3):
            source = "".join(cell["source"])
            cell["source"] = spoilt(source.encode() or b" ", chance).decode(errors="replace")
        path.write_text(json.dumps(mutated(spoilt_one, chance, chance.randrange(1, 12))), encoding="utf-8")
        with contextlib.suppress(SubmissionError):
            return load_submission(path)


@tried(FORGERIES)
@given(seed=st.integers(0, 2**32))
def test_a_forged_journal_is_judged_or_left_out_without_a_traceback(
    seed: int, alpaca: Assignment, recorded: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("forged")
    try:
        for path in recorded.iterdir():
            (folder / path.name).hardlink_to(path)
        names = sorted({path.name for path in recorded.iterdir()} - {"journal.jsonl"})
        for name in [*chance.sample(names, 2), "journal.jsonl"]:
            forge(folder / name, chance)
        solution = load_submission(ROOT / "reference" / "alpaca-mobilenetv2" / "solution.ipynb")
        judged(solution, alpaca, folder)
        if ASKED or seed % 5 == 0:
            planned(solution, alpaca, folder)
    finally:
        shutil.rmtree(folder)


def planned(submission: Submission, assignment: Assignment, left: Path) -> None:
    """A replay is planned, or refused with a sentence."""
    execution = Execution(submission.notebook, left, ())
    facts = RunFacts(choose_flavour(submission.notebook), "bounded", WeightsStore())
    evidence = examine(submission, assignment, execution, facts)
    given = left / "given"
    given.mkdir()
    wishes = [Wish("inference-mode", 2), Wish("base-frozen", 1), Wish("layers-unfrozen", 2, 120)]
    reason = ""
    try:
        Rebuilding(submission, assignment, execution, evidence).plan(given, wishes)
    except NotRebuiltError as exc:
        reason = exc.reason
    assert (given / "request.json").is_file() or reason.endswith(".")
    assert "\n" not in reason


def forge(path: Path, chance: random.Random) -> None:
    """Spoil one file of the evidence."""
    data = path.read_bytes()
    path.unlink()  # The other name of the same file stays as it was.
    if path.suffix == ".jsonl":
        lines = [json.loads(line) for line in data.splitlines()]
        for place in chance.sample(range(len(lines)), min(len(lines), chance.randrange(1, 8))):
            lines[place] = mutated(lines[place], chance, chance.randrange(1, 6))
        data = "\n".join(json.dumps(line) for line in lines).encode()
    elif path.suffix == ".json" and chance.random() < 0.7:
        data = json.dumps(mutated(json.loads(data), chance, chance.randrange(1, 30))).encode()
    else:
        data = spoilt(data, chance)
    path.write_bytes(data)

"""Whatever is handed in: a report that names the cell and the cause, or exit status 2 with one line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from grader.assignment import Assignment
from grader.results import Outcome
from tests.notebooks import grade_cells, grader, outcomes, result_of

BUILD = """
import tensorflow as tf
base = tf.keras.applications.MobileNetV2(input_shape=(160, 160, 3), include_top=False, weights="imagenet")
base.trainable = False
inputs = tf.keras.Input((160, 160, 3))
x = base(inputs / 127.5 - 1.0, training=False)
model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(tf.keras.layers.GlobalAveragePooling2D()(x)))
"""
TRAIN = """
model.compile("adam", tf.keras.losses.BinaryCrossentropy(from_logits=True))
model.fit(tf.random.uniform((4, 160, 160, 3)), tf.constant([[0.0], [1.0], [0.0], [1.0]]), epochs=2)
"""


def failed_cell(report, code: str = "NB001"):
    """Message and cell of the first finding of this check."""
    finding = result_of(report, code).findings[0]
    return finding.message, finding.location.cell if finding.location else None


def test_a_syntax_error_is_told_with_its_cell_and_line_and_the_rest_runs(alpaca: Assignment, tmp_path: Path) -> None:
    report = grade_cells(tmp_path, [BUILD, "x = 1\ny = = 2", TRAIN], alpaca).report
    message, cell = failed_cell(report)
    assert cell == 2
    assert "SyntaxError" in message
    assert result_of(report, "NB001").findings[0].location.line == 2
    assert result_of(report, "TL401").outcome is Outcome.PASSED


def test_a_missing_dataset_path_is_told_by_its_name(alpaca: Assignment, tmp_path: Path) -> None:
    report = grade_cells(tmp_path, ["open('nowhere/at_all.csv')"], alpaca).report
    message, cell = failed_cell(report)
    assert cell == 1
    assert "nowhere/at_all.csv" in message


def test_no_model_is_never_passed(alpaca: Assignment, tmp_path: Path) -> None:
    report = grade_cells(tmp_path, ["print('hello')"], alpaca).report
    assert result_of(report, "NB002").outcome is Outcome.FAILED
    assert report.outcome is Outcome.FAILED
    passed = {check.code for check in report.checks if check.outcome is Outcome.PASSED}
    assert not {code for code in passed if code.startswith("TL")}


def test_an_empty_notebook_is_graded_and_passes_nothing_that_counts(alpaca: Assignment, tmp_path: Path) -> None:
    report = grade_cells(tmp_path, [], alpaca).report
    assert report.outcome is Outcome.FAILED
    assert report.score == 0


def test_a_model_that_was_never_trained_fails_for_that(alpaca: Assignment, tmp_path: Path) -> None:
    report = grade_cells(tmp_path, [BUILD], alpaca).report
    assert result_of(report, "NB002").outcome is Outcome.PASSED
    assert result_of(report, "TL102").outcome is Outcome.PASSED
    assert result_of(report, "TL103").outcome is Outcome.PASSED
    assert result_of(report, "TL401").outcome is Outcome.FAILED
    assert result_of(report, "TL101").outcome is Outcome.SKIPPED


def test_of_two_unrelated_models_the_one_with_a_base_is_examined(alpaca: Assignment, tmp_path: Path) -> None:
    other = """
toy = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(1)], name="toy")
toy.compile("sgd", "mse")
toy.fit(tf.ones((4, 3)), tf.ones((4, 1)))
"""
    graded = grade_cells(tmp_path, [BUILD, TRAIN, other], alpaca)
    assert result_of(graded.report, "NB002").outcome is Outcome.PASSED
    assert result_of(graded.report, "TL101").outcome is Outcome.PASSED
    texts = [note.text for note in graded.report.notes if note.kind == "model"]
    assert texts == ["Also trained, but without a pretrained base and not looked at: `toy`."]


@pytest.mark.parametrize(
    ("before", "code", "died"),
    [
        ("x = 1", "import os\nos._exit(3)", "exited with status 3"),
        ("x = 1", "import ctypes\nctypes.string_at(0)", "killed by signal 11 (SIGSEGV)"),
        (BUILD + TRAIN, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "killed by signal 9 (SIGKILL)"),
    ],
    ids=["exit", "segfault", "sigkill"],
)
def test_a_killed_kernel_is_told_and_what_went_before_is_kept(
    alpaca: Assignment, tmp_path: Path, before: str, code: str, died: str
) -> None:
    graded = grade_cells(tmp_path, [before, code, "print('never')"], alpaca)
    assert graded.evidence.notebook.died == died
    assert [cell.status for cell in graded.evidence.notebook.cells] == ["ran", "killed", "not_run"]
    assert failed_cell(graded.report) == (
        f"The kernel died in cell 2: {died}. Cell 3 never ran for that reason.",
        2,
    )
    trained = Outcome.PASSED if "fit" in before else Outcome.SKIPPED
    assert result_of(graded.report, "TL101").outcome is trained


def test_a_kernel_that_quits_by_itself_is_told(alpaca: Assignment, tmp_path: Path) -> None:
    graded = grade_cells(tmp_path, ["exit()", "print('after')"], alpaca)
    assert [cell.status for cell in graded.evidence.notebook.cells] == ["killed", "not_run"]
    assert graded.evidence.notebook.died == "exited with status 0"
    assert failed_cell(graded.report) == (
        "The kernel died in cell 1: exited with status 0. Cell 2 never ran for that reason.",
        1,
    )


def test_sys_exit_ends_its_cell_and_no_more(alpaca: Assignment, tmp_path: Path) -> None:
    graded = grade_cells(tmp_path, ["import sys\nsys.exit(3)", "print('after')"], alpaca)
    assert [cell.status for cell in graded.evidence.notebook.cells] == ["failed", "ran"]
    assert failed_cell(graded.report) == ("Cell 1 stopped with a `SystemExit`: 3.", 1)


def test_an_array_beyond_all_memory_is_refused_in_its_cell(alpaca: Assignment, tmp_path: Path) -> None:
    graded = grade_cells(tmp_path, ["import numpy as np\nx = np.ones(10 * 10**9, dtype=np.uint8)", "y = 2"], alpaca)
    first, second = graded.evidence.notebook.cells
    assert second.status == "ran" or first.status == "killed"
    message, cell = failed_cell(graded.report)
    assert cell == 1
    assert "emory" in message


def test_a_cell_that_waits_for_input_does_not_hang(alpaca: Assignment, tmp_path: Path) -> None:
    graded = grade_cells(tmp_path, ["name = input('Who are you? ')", "x = 2"], alpaca)
    first, second = graded.evidence.notebook.cells
    assert (first.status, second.status) == ("failed", "ran")
    assert "input" in failed_cell(graded.report)[0]


@pytest.mark.parametrize("name", ["ärgerlich & 'böse' [bold].ipynb", "white space.ipynb", "-f.ipynb"])
def test_odd_file_names_are_no_trouble(alpaca: Assignment, tmp_path: Path, name: str) -> None:
    from tests.notebooks import grade_file, write_notebook

    report = grade_file(write_notebook(tmp_path / name, ["x = 1"]), alpaca, "3").report
    assert report.submission.name == name


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"this is no JSON at all", "notebook"),
        (json.dumps({"hello": "world"}).encode(), "notebook"),
        (b"", "empty"),
        (b"%PDF-1.7 ...", "PDF"),
    ],
    ids=["text", "other-json", "empty", "pdf"],
)
def test_what_is_no_notebook_is_refused_with_one_line(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "submission.ipynb"
    path.write_bytes(content)
    done = grader("check", path, "-a", "alpaca-mobilenetv2", "-q")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert told in done.stderr
    assert str(path) in done.stderr


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    done = grader("check", tmp_path, "-a", "alpaca-mobilenetv2", "-q")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"grader: {tmp_path}: this is a folder.")


def test_no_result_is_never_passed(alpaca: Assignment, tmp_path: Path) -> None:
    report = grade_cells(tmp_path, ["import os\nos._exit(0)", BUILD, TRAIN], alpaca).report
    assert report.outcome is Outcome.FAILED
    assert outcomes(report, Outcome.PASSED, Outcome.WARNED) <= {"NB003"}


PLANTED = """
import gc, os
from grader.run.recorder.journal import Journal
folder = next(thing.folder for thing in gc.get_objects() if isinstance(thing, Journal))
os.symlink("/etc/passwd", folder / "config-99-1.json")
os.mkdir(folder / "snapshot-99.safetensors")
"""


def test_things_planted_among_the_evidence_stay_behind_and_staff_is_told(alpaca: Assignment, tmp_path: Path) -> None:
    graded = grade_cells(tmp_path, ["x = 1", PLANTED], alpaca)
    assert [note.text for note in graded.report.notes if note.kind == "integrity"] == [
        "Left unread among the evidence, because the recorder makes only plain files: `config-99-1.json`, "
        "`snapshot-99.safetensors`."
    ]
    assert result_of(graded.report, "NB001").outcome is Outcome.PASSED


NAME = "x\x1b]0;owned\x07\x1b[2J\x9b5m\u202e[bold]"
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def test_a_terminal_obeys_no_name_of_a_file_or_a_student(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.ipynb").write_text("{}")
    folder = tmp_path / "class" / NAME
    folder.mkdir(parents=True)
    (folder / f"{NAME}.ipynb").write_text("no JSON")
    for arguments in (
        ["check", tmp_path / f"{NAME}.ipynb", "-a", "alpaca-mobilenetv2"],
        ["check", tmp_path / f"no such {NAME}.ipynb"],
        ["grade", tmp_path / "class", "-a", "alpaca-mobilenetv2", "-o", tmp_path / "out"],
    ):
        done = grader(*arguments)
        assert done.returncode == 2
        assert "owned" not in done.stdout + done.stderr
        assert OBEYED.findall(done.stdout + done.stderr) == []
        assert "x[bold]" in (done.stdout + done.stderr).replace("\ufffd", "")

"""The command line: what goes to stdout, what to stderr, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.assignment import find_assignments
from grader.weights import WeightsStore
from tests.notebooks import grader

ROOT = Path(__file__).resolve().parent.parent
SOLUTION = ROOT / "reference" / "alpaca-mobilenetv2" / "solution.ipynb"


def test_json_is_all_there_is_on_stdout_and_stages_are_told_on_stderr(tmp_path: Path) -> None:
    # Making stand-ins is told too, where the store has none yet.
    WeightsStore().ensure("MobileNetV2", [(160, 160, 3)])
    done = grader("check", SOLUTION, "--keras", "2", "--format", "json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["schema_version"], report["assignment"]) == (1, "alpaca-mobilenetv2")
    assert (report["outcome"], report["score"], report["max_score"]) == ("passed", 10, 10)
    assert report["submission"]["name"] == "solution.ipynb"
    assert [phase["role"] for phase in report["phases"]] == ["head", "fine-tuning"]
    assert {"index", "cell", "trainable_layers", "moved_layers", "drifted_layers", "learning_rate", "loss"} <= set(
        report["phases"][0]
    )
    assert report["environment"]["keras_flavour"] == "2"
    assert set(report["timing"]) >= {"kernel", "cells", "examine"}
    assert done.stderr.splitlines() == [
        "solution.ipynb: looking up the pretrained weights",
        "solution.ipynb: starting a kernel with Keras 2",
        "solution.ipynb: running 20 cells",
        "solution.ipynb: examining what it left",
    ]


def test_findings_give_exit_status_1_and_each_format_can_be_written(tmp_path: Path) -> None:
    starter = ROOT / "assignments" / "alpaca-mobilenetv2" / "starter.ipynb"
    done = grader("check", starter, "-q", "--format", "html", "-o", tmp_path / "deep" / "report.html")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert (tmp_path / "deep" / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_several_notebooks_end_with_a_table_and_what_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ipynb"
    broken.write_text("nothing")
    empty = tmp_path / "empty.ipynb"
    empty.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    done = grader("check", broken, empty, "-q", "-a", "alpaca-mobilenetv2", "-f", "md", "-o", tmp_path / "out")
    assert done.returncode == 2
    assert str(broken) in done.stderr
    assert "Traceback" not in done.stderr
    assert "empty.ipynb" in done.stdout
    assert f"1 reports in {tmp_path / 'out'}" in done.stdout
    assert (tmp_path / "out" / "empty.md").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("check", "nowhere.ipynb", "-q"),
            "grader: nowhere.ipynb: there is no such file.",
        ),
        (
            ("check", "nowhere.ipynb", "-q", "-a", "alpaca-mobilenet"),
            "grader: There is no assignment 'alpaca-mobilenet'. Did you mean alpaca-mobilenetv2?",
        ),
        (("explain", "TL104"), "grader: There is no check 'TL104'. Did you mean TL"),
    ],
)
def test_what_the_grader_cannot_do_is_one_line_and_exit_status_2(arguments: tuple[str, ...], line: str) -> None:
    done = grader(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(line)
    assert len(done.stderr.splitlines()) == 1


def test_a_notebook_that_shows_no_assignment_has_to_be_told_one(tmp_path: Path) -> None:
    path = tmp_path / "stranger.ipynb"
    path.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    done = grader("check", path, "-q")
    assert done.returncode == 2
    known = ", ".join(found.slug for found in find_assignments())
    assert done.stderr == (
        f"grader: {path}: it does not show which assignment it belongs to. Name one with -a: {known}.\n"
    )


def test_explain_tells_a_check(tmp_path: Path) -> None:
    done = grader("explain", "tl103")
    assert done.returncode == 0
    assert "TL103" in done.stdout
    assert "Why it matters" in done.stdout
    listed = grader("explain")
    assert "TL203  The base's moving means and variances stay untouched" in listed.stdout


def test_weights_and_doctor_and_version(tmp_path: Path) -> None:
    assert grader("--version").stdout == "grader 0.1.0\n"
    doctor = grader("doctor")
    assert doctor.returncode == 0
    for subject in ("Python", "tensorflow", "keras", "tf-keras", "isolation", "weights"):
        assert subject in doctor.stdout
    listed = grader("weights", "list", GRADER_WEIGHTS=str(tmp_path / "none"))
    assert listed.returncode == 0
    added = grader("weights", "add", tmp_path / "no.h5", GRADER_WEIGHTS=str(tmp_path / "none"))
    assert added.returncode == 2
    assert added.stderr.startswith(f"grader: {tmp_path / 'no.h5'}: cannot be read: No such file or directory.")

"""Each limit that a notebook runs into is named with its cell and what was used, and all other evidence is kept."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from grader.assignment import Assignment
from grader.grade import Graded
from grader.results import Outcome
from grader.run.enclosure import Usage
from grader.run.limits import Watch
from tests.notebooks import grade_cells, result_of

BUILD = """
import os, time
import tensorflow as tf
base = tf.keras.applications.MobileNetV2(input_shape=(96, 96, 3), include_top=False, weights="imagenet")
base.trainable = False
inputs = tf.keras.Input((96, 96, 3))
x = tf.keras.layers.GlobalAveragePooling2D()(base(inputs / 127.5 - 1.0, training=False))
model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
model.compile("adam", tf.keras.losses.BinaryCrossentropy(from_logits=True))
model.fit(tf.random.uniform((4, 96, 96, 3)), tf.constant([[0.0], [1.0], [0.0], [1.0]]), verbose=0)
"""
LOOP = "while True:\n    pass"
STUBBORN = "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass"
DISK = "with open('big', 'wb', buffering=0) as file:\n    while True:\n        file.write(bytes(10**6))"
FILES = "os.remove('big')\nfor number in range(100_000):\n    open(f'{number}', 'wb').close()"
FLOOD = "for _ in range(100_000):\n    print('x' * 10_000)"
GROW = "kept = []\nwhile True:\n    kept.append(bytearray(20_000_000))"
CHILDREN = "import subprocess, time\nall = [subprocess.Popen(['sleep', '60']) for _ in range(30)]\ntime.sleep(60)"


@pytest.fixture(scope="module")
def few_checks(alpaca: Assignment) -> Assignment:
    """The exercise without what is asked of the model after the last cell."""
    wanted = ("NB001", "NB002", "TL101", "TL401")
    return alpaca.model_copy(update={"checks": tuple(spec for spec in alpaca.checks if spec.code in wanted)})


def limited(assignment: Assignment, **limits: object) -> Assignment:
    return assignment.model_copy(update={"limits": assignment.limits.model_copy(update=limits)})


def told(graded: Graded) -> list[str]:
    """The findings of NB001, in order."""
    return [finding.message for finding in result_of(graded.report, "NB001").findings]


def used(graded: Graded, limit: str) -> str:
    """What was used of this limit, which is more than was allowed, or all of it."""
    (breach,) = [breach for breach in graded.evidence.notebook.breaches if breach.limit == limit]
    assert amount(breach.used) >= amount(breach.allowed), breach
    assert amount(breach.used) <= 40 * amount(breach.allowed), breach
    return breach.used


def amount(text: str) -> float:
    """``20 MB`` as bytes, ``3 s`` as seconds, ``24 processes`` as so many."""
    number, unit = re.fullmatch(r"([\d.]+) (\w+)", text.removeprefix("more than ")).groups()  # type: ignore[union-attr]
    return float(number) * {"GB": 1e9, "MB": 1e6, "kB": 1e3}.get(unit, 1)


def test_one_breach_after_the_other_is_told_and_what_was_learnt_before_counts(
    few_checks: Assignment, tmp_path: Path
) -> None:
    limits = {"disk": 20_000_000, "inodes": 300, "output": 200_000, "memory": 1_500_000_000}
    graded = grade_cells(tmp_path, [BUILD, DISK, FILES, "x = 1", FLOOD, GROW, "x = 2"], limited(few_checks, **limits))
    assert told(graded) == [
        f"Cell 2 was stopped at the limit on what it may write: 20 MB are allowed, {used(graded, 'disk')} were used.",
        "Cell 3 was stopped at the limit on how many files it may make: 300 files are allowed, "
        f"{used(graded, 'inodes')} were used.",
        "Cell 5 was stopped at the limit on output: 200 kB are allowed, more than 200 kB were used.",
        f"Cell 6 was stopped at the memory limit: 1.5 GB are allowed, {used(graded, 'memory')} were used. "
        "Cell 7 never ran for that reason.",
    ]
    locations = [finding.location.cell for finding in result_of(graded.report, "NB001").findings if finding.location]
    assert locations == [2, 3, 5, 6]
    assert graded.evidence.notebook.died == "killed by the grader for going beyond a limit"
    assert sum(len(str(output)) for cell in graded.notebook.cells for output in cell.outputs) < 1_000_000
    assert result_of(graded.report, "TL101").outcome is Outcome.PASSED
    assert result_of(graded.report, "TL401").outcome is Outcome.PASSED


def test_an_endless_cell_is_stopped_and_too_many_processes_end_the_run(few_checks: Assignment, tmp_path: Path) -> None:
    graded = grade_cells(tmp_path, [LOOP, "x = 1", CHILDREN, "x = 2"], limited(few_checks, cell=2.0, processes=24))
    assert told(graded) == [
        f"Cell 1 was stopped at the time limit for one cell: 2 s are allowed, {used(graded, 'cell')} were used.",
        "Cell 3 was stopped at the limit on processes: 24 processes are allowed, "
        f"{used(graded, 'processes')} were used. Cell 4 never ran for that reason.",
    ]
    assert [cell.status for cell in graded.evidence.notebook.cells] == ["timed_out", "ran", "killed", "not_run"]


def test_the_whole_run_has_a_limit_too(few_checks: Assignment, tmp_path: Path) -> None:
    graded = grade_cells(tmp_path, ["x = 1", LOOP, "x = 2"], limited(few_checks, run=1.0))
    assert told(graded) == [
        "Cell 2 was stopped at the time limit for the whole notebook: 1 s are allowed, "
        f"{used(graded, 'run')} were used. Cell 3 never ran for that reason."
    ]
    assert [cell.status for cell in graded.evidence.notebook.cells] == ["ran", "timed_out", "not_run"]


def test_a_loop_that_ignores_interrupts_is_ended_with_its_kernel(
    few_checks: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.run.limits.GRACE", 0.5)
    graded = grade_cells(tmp_path, [STUBBORN, "x = 2"], limited(few_checks, cell=1.0))
    assert [cell.status for cell in graded.evidence.notebook.cells] == ["killed", "not_run"]
    assert graded.evidence.notebook.died == "killed by the grader for going beyond a limit"
    assert told(graded) == [
        f"Cell 1 was stopped at the time limit for one cell: 1 s are allowed, {used(graded, 'cell')} were used. "
        "Cell 2 never ran for that reason."
    ]


def test_one_file_beyond_the_disk_is_told_before_anybody_has_looked(
    few_checks: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.run.limits.PERIOD", 60)
    cells = ["with open('big', 'wb', buffering=0) as file:\n    while file.write(bytes(10**7)):\n        pass", "x = 1"]
    graded = grade_cells(tmp_path, cells, limited(few_checks, disk=20_000_000), isolation="none")
    assert [(one.limit, one.cell) for one in graded.evidence.notebook.breaches] == [("disk", 1)]
    assert [run.status for run in graded.evidence.notebook.cells] == ["timed_out", "ran"]
    assert any("20 MB" in message and "cell 1" in message.lower() for message in told(graded)), told(graded)


def test_what_one_cell_left_on_a_full_disk_ends_no_later_one_until_it_writes_more(alpaca: Assignment) -> None:
    writes = [Usage(21_000_000, 5), Usage(21_000_000, 5), Usage(21_000_001, 5)]
    enclosure = SimpleNamespace(usage=lambda: writes.pop(0), tier=SimpleNamespace(hides=False))
    watch = Watch(alpaca.limits.model_copy(update={"disk": 20_000_000}), None, enclosure)  # type: ignore[arg-type]
    watch.note_full_disk(1, "[Errno 27] File too large")
    assert not watch._over_disk(2)
    assert watch._over_disk(3)
    assert [(breach.cell, breach.limit, breach.used) for breach in watch.breaches] == [
        (1, "disk", "21 MB"),
        (3, "disk", "21 MB"),
    ]

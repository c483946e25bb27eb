"""The grader's own processes take no module from the folder that they are started in: submissions may lie there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from grader.batch.executors._process import WorkerProcesses
from grader.batch.work import Task
from grader.child import python_module
from grader.errors import GraderError
from grader.run.isolation import obstacles
from grader.weights.jobs import Job, run_job

PACKAGE = Path(__file__).resolve().parent.parent / "grader"


@pytest.fixture
def among_submissions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder in which strangers' files have the names of modules."""
    for name in ("json", "sys", "runpy", "pathlib", "pydantic", "numpy", "grader", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("import os\nos.write(2, b'stranger')\nos._exit(77)\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("among_submissions")
def test_arguments_arrive_and_the_current_folder_is_no_place_for_modules() -> None:
    command = python_module("json.tool", "--compact", "-")
    done = subprocess.run(command, input='{"a": 1}', capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, '{"a":1}\n', "")


@pytest.mark.usefixtures("among_submissions")
def test_the_weights_are_looked_after_from_any_folder() -> None:
    store = Path(os.environ["GRADER_WEIGHTS"])
    job = Job(task="ensure", folder=store, application="MobileNetV2", input_shapes=(None, (160, 160, 3)))
    assert "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_160_no_top.h5" in run_job(job)


@pytest.mark.usefixtures("among_submissions")
def test_tiers_are_tried_from_any_folder() -> None:
    assert obstacles.__wrapped__() == obstacles()


def test_workers_serve_from_any_folder(among_submissions: Path) -> None:
    workers = WorkerProcesses(1, threads=1)
    task = Task(
        key="k",
        name="a.ipynb",
        sha256="",
        notebook="{}",
        assignment=str(among_submissions / "nowhere"),
        weights=str(among_submissions),
        patience=60,
    )
    try:
        with pytest.raises(GraderError) as told:
            workers.run(task)
    finally:
        workers.close()
    assert "nowhere" in told.value.message


def test_all_of_them_are_started_in_this_one_way() -> None:
    other = re.compile(r'"-m",\s*f?"grader')
    assert [path for path in PACKAGE.rglob("*.py") if other.search(path.read_text(encoding="utf-8"))] == []

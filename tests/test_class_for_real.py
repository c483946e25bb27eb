"""A class through real workers and kernels: killed, locked, and run on Dask, with the same grades in the end."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from grader.assignment import Assignment
from grader.batch.executors._process import WorkerProcesses, sweep
from grader.batch.executors.local import LocalExecutor
from grader.batch.store import FILE, read_gradebook
from grader.batch.work import Task, task_of
from grader.errors import GraderError, KernelError, WorkerDiedError
from grader.evidence import Evidence
from grader.grade import Options
from grader.run.kernel import WarmKernels
from grader.submission import load_submission
from grader.weights import WeightsStore
from tests.notebooks import ROOT, grader, write_notebook
from tests.zygotes import Zygotes

REFERENCE = ROOT / "reference" / "alpaca-mobilenetv2"
VARIANT = REFERENCE / "variants" / "training-flag-forgotten.ipynb"
CRASH = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"


def a_class(folder: Path) -> Path:
    """A right one, the same again, a wrong one, one whose kernel crashes, one that is no notebook."""
    folder.mkdir()
    shutil.copy(REFERENCE / "solution.ipynb", folder / "ada.ipynb")
    shutil.copy(REFERENCE / "solution.ipynb", folder / "bob.ipynb")
    shutil.copy(VARIANT, folder / "cy.ipynb")
    write_notebook(folder / "dee.ipynb", [CRASH])
    return folder


def outcomes(out: Path) -> dict[str, str]:
    return {row.student.key: row.report.outcome.value for row in read_gradebook(out).rows if row.report}


def runs(out: Path) -> dict[str, str]:
    """When each run was made, by its key."""
    with sqlite3.connect(out / FILE) as connection:
        return dict(connection.execute("SELECT key, made FROM run"))


def until(condition: object, seconds: float = 120) -> None:
    """Wait for it."""
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_class_that_is_killed_goes_on_where_it_stood_and_a_second_grader_is_told(tmp_path: Path) -> None:
    source, out = a_class(tmp_path / "in"), tmp_path / "out"
    command = [str(Path(sys.executable).parent / "grader"), "grade", str(source), "-a", "alpaca-mobilenetv2"]
    command += ["-o", str(out), "--jobs", "2", "--keras", "2"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as first:
        until(lambda: (out / FILE).exists() and (out / ".holder.json").exists())
        second = grader(*command[1:])
        assert second.returncode == 2
        assert second.stderr.startswith(f"grader: {out}: grading is under way in process {first.pid} on ")
        assert first.stderr is not None
        until(lambda: first.stderr.readline().startswith("["))  # type: ignore[union-attr]
        workers = psutil.Process(first.pid).children(recursive=True)
        first.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(workers, timeout=15)
    assert alive == []
    before = runs(out)
    assert before
    done = grader(*command[1:])
    assert done.returncode == 1, done.stderr
    assert before.items() <= runs(out).items()
    assert len(runs(out)) == 3
    assert outcomes(out) == {"ada": "passed", "bob": "passed", "cy": "failed", "dee": "failed"}
    assert "4 students: ✓ 2 passed, ✗ 2 failed" in done.stdout
    assert "2 students have the same code as another one" in done.stdout
    assert not [path for path in Path("/tmp").glob(f"grader-{first.pid}-*") if path.exists()]
    again = grader(*command[1:])
    assert again.stderr == "alpaca-mobilenetv2: 4 submissions: 4 graded before, nothing to run\n"


@pytest.fixture
def task(tmp_path: Path, alpaca: Assignment) -> Task:
    """A notebook whose one cell prints."""
    store = WeightsStore()
    store.ensure("MobileNetV2", [(160, 160, 3)])
    path = write_notebook(tmp_path / "one.ipynb", ["import time\ntime.sleep(0.5)\nprint('done')"])
    return task_of("key", load_submission(path), alpaca, Options(keras="3", isolation="none"), store)


@pytest.mark.skipif(not WarmKernels.available(), reason="kernels are forked on Linux only")
def test_workers_have_one_zygote_between_them_and_another_one_where_it_is_killed(task: Task) -> None:
    zygotes = Zygotes()
    with LocalExecutor(2) as executor:
        executor.expect("3", "bounded")
        (zygote,) = zygotes.new()
        slow = task.model_copy(update={"notebook": task.notebook.replace("sleep(0.5)", "sleep(3)")})
        both = [executor.submit(slow) for _ in range(2)]
        until(lambda: len(zygotes.forks()) == 2)
        assert all("done" in future.result(60).notebook for future in both)
        assert zygotes.new() == [zygote] and len(executor.pids()) == 2
        zygote.kill()
        zygote.wait()
        assert "done" in executor.submit(task).result(120).notebook
        (other,) = zygotes.new()
    assert not other.is_running() and not zygotes.new()


def test_why_kernels_cannot_be_lent_is_told(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: WarmKernels, flavour: str, training: str | None = None) -> None:
        raise KernelError(f"No Keras {flavour} for {training} training.", "Bring one.")

    monkeypatch.setattr(WarmKernels, "launcher", refuse)
    with LocalExecutor(1) as executor, pytest.raises(GraderError) as told:
        executor.submit(task).result(60)
    assert (told.value.message, told.value.remedy) == ("No Keras 3 for bounded training.", "Bring one.")


def test_a_worker_that_is_killed_costs_one_submission_and_is_replaced(task: Task) -> None:
    zygotes = Zygotes()
    with LocalExecutor(1) as executor:
        killed = executor.submit(task)
        until(zygotes.forks)
        os.kill(executor.pids()[0], signal.SIGKILL)
        with pytest.raises(WorkerDiedError) as died:
            killed.result(60)
        assert str(died.value) == "A worker was killed by SIGKILL."
        ran = executor.submit(task).result(120)
        assert "done" in ran.notebook
        # What was asked for on the command line holds for every worker.
        assert Evidence.model_validate_json(ran.evidence).environment.isolation == "bare"
        with pytest.raises(GraderError, match="there is no such file"):
            executor.submit(task.model_copy(update={"assignment": "/nowhere"})).result(60)
        impatient = executor.submit(task.model_copy(update={"patience": 0.2}))
        with pytest.raises(WorkerDiedError) as late:
            impatient.result(60)
        assert str(late.value) == "A worker had no answer after 0 s and was ended."


def test_what_a_killed_grader_left_in_the_temporary_folder_is_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / f"grader-{dead.pid}-abc" / "inner").mkdir(parents=True)
    (tmp_path / f"grader-{os.getpid()}-abc").mkdir()
    (tmp_path / "grader-notes-1").mkdir()
    sweep()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([f"grader-{os.getpid()}-abc", "grader-notes-1"])
    WorkerProcesses(1, 1).close()
    assert len(list(tmp_path.iterdir())) == 2

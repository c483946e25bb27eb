"""Dask: a real scheduler with workers as processes, which have nothing of the head's disk."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from grader.assignment import Assignment
from grader.batch.executors.dask import DaskExecutor, weights_parcel
from grader.batch.parcels import Parcel, pack_folder, unpack_parcel
from grader.batch.work import Task, task_of
from grader.errors import ExecutorError, GraderError
from grader.evidence import Evidence
from grader.grade import Options
from grader.submission import load_submission
from grader.weights import WeightsStore
from tests.notebooks import write_notebook

SLOW = "import time\ntime.sleep(1)\nprint('done')"


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and workers as one would start them by hand, the workers with a home of their own."""
    address = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    started = [
        subprocess.Popen(
            [*dask, "--port", "0", "--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(address)], **quiet
        )
    ]
    try:
        deadline = time.monotonic() + 60
        while not (address.exists() and (found := re.search(r"tcp://[\d.:]+", address.read_text()))):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        for number in range(workers):
            home = folder / f"worker-{number}"
            home.mkdir()
            environment = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "GRADER_WEIGHTS": ""}
            worker = [sys.executable, "-m", "distributed.cli.dask_worker", found[0], "--nthreads", "1", "--no-nanny"]
            worker += ["--no-dashboard", "--local-directory", str(home), "--memory-limit", "0"]
            started.append(subprocess.Popen(worker, env=environment, cwd=home, **quiet))
        yield found[0], started[1:]
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def tasks(tmp_path: Path, alpaca: Assignment) -> list[Task]:
    """Three notebooks that take a moment."""
    store = WeightsStore()
    store.ensure("MobileNetV2", [(160, 160, 3)])
    found = []
    for number in range(3):
        path = write_notebook(tmp_path / f"{number}.ipynb", [f"{SLOW}  # {number}"])
        found.append(task_of(str(number), load_submission(path), alpaca, Options(keras="3"), store))
    return found


def test_a_worker_that_dies_loses_no_submission_and_nothing_of_the_heads_disk_is_needed(
    tmp_path: Path, alpaca: Assignment, tasks: list[Task]
) -> None:
    with cluster(tmp_path, 2) as (address, workers):
        executor = DaskExecutor(address, alpaca, WeightsStore())
        with executor:
            answers = [executor.submit(task) for task in tasks]
            deadline = time.monotonic() + 60
            # Once it has a process for notebooks, it is at one.
            while not psutil.Process(workers[0].pid).children():
                assert time.monotonic() < deadline
                time.sleep(0.1)
            workers[0].send_signal(signal.SIGKILL)
            ran = [answer.result(150) for answer in answers]
            assert all("done" in one.notebook for one in ran)
            assert {Evidence.model_validate_json(one.evidence).assignment for one in ran}
            executor._versions["tensorflow"] = "1.0"
            with pytest.raises(GraderError) as refused:
                executor.submit(tasks[0]).result(60)
        assert str(refused.value).startswith("A worker differs from the head: tensorflow ")
        assert str(refused.value).endswith(" in place of 1.0. Install the same there as here.")
        kept = list((tmp_path / "worker-1" / "cache" / "grader" / "parcels").iterdir())
        assert len(kept) == 2


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("local:none", "--dask local:none: expected a number of workers. E.g. --dask local:2."),
        ("nonsense://x", "--dask nonsense://x: no scheduler answers there: "),
    ],
)
def test_an_address_that_is_none_is_told_in_one_line(alpaca: Assignment, address: str, message: str) -> None:
    with pytest.raises(ExecutorError) as refused:
        DaskExecutor(address, alpaca, WeightsStore())
    assert str(refused.value).startswith(message)


def test_parcels_are_known_by_their_content_and_unpacked_nowhere_else(
    tmp_path: Path, alpaca: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.batch.parcels.user_cache_path", lambda name: tmp_path / name)
    first = pack_folder(alpaca.folder)
    assert pack_folder(alpaca.folder).sha256 == first.sha256
    there = unpack_parcel(first)
    assert Assignment.load(there).model_copy(update={"folder": alpaca.folder}) == alpaca
    assert unpack_parcel(first) == there
    (there / "assignment.toml").unlink()
    assert pack_folder(there).sha256 != first.sha256
    with pytest.raises(ExecutorError, match="did not reach the worker as it was sent"):
        unpack_parcel(Parcel(first.name, first.sha256, first.body + b"\0"))
    weights = weights_parcel(alpaca, WeightsStore())
    assert (unpack_parcel(weights) / "requests.json").is_file()

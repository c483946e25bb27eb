"""Kernels forked from a warm process show the same as cold ones, and nothing of them outlives the grader."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import psutil
import pytest
from jupyter_client.kernelspec import KernelSpec
from nbformat import NotebookNode

from grader.assignment import Assignment
from grader.doctor import kernels
from grader.evidence import Evidence
from grader.grade import Options, gather_evidence
from grader.run.isolation._monitor import receive, send
from grader.run.kernel import ColdKernel, KernelStarter, WarmKernels, best_for
from grader.run.kernel.monitored import MonitoredProcess, MonitoredProvisioner
from grader.run.zygote import Kind, foretell, started_ahead, zygote_ahead
from grader.submission import load_submission
from tests.notebooks import write_notebook
from tests.zygotes import Zygotes

ROOT = Path(__file__).resolve().parent.parent
SOLUTION = ROOT / "reference" / "alpaca-mobilenetv2" / "solution.ipynb"

pytestmark = pytest.mark.skipif(not WarmKernels.available(), reason="kernels are forked on Linux only")


def run(path: Path, assignment: Assignment, keras: str, starter: KernelStarter) -> tuple[Evidence, NotebookNode]:
    options = Options(keras=keras, replay="never")  # type: ignore[arg-type]
    return gather_evidence(load_submission(path), assignment, options, starter=starter)


def gather(path: Path, assignment: Assignment, keras: str, starter: KernelStarter) -> Evidence:
    return run(path, assignment, keras, starter)[0]


def shown(notebook: NotebookNode) -> list[list[tuple[str, ...]]]:
    """Of each code cell: the kinds of its outputs, and in which forms they can be shown.

    What is printed in one go may come in several pieces, by how long it takes.
    """
    return [
        [kind for kind, _ in groupby((output.output_type, *sorted(output.get("data", ()))) for output in cell.outputs)]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def without_chance(evidence: Evidence) -> dict[str, object]:
    """All of the evidence but what differs from run to run: times, and numbers that hang on random images."""
    data = evidence.model_dump(mode="json")
    data["timing"], data["trained_sha256"] = {}, ""
    data["probes"] = without_numbers(data["probes"])
    for cell in data["notebook"]["cells"]:
        cell["seconds"] = 0
    for phase in data["phases"]:
        phase["loss_value"] = None
        for drift in phase["drift"]:
            drift["mean"] = drift["variance"] = 0
    return data


def without_numbers(value: object) -> object:
    """The same structure with every fraction 0: what reaches the base differs with each augmented image."""
    if isinstance(value, dict):
        return {key: without_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_numbers(inner) for inner in value]
    return 0.0 if isinstance(value, float) else value


@pytest.mark.parametrize("keras", ["2", "3"])
def test_a_warm_kernel_shows_the_same_as_a_cold_one(alpaca: Assignment, keras: str) -> None:
    warm = WarmKernels()
    try:
        (first, outputs), (second, _) = (run(SOLUTION, alpaca, keras, warm) for _ in range(2))
    finally:
        warm.close()
    cold, cold_outputs = run(SOLUTION, alpaca, keras, ColdKernel())
    assert shown(outputs) == shown(cold_outputs)
    assert sum(cell.count(("display_data", "image/png", "text/plain")) for cell in shown(outputs)) == 4
    assert without_chance(first) == without_chance(second) == without_chance(cold)
    # Each drew the weights of its head for itself.
    assert len({first.trained_sha256, second.trained_sha256, cold.trained_sha256}) == 3


def test_each_notebook_begins_with_a_clean_slate_and_other_random_numbers(alpaca: Assignment, tmp_path: Path) -> None:
    warm = WarmKernels()
    code = (
        "import os, random, sys\nimport numpy as np\n"
        "assert 'left_over' not in dir() and 'LEFT_OVER' not in os.environ and not hasattr(sys, 'left_over')\n"
        "left_over = os.environ['LEFT_OVER'] = sys.left_over = 'here'\n"
        "assert os.listdir(os.environ['HOME'] + '/tmp') == []\n"
        "raise RuntimeError(f'{random.random()} {np.random.rand()}')"
    )
    path = write_notebook(tmp_path / "draw.ipynb", [code])
    try:
        drawn = []
        for _ in range(2):
            (cell,) = gather(path, alpaca, "3", warm).notebook.cells
            assert cell.error is not None
            assert cell.error.name == "RuntimeError", cell.error.message
            drawn.append(cell.error.message)
    finally:
        warm.close()
    assert drawn[0] != drawn[1]


def test_how_a_kernel_died_is_told_and_the_next_one_starts(alpaca: Assignment, tmp_path: Path) -> None:
    warm = WarmKernels()
    dying = write_notebook(tmp_path / "dying.ipynb", ["import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"])
    living = write_notebook(tmp_path / "living.ipynb", ["x = 1"])
    try:
        assert gather(dying, alpaca, "3", warm).notebook.died == "killed by signal 11 (SIGSEGV)"
        assert [cell.status for cell in gather(living, alpaca, "3", warm).notebook.cells] == ["ran"]
    finally:
        warm.close()


def test_doctor_says_that_a_single_notebook_gets_a_warm_kernel_too() -> None:
    assert isinstance(best_for(notebooks=1), WarmKernels)
    assert kernels().text == "forked from a warm process, which imports less where a single notebook is graded"


def test_who_kills_a_kernel_is_told_of_its_end_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """jupyter_client would look for it every tenth of a second, once a notebook."""

    async def killed(end: bool) -> int | None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            process = MonitoredProcess(ours, 1, 1, None)
            provisioner = MonitoredProvisioner(kernel_id="one", kernel_spec=KernelSpec())
            provisioner.process = process
            killing = asyncio.ensure_future(provisioner.kill())
            assert (await asyncio.to_thread(receive, theirs))[0] == {"do": "kill"}
            assert not killing.done()
            if end:
                send(theirs, {"ended": signal.SIGKILL})
            await killing
            # Nobody listens any more.
            assert not asyncio.get_running_loop().remove_reader(ours)
            return process.poll()

    assert asyncio.run(killed(end=True)) == -signal.SIGKILL
    # One that does not end is left to whoever looks for it again.
    monkeypatch.setattr("grader.run.kernel.monitored.ENDING", 0.01)
    assert asyncio.run(killed(end=False)) is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_grader_that_is_interrupted_reports_nothing_and_leaves_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    endless = write_notebook(tmp_path / "endless.ipynb", ["while True:\n    pass"])
    command = [str(Path(sys.executable).parent / "grader"), "check", str(endless), "-a", "alpaca-mobilenetv2"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    grader = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    )
    assert grader.stderr is not None
    told = ""
    for line in grader.stderr:
        told = line
        if "running 1 cells" in line:
            break
    family = psutil.Process(grader.pid).children(recursive=True)
    assert family, told
    grader.send_signal(number)
    printed, told = grader.communicate(timeout=60)
    assert (grader.returncode, printed, told) == (2, "", "grader: stopped.\n")
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []
    assert [path.name for path in tmp_path.iterdir()] == ["endless.ipynb"]


def test_nothing_is_left_when_the_grader_is_killed(tmp_path: Path) -> None:
    endless = [write_notebook(tmp_path / f"{name}.ipynb", ["while True:\n    pass"]) for name in "ab"]
    command = [str(Path(sys.executable).parent / "grader"), "check", *map(str, endless), "-a", "alpaca-mobilenetv2"]
    grader = subprocess.Popen([*command, "-o", str(tmp_path / "out")], stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert grader.stderr is not None
        for line in grader.stderr:
            if "running 1 cells" in line:
                break
        family = psutil.Process(grader.pid).children(recursive=True)
        assert len(family) in (3, 4)  # zygote, monitor, where there are namespaces their init, kernel
        os.kill(grader.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(family, timeout=30)
        assert alive == []
    finally:
        grader.kill()
        grader.communicate()


@pytest.mark.parametrize("keras", ["2", "3"])
def test_a_zygote_that_was_started_ahead_becomes_the_first_one_asked_for(
    keras: str, tmp_path: Path, alpaca: Assignment
) -> None:
    zygotes = Zygotes()
    with zygote_ahead():
        (ahead,) = zygotes.new()
        warm = WarmKernels(lean=True)
        warm.expect(keras, "bounded")
        warm.expect(keras, "bounded")
        assert zygotes.new() == [ahead]
    # It is the taker's, and not at an end where what it was started for is.
    told = ["import os, tensorflow as tf", "print(tf.keras.Model.__module__.split('.')[0], *sorted(os.environ))"]
    evidence, notebook = run(write_notebook(tmp_path / "a.ipynb", told), alpaca, keras, warm)
    assert [output.output_type for output in notebook.cells[-1].outputs] == ["stream"], notebook.cells[-1].outputs
    printed = notebook.cells[-1].outputs[0].text.split()
    assert (printed[0], evidence.environment.keras_flavour) == ("tf_keras" if keras == "2" else "keras", keras)
    # What it was told when it became one is there as if it had been from the beginning.
    assert {"TF_USE_LEGACY_KERAS", "TF_NUM_INTRAOP_THREADS", "KERAS_BACKEND", "HOME"} <= set(printed)
    warm.dismiss()
    ahead.wait(10)
    warm.close()


def test_what_was_foretold_is_taken_by_who_asks_for_it_and_by_nobody_else(tmp_path: Path, alpaca: Assignment) -> None:
    zygotes = Zygotes()
    with zygote_ahead():
        (ahead,) = zygotes.new()
        foretell("2", "bounded")
        foretell("3", "bounded")
        warm = WarmKernels()
        warm.expect("3", "bounded")
        warm.expect("2", "full")
        others = [process for process in zygotes.new() if process != ahead]
        assert len(others) == 2
        warm.expect("2", "bounded")
        assert len(zygotes.new()) == 3
    assert ahead.is_running()
    told = ["import tensorflow as tf\nprint(tf.keras.Model.__module__)"]
    _, notebook = run(write_notebook(tmp_path / "a.ipynb", told), alpaca, "2", warm)
    assert notebook.cells[-1].outputs[0].text.startswith("tf_keras")
    assert len(zygotes.new()) == 3
    warm.close()
    assert not any(process.is_running() for process in (ahead, *others))


def test_a_zygote_that_nobody_asks_for_is_at_an_end_with_what_it_was_started_for(tmp_path: Path) -> None:
    zygotes = Zygotes()
    with zygote_ahead():
        (ahead,) = zygotes.new()
    assert not ahead.is_running() and started_ahead(Kind("3", "bounded", lean=False)) is None
    command = [str(Path(sys.executable).parent / "grader"), "check", str(tmp_path / "missing.ipynb")]
    folder = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, env=folder, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"grader: {tmp_path / 'missing.ipynb'}: there is no such file. Check the path.\n"
    assert list(tmp_path.iterdir()) == []

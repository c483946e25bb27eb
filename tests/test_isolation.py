"""Tiers are chosen by trying, refuse what they cannot hold, and leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from grader.assignment import Assignment
from grader.cli.run_options import warn_of_isolation
from grader.doctor import isolation
from grader.errors import IsolationError
from grader.grade import Options
from grader.run.isolation import Sandbox, _choice, choose, landlock, obstacles, tiers
from grader.run.isolation._base import reason
from grader.run.isolation._view import outermost
from grader.run.workspace import remove_forgotten
from tests.notebooks import grade_cells, write_notebook

ROOT = Path(__file__).resolve().parent.parent
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has walls")


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that refuses namespaces."""
    found = {"namespaces": "unshare pid: Operation not permitted", "landlock": "", "bare": ""}
    monkeypatch.setattr(_choice, "obstacles", lambda which="all": found)


def test_the_strongest_tier_comes_first_and_bare_always_works() -> None:
    assert [tier.name for tier in tiers()] == ["namespaces", "landlock", "bare"]
    assert obstacles()["bare"] == ""
    assert choose("none").tier.name == "bare"
    assert choose("none").warning == ""


@linux
def test_only_the_strongest_tier_that_works_is_looked_for_and_no_weaker_one_tried() -> None:
    names = [tier.name for tier in tiers()]
    tried = obstacles("strongest")
    *broken, works = tried
    assert list(tried) == names[: len(tried)]
    assert tried[works] == "" and all(tried[name] for name in broken)
    assert {name: obstacles()[name] for name in tried} == dict(tried)
    assert choose("auto").tier.name == works


@pytest.mark.usefixtures("refused")
def test_strict_refuses_less_than_namespaces() -> None:
    with pytest.raises(IsolationError) as refusal:
        choose("strict")
    assert refusal.value.message == (
        "--isolation strict: namespaces do not work here (unshare pid: Operation not permitted)."
    )
    assert refusal.value.remedy.startswith("Use Linux 5.12 or newer; as a plain user, allow user namespaces")
    assert refusal.value.remedy.endswith("Or trust the notebooks and say --isolation auto.")


@pytest.mark.usefixtures("refused")
def test_auto_warns_once_and_says_what_to_beware_of(capsys: pytest.CaptureFixture[str]) -> None:
    warn_of_isolation(Options())
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        "grader: isolation is only landlock: namespaces do not work here (unshare pid: Operation not permitted). "
        "Notebooks can see that files and processes exist; what they write is watched, not bounded.\n"
    )


def test_doctor_says_how_to_get_a_better_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"namespaces": "unshare pid: Operation not permitted", "landlock": "no Landlock", "bare": ""}
    monkeypatch.setattr(_choice, "obstacles", lambda which="all": found)
    monkeypatch.setattr("grader.doctor.obstacles", lambda: found)
    line = isolation()
    assert line.state == "warning"
    assert line.text.startswith("bare: limits on memory and time;")
    assert "namespaces would be better, but: unshare pid: Operation not permitted. Use Linux 5.12" in line.remedy
    assert "landlock would be better, but: no Landlock. Use Linux 5.13" in line.remedy


def test_nothing_that_only_linux_has_is_imported_elsewhere() -> None:
    code = (
        "import asyncio, subprocess, tempfile, psutil, nbclient, jupyter_client.manager, typer, pydantic\n"
        "import jupyter_client.provisioning, filelock, platformdirs, sys\n"
        "class NotHere:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name in ('fcntl', 'resource', 'termios', 'pwd', 'grp'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "[sys.modules.pop(name, None) for name in ('fcntl', 'resource', 'termios', 'pwd', 'grp')]\n"
        "sys.meta_path.insert(0, NotHere())\n"
        "sys.platform = 'win32'\n"
        "import grader.grade, grader.run.notebook, grader.run.kernel, grader.doctor, grader.cli.check\n"
        "from grader.run.isolation import choose, obstacles\n"
        "chosen = choose('auto')\n"
        "assert chosen.tier.name == 'bare', chosen\n"
        'assert obstacles()["namespaces"] == "namespaces are Linux\'s"\n'
        "assert not {'fcntl', 'resource', 'termios'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@linux
def test_modules_in_the_current_folder_are_none_of_the_graders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("json", "random", "grader"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('hijacked')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert obstacles.__wrapped__() == obstacles()


@linux
def test_signals_reach_nobody_else_where_landlock_cannot_see_to_it() -> None:
    code = (
        "import os, subprocess, sys, threading\n"
        "from grader.run.isolation._seccomp import deny_system_calls\n"
        "other = subprocess.Popen(['sleep', '60'])\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    deny_system_calls(others_too=True, signals_only_to=os.getpid())\n"
        "    os.kill(os.getpid(), 0)\n"
        "    for kill in (lambda: os.kill(other.pid, 9), lambda: os.kill(-1, 0)):\n"
        "        try:\n            kill()\n            os._exit(1)\n"
        "        except PermissionError:\n            pass\n"
        "    os.kill(os.getpid(), 15)\n"
        "ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n"
        "alive = other.poll() is None\n"
        "other.kill()\n"
        "other.wait()\n"
        "assert ended == -15 and alive, (ended, alive)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@linux
def test_root_that_may_not_change_its_user_gets_no_landlock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "free_user", lambda: 0)
    numbers = dict.fromkeys(("memory", "processes", "disk", "inodes"), 100)
    sandbox = Sandbox(tier="landlock", root=str(tmp_path), files=(), weights="", fonts="", **numbers)
    with pytest.raises(PermissionError) as refusal:
        landlock.be_counted(sandbox)
    assert reason(refusal.value) == "as root, which may not change its user here, processes cannot be bounded"


def test_folders_that_lie_within_others_are_shown_once() -> None:
    assert list(outermost(["/usr/lib/x", "/usr", "/opt/python", "/usr", "/usrlocal"])) == [
        "/usr",
        "/usrlocal",
        "/opt/python",
    ]


@linux
@pytest.mark.parametrize("mode", ["auto", "none"])
def test_nothing_outlives_a_grader_that_is_killed_at_any_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    mark = f"outlives{os.getpid()}{mode}"
    daemon = (
        "import os, sys\nfor _ in range(2):\n    if os.fork() == 0:\n        os.setsid()\n"
        "        if os.fork():\n            os._exit(0)\n"
        f"        os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(900)', '{mark}'])\n"
        "while True:\n    pass"
    )
    path = write_notebook(tmp_path / "daemon.ipynb", [daemon])
    program = str(Path(sys.executable).parent / "grader")
    command = [program, "check", str(path), "-a", "alpaca-mobilenetv2", "--isolation", mode]
    folder = tempfile.mkdtemp(dir="/var/tmp")
    environment = {**os.environ, "TMPDIR": folder}
    graders = []
    for copies in (1, 2):  # A cold kernel, and warm ones.
        for running in (False, True):
            several = [*command[:2], *[str(path)] * copies, *command[3:], "-o", str(tmp_path / "out")]
            grader = subprocess.Popen(several, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
            graders.append((grader, running))
    for grader, running in graders:
        assert grader.stderr is not None
        for line in grader.stderr:
            if ("running 1 cells" if running else "starting a kernel") in line:
                break
        time.sleep(0.5)
        grader.kill()
        grader.communicate()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and (left := left_of(mark, folder)):
        time.sleep(0.2)
    assert left == []
    # Where there was no kernel yet, nobody was there to remove the folder: the next run does.
    monkeypatch.setattr(tempfile, "tempdir", folder)
    remove_forgotten()
    os.rmdir(folder)


def left_of(mark: str, folder: str) -> list[str]:
    """Processes that are still there."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        if mark in (process.info["cmdline"] or ()) or (process.info["environ"] or {}).get("TMPDIR", "").startswith(
            folder
        ):
            found.append(str(process))
    return found


HONEST = """
import os, subprocess, sys, tempfile
from multiprocessing.pool import ThreadPool
import matplotlib.pyplot as plt
import tensorflow as tf
images = tf.keras.utils.image_dataset_from_directory("dataset", image_size=(32, 32), batch_size=4)
assert images.class_names == ["alpaca", "not alpaca"]
assert sum(len(batch) for batch, _ in images.take(2)) == 8
assert ThreadPool(2).map(abs, [-1, -2]) == [1, 2]
plt.plot([1, 2]); plt.savefig("plot.png"); plt.close()
tf.io.write_file("notes/a.txt", "written"); assert tf.io.gfile.exists("notes/a.txt")
assert os.access(os.getcwd(), os.W_OK) and os.access(os.environ["HOME"], os.W_OK)
assert tempfile.NamedTemporaryFile().write(b"x") == 1
listed = subprocess.Popen(["ls", "dataset"], stdout=subprocess.PIPE, text=True).communicate()[0]
assert listed.splitlines() == ["alpaca", "not alpaca"]
"""


@linux
@pytest.mark.parametrize("tier", ["namespaces", "landlock", "bare"])
def test_what_honest_notebooks_do_works_in_every_tier(tier: str, alpaca: Assignment, tmp_path: Path) -> None:
    if obstacles()[tier]:
        pytest.skip(f"this machine offers no {tier}")
    asked = alpaca.model_copy(update={"checks": tuple(spec for spec in alpaca.checks if spec.code == "NB001")})
    (cell,) = grade_cells(tmp_path, [HONEST], asked, isolation=tier).evidence.notebook.cells
    assert (cell.status, cell.error) == ("ran", None)

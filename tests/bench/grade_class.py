"""A class of the reference's notebooks, graded while the grader is killed again and again.

    python -m tests.bench.grade_class [--students 200] [--jobs 2] [--kills 3] [--seed 1] [--dask local:2] [--jupyter 4]

Each student hands in the solution or one of its variants under a name of their own, with a comment that makes the
code theirs. `grader grade` is killed with SIGKILL at random moments and given again until it ends by itself. Then
every verdict has to be the declared one, and no run that was kept may have been made a second time. Throughput is
printed beside `jupyter execute` in a loop of as many processes, on a sample of the same notebooks.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat

from grader.assignment import Assignment
from grader.batch.store import FILE, read_gradebook
from grader.results import Outcome
from grader.verify.cases import Case, cases_of
from grader.verify.variants import load_reference
from grader.weights import WeightsStore

ROOT = Path(__file__).resolve().parents[2]
SLUG = "alpaca-mobilenetv2"
KERAS = "3"
SCRIPTS = Path(sys.executable).parent


@dataclass(frozen=True)
class Expectation:
    """What a student's notebook has to get."""

    name: str
    fails: frozenset[str]


def build(folder: Path, students: int) -> dict[str, Expectation]:
    """Write the class; what each student has to fail."""
    folder.mkdir(parents=True)
    cases = [case for case in cases_of(load_reference(ROOT / "reference" / SLUG)) if wanted(case)]
    declared = {}
    for number in range(students):
        case = cases[number % len(cases)]
        notebook = nbformat.read(case.path, as_version=4)
        first = next(cell for cell in notebook.cells if cell.cell_type == "code")
        # At the end: no line moves, and no two students have the same code.
        first.source += f"\n# handed in by student {number}"
        key = f"student-{number:04d}"
        nbformat.write(notebook, folder / f"{key}.ipynb")
        declared[key] = Expectation(case.name, case.expected.fails)
    return declared


def wanted(case: Case) -> bool:
    """The solution and its variants, on one Keras."""
    return case.kind != "starter" and case.keras == KERAS


def runs(out: Path) -> dict[str, str]:
    """When each run was made that was kept, by its key."""
    if not (out / FILE).is_file():
        return {}
    with sqlite3.connect(out / FILE) as connection:
        try:
            return dict(connection.execute("SELECT key, made FROM run"))
        except sqlite3.OperationalError:
            return {}  # Killed before there were tables.


def grade(command: Sequence[str], out: Path, students: int, kills: int, chance: random.Random) -> float:
    """Give the command until it ends by itself; gives the seconds that all of it took."""
    began, kept = time.monotonic(), {}
    # At so many results each; in between at any moment.
    for goal in sorted(chance.sample(range(1, students), kills)):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(runs(out)) < goal:
            time.sleep(0.2)
        time.sleep(chance.random() * 2)
        process.send_signal(signal.SIGKILL)
        process.wait()
        now = runs(out)
        check(kept.items() <= now.items(), "a run that was kept was made again")
        kept = now
        print(f"killed with {len(kept)} of {students} runs kept", flush=True)
    done = subprocess.run(command, stdout=subprocess.DEVNULL)
    check(done.returncode == 1, f"grader grade ended with {done.returncode}")
    check(kept.items() <= runs(out).items(), "a run that was kept was made again")
    check(len(runs(out)) == students, f"{len(runs(out))} runs for {students} students")
    return time.monotonic() - began


def check(holds: bool, message: str) -> None:
    """Stop where something does not hold."""
    if not holds:
        sys.exit(f"WRONG: {message}")


def wrong_verdicts(out: Path, declared: dict[str, Expectation]) -> list[str]:
    """Students whose verdict is not the declared one."""
    wrong = []
    rows = {row.student.key: row for row in read_gradebook(out).rows}
    for key, expected in declared.items():
        row = rows.get(key)
        failed = (
            {one.code for one in row.report.checks if one.outcome is Outcome.FAILED} if row and row.report else None
        )
        if failed != expected.fails:
            wrong.append(f"{key} ({expected.name}): {sorted(failed or ())} in place of {sorted(expected.fails)}")
    return wrong


def jupyter(folder: Path, notebooks: Sequence[Path], processes: int) -> float:
    """Seconds of `jupyter execute` for each of these, so many at a time."""
    assignment = Assignment.load(ROOT / "assignments" / SLUG)
    models = folder / ".keras" / "models"
    models.mkdir(parents=True)
    store = WeightsStore()
    for record in store.ensure(assignment.base.application, [assignment.base.input_shape]):
        shutil.copy(store.path(record.file), models / record.file)
    environment = {
        **os.environ,
        "HOME": str(folder),
        "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
        "TF_USE_LEGACY_KERAS": "1" if KERAS == "2" else "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }

    def execute(notebook: Path) -> None:
        plain = folder / notebook.stem
        shutil.copytree(assignment.folder / "support", plain)
        shutil.copytree(assignment.folder / "dataset", plain / "dataset")
        shutil.copy(notebook, plain)
        command = [str(SCRIPTS / "jupyter-execute"), "--allow-errors", "--timeout=-1", notebook.name]
        subprocess.run(command, cwd=plain, env=environment, capture_output=True)

    began = time.monotonic()
    with ThreadPoolExecutor(processes) as pool:
        list(pool.map(execute, notebooks))
    return (time.monotonic() - began) / len(notebooks)


def main() -> None:
    """Build, grade, check, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dask", default="")
    parser.add_argument("--jupyter", type=int, default=4, help="notebooks for jupyter execute; 0: none")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as name:
        folder = Path(name)
        declared = build(folder / "in", options.students)
        command = [str(SCRIPTS / "grader"), "grade", str(folder / "in"), "-a", SLUG, "-o", str(folder / "out")]
        command += ["--jobs", str(options.jobs), "--keras", KERAS]
        command += ["--dask", options.dask] if options.dask else []
        took = grade(command, folder / "out", options.students, options.kills, chance)
        wrong = wrong_verdicts(folder / "out", declared)
        print("\n".join(wrong))
        print(f"{options.students - len(wrong)} of {options.students} verdicts as declared, none run twice")
        each = took / options.students
        print(
            f"grader grade --jobs {options.jobs}: {each:.2f} s a notebook, {options.kills} kills and restarts included"
        )
        if options.jupyter:
            sample = chance.sample(sorted((folder / "in").iterdir()), options.jupyter)
            theirs = jupyter(folder / "jupyter", sample, options.jobs)
            print(
                f"jupyter execute, {options.jobs} at a time: {theirs:.2f} s a notebook: {theirs / each:.1f} times more"
            )
    check(not wrong, f"{len(wrong)} verdicts")


if __name__ == "__main__":
    main()

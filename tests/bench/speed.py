"""How fast grading is beside the notebook itself: the alpaca solution, with as many images as the course has.

    python -m tests.bench.speed [--images 327] [--rounds 3] [--keras 3] [--write]

In each round, in turn and on the same images: the floor (`tests.bench.floor`), two floors side by side, a check with a
warm kernel, a cold `grader check`, `import tensorflow`, and `jupyter execute` of the whole notebook. Then a class of
copies with one job and with two, and two loops of `jupyter execute` side by side. Ratios are of figures of the same
round; what is fetched or made once (weights, fonts) is there before anything is timed. ``--write`` puts the tables into
results.md here.

Two floors side by side are what no grader with two jobs can beat that runs the same cells: two logical processors may
have one core between them.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

import nbformat
import psutil

from grader.assignment import Assignment
from grader.feedback.render import render
from grader.grade import Options, grade
from grader.run.kernel import WarmKernels
from grader.submission import load_submission
from grader.weights import WeightsStore

ROOT = Path(__file__).resolve().parents[2]
ALPACA = ROOT / "assignments" / "alpaca-mobilenetv2"
SOLUTION = ROOT / "reference" / "alpaca-mobilenetv2" / "solution.ipynb"
RESULTS = Path(__file__).with_name("results.md")
CLASS = 40
"""Copies of the notebook in the class that is graded."""
WATCHED = 6
"""How many of them are graded once more, untimed, while somebody looks at their memory."""


@dataclass
class Place:
    """Where it is measured.

    Args:
        assignment: the assignment's folder, with the images.
        plain: a folder for Jupyter with the same files, and the notebook.
        inbox: copies of the notebook, each of other code.
        environment: of all processes.
        home: the environment of those that are not the grader's: Keras finds its downloads there.
    """

    folder: Path
    keras: str
    assignment: Path
    plain: Path
    inbox: Path
    environment: dict[str, str]
    home: dict[str, str]


@dataclass
class Measured:
    """Seconds of each way, a figure a round."""

    wall: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    stages: dict[str, list[float]] = field(default_factory=dict)
    peak: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timing(self, way: str) -> Iterator[None]:
        """Time what is within, with all processes that it waits for."""
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        yield
        wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        self.wall.setdefault(way, []).append(wall)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.cpu.setdefault(way, []).append(used)


def prepare(folder: Path, keras: str, images: int) -> Place:
    """Draw the images, fill the store, lay the folders out."""
    assignment, plain, inbox = folder / ALPACA.name, folder / "plain", folder / "inbox"
    shutil.copytree(ALPACA, assignment, ignore=shutil.ignore_patterns("dataset", "__pycache__"))
    drawn = [sys.executable, str(ALPACA.parent / "draw_dataset.py"), ALPACA.name, "--count", str(images)]
    subprocess.run([*drawn, "--out", str(assignment / "dataset")], check=True, capture_output=True)
    shutil.copytree(assignment / "support", plain)
    shutil.copytree(assignment / "dataset", plain / "dataset")
    shutil.copy(SOLUTION, plain / "solution.ipynb")
    inbox.mkdir()
    for number in range(CLASS):
        notebook = nbformat.read(SOLUTION, 4)
        notebook.cells.append(nbformat.v4.new_code_cell(f"student = {number}"))
        nbformat.write(notebook, inbox / f"student-{number:02}.ipynb")
    loaded, store = Assignment.load(assignment), WeightsStore()
    models = folder / ".keras" / "models"
    models.mkdir(parents=True)
    for record in store.ensure(loaded.base.application, [loaded.base.input_shape]):
        shutil.copy(store.path(record.file), models / record.file)
    scripts = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_USE_LEGACY_KERAS": "1" if keras == "2" else "0",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    home = {**environment, "HOME": str(folder), "MPLCONFIGDIR": str(folder / "matplotlib")}
    subprocess.run([sys.executable, "-c", "import matplotlib.pyplot"], env=home, check=True)
    return Place(folder, keras, assignment, plain, inbox, environment, home)


def run(command: list[str], folder: Path, environment: dict[str, str], allowed: tuple[int, ...] = (0,)) -> None:
    """Run a command to its end."""
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode not in allowed:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


class Floor:
    """A process that forks the bare notebook whenever asked."""

    def __init__(self, place: Place) -> None:
        command = [sys.executable, "-m", "tests.bench.floor", str(SOLUTION), str(place.plain), place.keras]
        threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}
        single = {
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "JE_ARROW_MALLOC_CONF": "background_thread:false",
        }
        self._process = subprocess.Popen(
            command, env={**place.home, **threads, **single}, cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        if self._read() != "ready":
            sys.exit("the floor could not be started")

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def seconds(self) -> float:
        """Of one run."""
        assert self._process.stdin is not None
        self._process.stdin.write("run\n")
        self._process.stdin.flush()
        return float(self._read())

    def close(self) -> None:
        """End it."""
        self._process.communicate()


@contextmanager
def peak_of_workers(measured: Measured, way: str) -> Iterator[None]:
    """Note the largest private memory (USS) that any process below this one has meanwhile.

    Looking takes a tenth of a second each time, which is not to be part of what is timed.
    """
    done = threading.Event()
    largest = 0

    def watch() -> None:
        nonlocal largest
        while not done.wait(0.5):
            for process in psutil.Process().children(recursive=True):
                try:
                    largest = max(largest, process.memory_full_info().uss)
                except psutil.Error:  # It has ended.
                    continue

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        measured.peak[way] = largest / 1e6


def side_by_side(floors: Sequence[Floor]) -> float:
    """Seconds until all have run once, begun together."""
    began = time.monotonic()
    together([floor.seconds for floor in floors])
    return time.monotonic() - began


def together(tasks: Sequence[Callable[[], object]]) -> None:
    """Do all of them at a time."""
    beside = [threading.Thread(target=task) for task in tasks]
    for thread in beside:
        thread.start()
    for thread in beside:
        thread.join()


def measure(place: Place, rounds: int) -> Measured:
    """All ways, in turn."""
    measured, assignment = Measured(), Assignment.load(place.assignment)
    submission, options = load_submission(SOLUTION), Options(keras=place.keras, replay="never")  # type: ignore[arg-type]
    floors, starter = (Floor(place), Floor(place)), WarmKernels()
    check = ["grader", "check", str(SOLUTION), "-a", str(place.assignment), "--keras", place.keras, "-q"]
    for number in range(rounds + 1):
        # The first round fills caches and is not counted.
        into = measured if number else Measured()
        into.wall.setdefault("floor", []).append(floors[0].seconds())
        into.wall.setdefault("two floors", []).append(side_by_side(floors))
        with into.timing("warm check"):
            graded = grade(submission, assignment, options, starter=starter)
            render(graded.report, "html", notebook=graded.notebook)
        for stage, seconds in graded.report.timing.items():
            into.stages.setdefault(stage, []).append(seconds)
        with into.timing("cold check"):
            run(check, place.folder, place.environment)
        with into.timing("import tensorflow"):
            run([sys.executable, "-c", "import tensorflow; tensorflow.keras"], place.folder, place.environment)
        if number:
            with into.timing("jupyter execute"):
                run(["jupyter-execute", "--timeout=-1", "solution.ipynb"], place.plain, place.home)
    for floor in floors:
        floor.close()
    starter.close()
    for jobs in (1, 2):
        with measured.timing(f"grade --jobs {jobs}"):
            grade_copies(place, place.inbox, jobs)
    few = place.folder / "few"
    few.mkdir()
    for path in sorted(place.inbox.iterdir())[:WATCHED]:
        shutil.copy(path, few)
    with peak_of_workers(measured, "grade --jobs 2"):
        grade_copies(place, few, 2)
    with measured.timing("two jupyter loops"):
        together([partial(loop, place, number) for number in range(2)])
    return measured


def grade_copies(place: Place, inbox: Path, jobs: int) -> None:
    """A class of the notebooks in this folder, from beginning to end."""
    out = place.folder / f"graded-{inbox.name}-{jobs}"
    command = ["grader", "grade", str(inbox), "-a", str(place.assignment), "-o", str(out)]
    run([*command, "--keras", place.keras, "--jobs", str(jobs)], place.folder, place.environment)


def loop(place: Place, number: int) -> None:
    """One run of Jupyter in a folder of its own; beside another one of these."""
    folder = place.folder / f"plain-{number}"
    shutil.copytree(place.plain, folder)
    run(["jupyter-execute", "--timeout=-1", "solution.ipynb"], folder, place.home)


def tables(measured: Measured, place: Place, images: int) -> str:
    """What was measured, as Markdown."""
    wall, middle = measured.wall, statistics.median
    each = {name: figures[0] / CLASS for name, figures in wall.items() if name.startswith("grade")}
    pairs, floor = wall["two jupyter loops"][0] / 2, middle(wall["two floors"]) / 2
    flavour = f"tf-keras {version('tf-keras')}" if place.keras == "2" else f"Keras {version('keras')}"
    lines = [
        f"## {flavour}",
        "",
        f"{images} images, TensorFlow {version('tensorflow')}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores ({platform.machine()}); rounds: {len(wall['floor'])}.",
        "",
        "| way | wall, median | spread | CPU |",
        "|---|---|---|---|",
    ]
    for way, figures in wall.items():
        cpu = f"{middle(measured.cpu[way]):.1f} s" if way in measured.cpu and way != "warm check" else ""
        lines.append(f"| {way} | {middle(figures):.2f} s | {min(figures):.2f} to {max(figures):.2f} s | {cpu} |")
    lines += ["", "| bar | asked | measured |", "|---|---|---|"]
    bars = [
        ("warm check, times the floor", "at most 1.25", ratios(wall["warm check"], wall["floor"])),
        ("cold check beyond `import tensorflow`", "at most 8 s", differences(wall)),
        ("`jupyter execute`, times a cold check", "at least 8", ratios(wall["jupyter execute"], wall["cold check"])),
        ("one Jupyter loop, times a notebook of `--jobs 2`", "at least 20",
         f"{middle(wall['jupyter execute']) / each['grade --jobs 2']:.1f}"),
        ("the same of two floors side by side", "", f"{middle(wall['jupyter execute']) / floor:.1f}"),
        ("two Jupyter loops, times a notebook of `--jobs 2`", "at least 15", f"{pairs / each['grade --jobs 2']:.1f}"),
        ("the same of two floors side by side", "", f"{pairs / floor:.1f}"),
        ("peak memory of a process of `--jobs 2`", "under 1,500 MB", f"{measured.peak['grade --jobs 2']:.0f} MB"),
    ]  # fmt: skip
    lines += [f"| {name} | {asked} | {got} |" for name, asked, got in bars]
    lines += [
        "",
        f"A class of {CLASS}: " + ", ".join(f"{s:.2f} s a notebook with `{name}`" for name, s in each.items()),
    ]
    lines += [
        "",
        "A warm check by stage: " + ", ".join(f"{n} {middle(s):.2f} s" for n, s in measured.stages.items()),
        "",
    ]
    return "\n".join(lines)


def ratios(above: list[float], below: list[float]) -> str:
    """Median and spread of the ratios of the rounds."""
    each = [a / b for a, b in zip(above, below, strict=True)]
    return f"{statistics.median(each):.2f} ({min(each):.2f} to {max(each):.2f})"


def differences(wall: dict[str, list[float]]) -> str:
    """How much longer a cold check takes than the import alone."""
    each = [a - b for a, b in zip(wall["cold check"], wall["import tensorflow"], strict=True)]
    return f"{statistics.median(each):.1f} s ({min(each):.1f} to {max(each):.1f} s)"


def main() -> None:
    """Measure, print, and write down if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=327)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keras", choices=["2", "3", "both"], default="both")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {RESULTS.name}")
    options = parser.parse_args()
    parts = ["# Speed", "", "Made by `make bench`: `python -m tests.bench.speed --write`.", ""]
    for keras in ("3", "2") if options.keras == "both" else (options.keras,):
        with tempfile.TemporaryDirectory(prefix="grader-bench-") as name:
            place = prepare(Path(name), keras, options.images)
            parts.append(tables(measure(place, options.rounds), place, options.images))
        print(parts[-1], flush=True)
    if options.write:
        RESULTS.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()

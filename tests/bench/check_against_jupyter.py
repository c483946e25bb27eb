"""Wall and CPU time of `grader check` beside `jupyter execute` of the same notebook, on the same images.

    python -m tests.bench.check_against_jupyter [--images 327] [--runs 1] [--keras 3]

The two run in turn, on the alpaca solution with as many images as the well-known course exercise has. Both use
the stand-in weights, and what is fetched or made once (weights, Matplotlib's fonts) is there before either is timed.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from grader.assignment import Assignment
from grader.weights import WeightsStore

ROOT = Path(__file__).resolve().parents[2]
ALPACA = ROOT / "assignments" / "alpaca-mobilenetv2"
SOLUTION = ROOT / "reference" / "alpaca-mobilenetv2" / "solution.ipynb"
BAR = 8.0


@dataclass(frozen=True)
class Cost:
    """Seconds of one run, with all its child processes."""

    wall: float
    cpu: float


def timed(command: list[str], folder: Path, environment: dict[str, str], allowed: set[int]) -> Cost:
    """Run a command to its end."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in allowed:
        sys.exit(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def prepare(folder: Path, images: int) -> tuple[Path, Path]:
    """The assignment with that many images, and a folder for Jupyter with the same files."""
    assignment, plain = folder / "alpaca-mobilenetv2", folder / "plain"
    shutil.copytree(ALPACA, assignment, ignore=shutil.ignore_patterns("dataset", "__pycache__"))
    drawn = [
        sys.executable,
        str(ALPACA.parent / "draw_dataset.py"),
        ALPACA.name,
        "--count",
        str(images),
        "--out",
        str(assignment / "dataset"),
    ]
    subprocess.run(drawn, check=True, capture_output=True)
    shutil.copytree(assignment / "support", plain)
    shutil.copytree(assignment / "dataset", plain / "dataset")
    shutil.copy(SOLUTION, plain / "solution.ipynb")
    loaded = Assignment.load(assignment)
    store = WeightsStore()
    models = folder / ".keras" / "models"
    models.mkdir(parents=True)
    for record in store.ensure(loaded.base.application, [loaded.base.input_shape]):
        shutil.copy(store.path(record.file), models / record.file)
    return assignment, plain


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=327)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--keras", choices=["2", "3"], default="3")
    options = parser.parse_args()
    scripts = Path(sys.executable).parent
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as name:
        folder = Path(name)
        assignment, plain = prepare(folder, options.images)
        environment = {
            **os.environ,
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "TF_USE_LEGACY_KERAS": "1" if options.keras == "2" else "0",
        }
        grader = [
            str(scripts / "grader"),
            "check",
            str(SOLUTION),
            "-a",
            str(assignment),
            "--keras",
            options.keras,
            "-q",
        ]
        jupyter = [str(scripts / "jupyter-execute"), "--timeout=-1", "solution.ipynb"]
        # Where both Kerases look for what they have downloaded before.
        at_home = {**environment, "HOME": str(folder), "MPLCONFIGDIR": str(folder / "matplotlib")}
        timed(grader, folder, environment, {0})
        subprocess.run([sys.executable, "-c", "import matplotlib.pyplot"], env=at_home, check=True)
        costs: dict[str, list[Cost]] = {"grader check": [], "jupyter execute": []}
        for _ in range(options.runs):
            costs["grader check"].append(timed(grader, folder, environment, {0}))
            costs["jupyter execute"].append(timed(jupyter, plain, at_home, {0}))
    report(costs, options.images, options.keras)


def report(costs: dict[str, list[Cost]], images: int, keras: str) -> None:
    """A table of medians, and the ratio beside its bar."""
    console = Console()
    table = Table(title=f"Alpaca solution, {images} images, Keras {keras}, cold start, {os.cpu_count()} cores")
    for column in ("way", "wall", "CPU", "runs"):
        table.add_column(column, justify="left" if column == "way" else "right")
    for way, runs in costs.items():
        wall, cpu = statistics.median(c.wall for c in runs), statistics.median(c.cpu for c in runs)
        table.add_row(way, f"{wall:.1f} s", f"{cpu:.1f} s", str(len(runs)))
    console.print(table)
    pairs = zip(costs["jupyter execute"], costs["grader check"], strict=True)
    ratios = [(theirs.wall / ours.wall, theirs.cpu / ours.cpu) for theirs, ours in pairs]
    wall, cpu = (statistics.median(ratio[i] for ratio in ratios) for i in (0, 1))
    console.print(f"wall time: {wall:.1f} times less (bar: {BAR:.0f}); CPU time: {cpu:.1f} times less")


if __name__ == "__main__":
    main()

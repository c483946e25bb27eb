"""Does anything grow while notebook after notebook is graded in one process?

    python -m tests.bench.steady [--notebooks 500] [--keras both] [--write]

Grades the alpaca solution and its variants in turn, all from the same warm kernels, and looks after each at the memory,
threads and open files of the grader and its zygotes, at what is left in the folder for temporary files, and at the
time. Prints the median of each tenth of the run, and fails where the last one is beyond the second. ``--write`` puts
the table into steady.md here.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

from grader.assignment import Assignment
from grader.feedback.render import render
from grader.grade import Options, grade
from grader.run.kernel import WarmKernels
from grader.submission import load_submission
from tests.zygotes import zygotes_of

ROOT = Path(__file__).resolve().parents[2]
SLUG = "alpaca-mobilenetv2"
RESULTS = Path(__file__).with_name("steady.md")
PARTS = 10
ALLOWED = {"memory": 1.10, "zygotes": 1.05, "threads": 1.0, "files": 1.0, "temporary": 1.0, "seconds": 1.25}
"""What the last tenth may be, times the second: the first one still fills caches."""

HEADING = """# Steady

Made by `make bench-steady`: `python -m tests.bench.steady --write`. Each row is the median of a tenth of the run, which
goes through the solution and its variants again and again, on each Keras in turn.
"""


def look(scratch: Path) -> dict[str, float]:
    """How things stand: megabytes, counts."""
    me = psutil.Process()
    zygotes = zygotes_of(me)
    everyone = [me, *zygotes]
    return {
        "memory": me.memory_info().rss / 1e6,
        "zygotes": sum(zygote.memory_info().rss for zygote in zygotes) / 1e6,
        "threads": sum(process.num_threads() for process in everyone),
        "files": sum(process.num_fds() for process in everyone),
        "temporary": sum(len(files) for _, _, files in os.walk(scratch)),
    }


def main() -> None:
    """Grade, look, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notebooks", type=int, default=500)
    parser.add_argument("--keras", choices=["2", "3", "both"], default="both")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    options = parser.parse_args()
    assignment = Assignment.load(ROOT / "assignments" / SLUG)
    reference = ROOT / "reference" / SLUG
    paths = [reference / "solution.ipynb", *sorted((reference / "variants").glob("*.ipynb"))]
    kerases = ("2", "3") if options.keras == "both" else (options.keras,)
    with tempfile.TemporaryDirectory(prefix="grader-steady-") as name:
        tempfile.tempdir = name
        starter, seen = WarmKernels(), []
        for number in range(options.notebooks):
            began = time.monotonic()
            chosen = Options(keras=kerases[number % len(kerases)], replay="never")  # type: ignore[arg-type]
            # Each notebook on each Keras in turn.
            path = paths[number // len(kerases) % len(paths)]
            graded = grade(load_submission(path), assignment, chosen, starter=starter)
            render(graded.report, "html")
            seen.append({**look(Path(name)), "seconds": time.monotonic() - began})
            if (number + 1) % 50 == 0:
                print(f"{number + 1} of {options.notebooks}", file=sys.stderr, flush=True)
        starter.close()
        left = sorted(os.listdir(name))
    size = max(1, len(seen) // PARTS)
    parts = [seen[start : start + size] for start in range(0, size * PARTS, size)]
    medians = [{key: statistics.median(one[key] for one in part) for key in ALLOWED} for part in parts if part]
    grown = [key for key, most in ALLOWED.items() if medians[-1][key] > most * medians[1][key]]
    table = [
        "| notebooks | memory, MB | zygotes, MB | threads | open files | temporary files | seconds each |",
        "|---|---|---|---|---|---|---|",
    ]
    for number, row in enumerate(medians):
        cells = " | ".join(f"{row[key]:.1f}" if key == "seconds" else f"{row[key]:.0f}" for key in ALLOWED)
        table.append(f"| {number * size + 1} to {(number + 1) * size} | {cells} |")
    table += ["", f"Left in the folder for temporary files at the end: {', '.join(left) or 'nothing'}."]
    print("\n".join(table))
    if options.write:
        RESULTS.write_text("\n".join([HEADING, *table, ""]), encoding="utf-8")
    if grown or left:
        sys.exit(f"GROWN: {', '.join(grown) or 'temporary files'}")


if __name__ == "__main__":
    main()

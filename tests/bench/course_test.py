"""The usual test of such a course beside this grader, on the same known-wrong notebooks.

    make benchmark        or        python -m tests.bench.course_test [ASSIGNMENT]

The usual test compares the model's summary with the expected one (class, output shape and parameters of each layer,
rate of a Dropout, activation of a Dense), and looks at the layers of the augmenter, at `base_model.trainable` and the
number of its layers, and at optimizer, rate, loss and metrics. What it expects is what it sees in the solution on the
same Keras, so no difference between versions counts against it. `as written` reads `layer.output_shape`, as
such helpers for Keras 2 do; `ported` reads what Keras 3 has instead. A notebook in which a cell raises is caught.

Our verdicts are those of the last `grader verify`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from grader.errors import GraderError
from grader.verify import Case, Record, Records, cases_of, find_references
from grader.verify.records import default_records
from grader.weights import WeightsStore

ASKED = ("about_augmenter", "about_base", "about_compile")


@dataclass(frozen=True)
class Way:
    """One way of telling right from wrong, on one Keras."""

    name: str
    keras: str
    catches: Callable[[Case], bool]
    solution_fails: str
    """Why it fails the solution; empty where it does not."""


def look(cases: Sequence[Case], keras: str) -> dict[str, dict[str, Any]]:
    """What the course test sees in each notebook, by name."""
    assignment = cases[0].assignment
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as name:
        folder = Path(name)
        work = folder / "work"
        shutil.copytree(assignment.folder / assignment.files.support, work)
        shutil.copytree(assignment.folder / assignment.files.dataset, work / assignment.files.dataset)
        models = folder / ".keras" / "models"
        models.mkdir(parents=True)
        store = WeightsStore()
        base = assignment.base
        # Some notebooks build the base without saying for which size.
        for record in store.ensure(base.application, [base.input_shape, None]):
            (models / record.file).symlink_to(store.path(record.file).resolve())
        environment = {
            **os.environ,
            "HOME": str(folder),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "TF_USE_LEGACY_KERAS": "1" if keras == "2" else "0",
        }
        command = [sys.executable, "-m", "tests.bench.course_run", str(work), *(str(case.path) for case in cases)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-4000:])
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    return {case.name: found for case, found in zip(cases, seen, strict=True)}


def usual_test(name: str, keras: str, shapes: str, seen: dict[str, dict[str, Any]]) -> Way:
    """The course test, reading shapes in this way."""
    expected = seen["solution"]

    def catches(case: Case) -> bool:
        found = seen[case.name]
        return bool(found["errors"]) or any(found.get(key) != expected[key] for key in (shapes, *ASKED))

    broken = [found for key in (shapes, *ASKED) if isinstance(found := expected[key], str)]
    reasons = [*expected["errors"], *broken]
    # A test that breaks on the right solution fails whatever it is given.
    return Way(name, keras, (lambda _: True) if reasons else catches, reasons[0] if reasons else "")


def ours(keras: str, records: dict[tuple[str, Any], Record]) -> Way:
    """This grader, by the records of the last verification."""
    solution = records["solution", keras]
    reason = "" if solution.score == solution.max_score else f"{solution.score:g} of {solution.max_score:g} points"
    return Way("grader", keras, lambda case: bool(records[case.key].failed), reason)


def compare(slug: str) -> tuple[list[Way], list[Case]]:
    """All ways, and the notebooks that they are tried on."""
    (reference,) = find_references([slug])
    cases = cases_of(reference)
    records = Records(default_records(reference.folder)).of(slug)
    if unknown := [case for case in cases if case.key not in records]:
        raise GraderError(f"No record of {slug}::{unknown[0].id}.", "Run grader verify first.")
    ways = []
    for keras in dict.fromkeys(case.keras for case in cases):
        mine = [case for case in cases if case.keras == keras and case.kind != "starter"]
        seen = look(mine, keras)
        ways.append(usual_test("course test as written", keras, "as written", seen))
        if keras == "3":
            ways.append(usual_test("course test, ported", keras, "ported", seen))
        ways.append(ours(keras, records))
    return ways, cases


def report(slug: str, ways: Sequence[Way], cases: Sequence[Case], console: Console) -> None:
    """One row a way, then what each misses and marks down."""
    table = Table(title=f"Known-wrong notebooks of {slug}", box=box.SIMPLE_HEAD, title_justify="left")
    for column in ("way", "Keras", "wrong, missed", "right, failed", "the solution"):
        table.add_column(column)
    details = []
    for way in ways:
        mine = [case for case in cases if case.keras == way.keras and case.kind == "variant"]
        wrong, right = [c for c in mine if c.is_wrong], [c for c in mine if not c.is_wrong]
        missed = [case.name for case in wrong if not way.catches(case)]
        failed = [case.name for case in right if way.catches(case)]
        verdict = f"fails: {way.solution_fails}" if way.solution_fails else "passes"
        table.add_row(way.name, way.keras, f"{len(missed)} of {len(wrong)}", f"{len(failed)} of {len(right)}", verdict)
        details += [
            f"{way.name}, Keras {way.keras}, {what}: {', '.join(names)}"
            for what, names in (("misses", missed), ("fails the right", failed))
            if names and not way.solution_fails
        ]
    console.print(table)
    for line in details:
        console.print(line, highlight=False)


def main() -> None:
    """Measure and print."""
    slug = sys.argv[1] if len(sys.argv) > 1 else "alpaca-mobilenetv2"
    try:
        ways, cases = compare(slug)
    except GraderError as error:
        sys.exit(f"course_test: {error}")
    report(slug, ways, cases, Console(width=100))


if __name__ == "__main__":
    main()

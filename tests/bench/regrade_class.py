"""How long `grader regrade` takes for a large class: copies of real evidence, each a run of its own.

    python -m tests.bench.regrade_class [--students 10000] [--jobs 2]

The bar is 10,000 in under a minute on two cores. All is kept by then; the pages of feedback
that are written after it are not in it.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import insert, select

from grader.assignment import Assignment
from grader.batch.store import Store, working_on
from grader.batch.store.schema import AttemptRow, ResultRow, RunRow, StudentRow
from tests.bench.grade_class import ROOT, SLUG, build

BAR = 60.0


def main() -> None:
    """Grade a few, copy them, change the rubric, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as name:
        folder = Path(name)
        build(folder / "in", 4)
        assignment = Assignment.load(Path(shutil.copytree(ROOT / "assignments" / SLUG, folder / SLUG)))
        command = [str(Path(sys.executable).parent / "grader")]
        subprocess.run(
            [*command, "grade", str(folder / "in"), "-a", str(assignment.folder), "-o", str(folder / "out")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with working_on(folder / "out", "copying") as store:
            students = multiply(store, options.students)
        toml = assignment.folder / "assignment.toml"
        toml.write_text(toml.read_text().replace("points = 1.5", "points = 3"))
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        regrade = [*command, "regrade", str(folder / "out"), "--yes", "--no-feedback", "--jobs", str(options.jobs)]
        subprocess.run(regrade, check=True, stdout=subprocess.DEVNULL)
        took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{students} students scored anew with {options.jobs} processes (bar: {BAR:.0f} s for 10,000):")
    print(f"{took:.1f} s, of which {cpu / options.jobs:.1f} s are what each process computed")


def multiply(store: Store, students: int) -> int:
    """Copy what was graded until there are so many students, each with a run of their own."""
    with store.session() as session:
        query = select(ResultRow, RunRow, AttemptRow).join(RunRow, RunRow.id == ResultRow.run_id)
        query = query.join(AttemptRow, AttemptRow.id == ResultRow.attempt_id)
        originals = [tuple(row) for row in session.execute(query)]
        columns = {
            table: [column.key for column in table.__table__.columns if column.key != "id"]
            for table in (StudentRow, AttemptRow, RunRow, ResultRow)
        }
        rows: dict[type, list[dict[str, object]]] = {table: [] for table in columns}
        for number in range(1000, 1000 + students - len(originals)):
            result, run, attempt = originals[number % len(originals)]
            own = {"id": number, "student_id": number, "attempt_id": number, "run_id": number, "key": f"copy-{number}"}
            student = {"name": f"Student {number}", "email": "", "ids": {}}
            for table, row in ((AttemptRow, attempt), (RunRow, run), (ResultRow, result)):
                values = {name: getattr(row, name) for name in columns[table]}
                rows[table].append({**values, **{k: v for k, v in own.items() if k == "id" or k in values}})
            rows[StudentRow].append({**student, "id": number, "key": f"copy-{number}"})
        for table, copies in rows.items():
            session.execute(insert(table), copies)
    return students


if __name__ == "__main__":
    main()

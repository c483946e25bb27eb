"""Running all attacks in one tier, as the user who calls this: `python -m tests.attacks.run TIER RESULTS`."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from nbformat.v4 import new_code_cell, new_notebook

from grader.assignment import Assignment, find_assignment
from grader.run import limits
from grader.run.execution import Execution
from grader.run.kernel import KernelStarter, WarmKernels
from grader.run.notebook import RunRequest, run_notebook
from grader.run.workspace import workspace
from tests.attacks.cells import BEGIN, CELLS
from tests.attacks.endings import ENDINGS, Ending
from tests.attacks.files import unpack
from tests.attacks.forgeries import ASKED, FORGERIES, HONEST
from tests.attacks.judge import Bench
from tests.attacks.lies import GROUPS, Group
from tests.attacks.outcome import Outcome
from tests.attacks.scene import Scene, wait_until_gone

__all__ = ["all_attacks", "attack"]

ASSIGNMENT = """
schema = 1
title = "Under attack"
[base]
application = "MobileNetV2"
input_shape = [96, 96, 3]
[limits]
cell = "{cell}"
run = "60 s"
memory = "1500 MB"
output = "200 kB"
processes = 24
disk = "20 MB"
inodes = 1000
[[checks]]
code = "NB001"
[[checks]]
code = "NB002"
[[checks]]
code = "TL101"
[[checks]]
code = "TL102"
[[checks]]
code = "TL401"
"""
ROOT = Path(__file__).resolve().parents[2]
STORE = ROOT / "build" / "test-weights"
"""Weights that `make attacks` sees to. They lie where a plain user can read them."""
STARTER = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}
TIERS = frozenset({"namespaces", "landlock", "bare"})


def make_assignment(folder: Path, cell: str) -> Assignment:
    """An assignment with little in it and tight limits."""
    (folder / "dataset" / "a").mkdir(parents=True, exist_ok=True)
    (folder / "dataset" / "a" / "image.png").write_bytes(b"no image")
    (folder / "starter.ipynb").write_text(json.dumps(STARTER), encoding="utf-8")
    (folder / "assignment.toml").write_text(ASSIGNMENT.format(cell=cell), encoding="utf-8")
    return Assignment.load(folder)


@dataclass
class Field:
    """Where attacks are run."""

    tier: str
    scene: Scene
    starter: KernelStarter

    def run(self, cells: list[str], cell_limit: str = "20 s") -> Execution:
        """Run these cells as a notebook."""
        assignment = make_assignment(self.scene.assignment, cell_limit)
        request = RunRequest(
            notebook=new_notebook(cells=[new_code_cell(self.scene.fill_in(code)) for code in cells]),
            assignment=assignment,
            flavour="3",
            training="bounded",
            weights=self.scene.base / "store",
            progress=lambda done, total: None,
            isolation=self.tier,
        )
        with workspace() as folders:
            execution = run_notebook(request, folders, self.starter)
            entries = list(folders.evidence.iterdir())
            assert all(entry.is_file() and not entry.is_symlink() for entry in entries), entries
            self.scene.evidence = "".join(entry.read_text(errors="replace") for entry in entries)
        return execution


def attack(field: Field) -> list[Outcome]:
    """All attacks that leave the kernel alive, in one notebook."""
    execution = field.run([BEGIN, *(attack.code for attack in CELLS)])
    assert not execution.died, execution.died
    wait_until_gone(field.scene, 2.0)
    outcomes = []
    for one, cell in zip(CELLS, execution.notebook.cells[1:], strict=True):
        output = "".join(part.text for part in cell.outputs if part.output_type == "stream")
        reached = one.seen(field.scene, output)
        errors = [f"{part.ename}: {part.evalue}" for part in cell.outputs if part.output_type == "error"]
        last = "; ".join([output.strip(), *errors])[-300:]
        known = field.tier in one.open_in
        outcomes.append(Outcome(one.name, "not stopped" if reached else "stopped", known, last))
    field.scene.clear()
    return outcomes


def end(field: Field, ending: Ending) -> Outcome:
    """One attack with a notebook of its own."""
    began = time.monotonic()
    execution = field.run([ending.code, "print('after')"], "1 s" if ending.breach == "cell" else "10 s")
    seconds = time.monotonic() - began
    faults = []
    cell = execution.cells[0]
    breaches = [breach.limit for breach in execution.breaches]
    if cell.status not in ending.status:
        faults.append(f"its cell {cell.status}: {cell.ename} {cell.evalue}")
    if breaches != ([ending.breach] if ending.breach else []):
        faults.append(f"breaches {breaches}")
    if execution.breaches and (execution.breaches[0].cell != 1 or not execution.breaches[0].used):
        faults.append("the breach does not say where")
    if "environment" not in field.scene.evidence:
        faults.append("the other evidence is lost")
    if seconds > 30:
        faults.append(f"took {seconds:.0f} s")
    if left := busy():
        faults.append(f"still running: {left}")
    good = "contained" if ending.breach else "stopped"
    known = field.tier in ending.open_in
    return Outcome(ending.name, "not stopped" if faults else good, known, "; ".join(faults))


def lie(field: Field, group: Group) -> list[Outcome]:
    """Attacks on the report, in one notebook."""
    assignment = make_assignment(field.scene.assignment, "20 s")
    bench = Bench(assignment, field.tier, field.scene.base / "store", field.starter, field.scene.mark)
    began = time.monotonic()
    told = bench.tell(group.name, [(BEGIN, ()), *((field.scene.fill_in(one.code), one.tags) for one in group.lies)])
    seconds = time.monotonic() - began
    faults = [one.seen(told, cell) for cell, one in enumerate(group.lies, 2)]
    if seconds > 30:
        faults[-1] += f" took {seconds:.0f} s"
    return [
        Outcome(one.name, "not stopped" if fault else "stopped", field.tier in one.open_in, fault)
        for one, fault in zip(group.lies, faults, strict=True)
    ]


def forge(field: Field) -> list[Outcome]:
    """Forged solutions of the exercise."""
    exercise = find_assignment(str(ROOT / "assignments" / "alpaca-mobilenetv2"))
    asked = tuple(spec for spec in exercise.checks if spec.code in ASKED)
    exercise = exercise.model_copy(update={"checks": asked})
    bench = Bench(exercise, field.tier, STORE, field.starter, field.scene.mark)
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        recorded = Path(folder) / "honest"
        bench.tell("honest.ipynb", [(code, ()) for code in HONEST], recorded)
        for forgery in FORGERIES:
            told = bench.tell("forged.ipynb", [(code, ()) for code in forgery.code(recorded)])
            said = {code: told.check(code).outcome.value for code in forgery.said}
            came = "not claimed" if forgery.by == "nothing" else "stopped"
            outcomes.append(Outcome(forgery.name, came if said == forgery.said else "not stopped", told=str(said)))
    return outcomes


def busy() -> list[psutil.Process]:
    """Processes below this one that do not come to rest."""
    deadline = time.monotonic() + 5
    while True:
        left = [child for child in psutil.Process().children(recursive=True) if is_running(child)]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


def is_running(process: psutil.Process) -> bool:
    """Whether it does anything."""
    try:
        return process.status() in (psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP)
    except psutil.NoSuchProcess:
        return False


def all_attacks(tier: str, endings: tuple[str, ...] = ()) -> list[Outcome]:
    """Every attack in this tier.

    Args:
        endings: of those that end their kernel only these, and nothing in which no tier has a part.
    """
    limits.GRACE = 0.5  # There are more seconds in earnest.
    scene = Scene()
    starter = WarmKernels()
    try:
        field = Field(tier, scene, starter)
        outcomes = [*attack(field), *lie(field, GROUPS[0])]
        if not endings:
            for group in GROUPS[1:]:
                outcomes += lie(field, group)
            outcomes += [*forge(field), *unpack()]
        for ending in ENDINGS:
            if endings and ending.name not in endings:
                continue
            if tier in (ending.only_in or TIERS):
                outcomes.append(end(field, ending))
        if left := [str(path) for path in Path(tempfile.gettempdir()).glob("grader-*") if "zygote" not in path.name]:
            outcomes.append(Outcome("folders of runs", "not stopped", told=str(left)))
        return outcomes
    finally:
        starter.close()
        scene.close()


def main(tier: str, results: str, *endings: str) -> None:
    """Write the outcomes as JSON."""
    Path(results).write_text(json.dumps([asdict(outcome) for outcome in all_attacks(tier, endings)]), encoding="utf-8")
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])

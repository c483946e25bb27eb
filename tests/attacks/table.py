"""`make attacks`: what each attack gets in each tier, and what isolation costs an honest notebook."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from grader.run.isolation import obstacles
from grader.run.kernel import KernelStarter
from grader.weights import WeightsStore
from tests.attacks.outcome import Outcome
from tests.attacks.run import STORE
from tests.attacks.users import TIERS, USERS, run_as

__all__ = ["attacked", "offered"]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 900
"""Seconds for one user in one tier."""
PAIRS = 15
"""Of runs, for each tier. One run differs from the next by some percent."""
BAR = 1.05
"""What isolation may cost."""


def offered() -> list[str]:
    """The tiers that work here, the strongest first."""
    return [name for name, obstacle in obstacles().items() if not obstacle]


def attacked(user: str, tier: str, folder: Path, endings: Sequence[str] | None = None) -> list[Outcome]:
    """Run the attacks as this user in this tier; of those with a notebook of their own only these."""
    results = folder / "results.json"
    command = [sys.executable, "-m", "tests.attacks.run", tier, str(results), *(endings or ())]
    done = run_as(user, command, folder, PATIENCE)
    assert results.is_file(), done.stderr
    return [Outcome(**outcome) for outcome in json.loads(results.read_text(encoding="utf-8"))]


@dataclass(frozen=True)
class Cost:
    """What a tier costs an honest notebook, as ratios to bare.

    Args:
        walls: of the wall time, one a pair of runs.
        processors: of the time of processors, likewise.
    """

    tier: str
    walls: tuple[float, ...]
    processors: tuple[float, ...]

    @property
    def within(self) -> bool:
        """Whether it costs no more than it may."""
        return max(median(self.walls), median(self.processors)) <= BAR

    def __str__(self) -> str:
        wall, processor = spread(self.walls), spread(self.processors)
        return f"honest notebook, {self.tier}: {wall} of bare's wall time, {processor} of its processor time"


def spread(ratios: Sequence[float]) -> str:
    """Median, and the half of the pairs around it."""
    low, middle, high = quantiles(ratios, n=4)
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def overhead(pairs: int) -> list[Cost]:
    """What each tier costs: runs of the reference solution in it and in bare, one after the other, in turn."""
    from grader.run.kernel import WarmKernels

    tiers = [tier for tier in offered() if tier != "bare"]
    measured: dict[str, list[tuple[float, float]]] = {tier: [] for tier in tiers}
    starter = WarmKernels()
    try:
        for tier in (*tiers, "bare"):
            seconds_of(tier, starter)  # Whatever is done once is done.
        for number in range(pairs):
            for tier in tiers:
                order = (tier, "bare") if number % 2 else ("bare", tier)
                taken = {one: seconds_of(one, starter) for one in order}
                measured[tier].append((taken[tier][0] / taken["bare"][0], taken[tier][1] / taken["bare"][1]))
    finally:
        starter.close()
    return [Cost(tier, *(tuple(column) for column in zip(*found, strict=True))) for tier, found in measured.items()]


def seconds_of(tier: str, starter: KernelStarter) -> tuple[float, float]:
    """Wall time of a run in this tier, and what the kernel and the grader took of processors for it."""
    from nbformat.v4 import new_code_cell

    from grader.assignment import find_assignment
    from grader.grade import Options, gather_evidence
    from grader.submission import load_submission

    assignment = find_assignment(str(ROOT / "assignments" / "alpaca-mobilenetv2"))
    submission = load_submission(ROOT / "reference" / "alpaca-mobilenetv2" / "solution.ipynb")
    submission.notebook.cells.append(new_code_cell("import time\nprint(time.process_time())"))
    own = time.process_time()
    evidence, notebook = gather_evidence(submission, assignment, Options(keras="3", isolation=tier), starter=starter)
    assert all(run.status == "ran" for run in evidence.notebook.cells), f"the honest notebook breaks in {tier}"
    kernel = float(notebook.cells[-1].outputs[0].text)
    wall = sum(evidence.timing[stage] for stage in ("kernel", "cells", "probe"))
    return wall, kernel + time.process_time() - own


def main(pairs: int = PAIRS) -> None:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    WeightsStore(STORE).ensure("MobileNetV2", [(96, 96, 3)])
    began = time.monotonic()
    columns: dict[str, dict[str, Outcome]] = {}
    for user in USERS:
        for tier in (tier for tier in offered() if tier in TIERS[user]):
            folder = Path(tempfile.mkdtemp(prefix="attacks-", dir="/var/tmp"))
            folder.chmod(0o755)
            print(f"{tier} as {user} ...", file=sys.stderr, flush=True)
            try:
                outcomes = attacked(user, tier, folder)
            finally:
                shutil.rmtree(folder)
            columns[f"{tier}\n{user}"] = {outcome.attack: outcome for outcome in outcomes}
    styles = {"stopped": "green", "contained": "cyan", "not claimed": "yellow", "not stopped": "red"}
    table = Table("attack", *columns)
    names = dict.fromkeys(name for column in columns.values() for name in column)
    for name in names:
        cells = [column[name].came_of_it if name in column else "-" for column in columns.values()]
        table.add_row(name, *(f"[{styles.get(cell, 'dim')}]{cell}[/]" for cell in cells))
    console = Console()
    console.print(table)
    console.print("-: not tried there, because it would end what tries it.")
    console.print(
        "not claimed: such a forgery is not found out. What was done, and when, is the word of a recorder that runs"
        " beside the notebook's own code.\n"
    )
    tried = time.monotonic()
    print("what it costs ...", file=sys.stderr, flush=True)
    costs = overhead(pairs)
    for cost in costs:
        console.print(f"{cost}, at most {BAR} wanted", soft_wrap=True, highlight=False)
    console.print(f"Medians of {pairs} pairs of runs, in turn; in brackets the half of them around it.")
    console.print(f"Took {tried - began:.0f} s, and {time.monotonic() - tried:.0f} s for what isolation costs.")
    unknown = [
        one
        for column in columns.values()
        for one in column.values()
        if one.came_of_it == "not stopped" and not one.known
    ]
    for one in unknown:
        console.print(f"[red]not stopped, and not known to be open:[/] {one.attack}: {one.told}")
    sys.exit(bool(unknown) or not all(cost.within for cost in costs))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

"""`make attacks`: what each attack gets in each tier, and what isolation costs an honest notebook."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from grader.run.isolation import obstacles
from tests.attacks.run import Outcome
from tests.attacks.users import TIERS, USERS, run_as

__all__ = ["attacked", "offered"]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 280
ROUNDS = 5


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


def overhead() -> list[tuple[str, float, float]]:
    """Seconds that the reference solution takes in each tier, and how that compares with bare; run in turn."""
    from grader.assignment import find_assignment
    from grader.grade import Options, gather_evidence
    from grader.run.kernel import WarmKernels
    from grader.submission import load_submission

    assignment = find_assignment(str(ROOT / "assignments" / "alpaca-mobilenetv2"))
    submission = load_submission(ROOT / "reference" / "alpaca-mobilenetv2" / "solution.ipynb")
    starter = WarmKernels()
    times: dict[str, list[float]] = {tier: [] for tier in offered()}
    try:
        for _ in range(ROUNDS + 1):
            for tier, taken in times.items():
                evidence, _ = gather_evidence(
                    submission, assignment, Options(keras="3", isolation=tier), starter=starter
                )
                taken.append(sum(evidence.timing[stage] for stage in ("kernel", "cells", "probe")))
    finally:
        starter.close()
    walls = {tier: median(taken[1:]) for tier, taken in times.items()}
    return [(tier, wall, wall / walls["bare"]) for tier, wall in walls.items()]


def main() -> None:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    columns: dict[str, dict[str, Outcome]] = {}
    for user in USERS:
        for tier in (tier for tier in offered() if tier in TIERS[user]):
            folder = Path(tempfile.mkdtemp(prefix="attacks-", dir="/var/tmp"))
            folder.chmod(0o755)
            try:
                outcomes = attacked(user, tier, folder)
            finally:
                shutil.rmtree(folder)
            columns[f"{tier}\n{user}"] = {outcome.attack: outcome for outcome in outcomes}
    styles = {"stopped": "green", "contained": "cyan", "not stopped": "red"}
    table = Table("attack", *columns)
    names = dict.fromkeys(name for column in columns.values() for name in column)
    for name in names:
        cells = [column[name].came_of_it if name in column else "-" for column in columns.values()]
        table.add_row(name, *(f"[{styles.get(cell, 'dim')}]{cell}[/]" for cell in cells))
    console = Console()
    console.print(table)
    console.print("-: not tried there, because it would end what tries it.\n")
    for tier, wall, ratio in overhead():
        console.print(f"honest notebook, {tier}: {wall:.2f} s, {ratio:.3f} of bare (median of {ROUNDS}, in turn)")
    unknown = [
        one
        for column in columns.values()
        for one in column.values()
        if one.came_of_it == "not stopped" and not one.known
    ]
    for one in unknown:
        console.print(f"[red]not stopped, and not known to be open:[/] {one.attack}: {one.told}")
    sys.exit(bool(unknown))


if __name__ == "__main__":
    main()

"""A cell broke, and with it what comes after."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence import CellRun, Evidence
from grader.feedback.diagnosis import Rule, awaiting, outcome_of
from grader.results import CheckResult, Diagnosis, Outcome


class RunBrokeOff(Rule):
    """NB001, and whatever could not be judged for that reason. An open exercise is the better explanation."""

    code = "run-broke-off"
    title = "One broken cell kept the rest from being judged"
    clause = ""
    accounts_for = ("NB001",)

    def explain(self, evidence: Evidence, results: Sequence[CheckResult]) -> str:
        broken = first_broken(evidence)
        if outcome_of(results, "NB001") is not Outcome.FAILED or outcome_of(results, "NB003") is Outcome.FAILED:
            return ""
        if broken is None or not awaiting(results):
            return ""
        after = "The cells after it never ran" if broken.status == "killed" else "The cells after it were still tried"
        return (
            f"Cell {broken.cell} {ending(broken)}. {after}, but what the checks look at was never made. Mend that "
            "cell first, run the notebook from top to bottom (Kernel, Restart and run all), and "
            "hand it in again: the checks that could not judge anything may well pass."
        )

    def matches(self, evidence: Evidence, results: Sequence[CheckResult]) -> Diagnosis | None:
        diagnosis = super().matches(evidence, results)
        if diagnosis is None:
            return None
        return diagnosis.model_copy(update={"checks": (*diagnosis.checks, *awaiting(results))})


def first_broken(evidence: Evidence) -> CellRun | None:
    """The first cell of the student's own that did not end by itself."""
    cells = (cell for cell in evidence.notebook.cells if not cell.given and not (cell.error and cell.error.excuse))
    return next((cell for cell in cells if cell.status in ("failed", "timed_out", "killed")), None)


def ending(cell: CellRun) -> str:
    """How the cell ended, as a predicate."""
    if cell.status == "timed_out":
        return "ran into its time limit"
    if cell.status == "killed":
        return "ended the kernel"
    return f"stopped with `{cell.error.name}`" if cell.error else "stopped with an error"

"""NB001 notebook-runs."""

from __future__ import annotations

from grader.checks._base import Check, Failed, NotAssessed, Passed, Verdict, Warned
from grader.checks._words import cells, locate, plain, sentence
from grader.evidence import CellRun, Evidence, LimitBreach
from grader.policy import Policy
from grader.results import Finding, Location

__all__ = ["NotebookRuns"]

RERUN = "then restart the kernel and run all cells from the top."
MENDS = {
    "NameError": f"Define that name in a cell above this one, {RERUN}",
    "SyntaxError": f"Mend the spelling of this line, {RERUN}",
    "IndentationError": f"Indent this line as its block is, {RERUN}",
}
MEND = f"Mend this line, {RERUN}"
LIMITS = {
    "cell": "Look for a loop that never ends, or for work that can be done on fewer images.",
    "run": "Look for a loop that never ends, or for work that can be done on fewer images.",
    "memory": "Load the images in batches, and keep no copies of the whole data set.",
    "output": "Print less: nothing inside a loop over batches or images.",
    "processes": "Start no processes of your own, and no more workers than the machine has cores.",
    "disk": "Write less: no copies of the data set, and one checkpoint in place of one an epoch.",
    "inodes": "Make fewer files: keep what belongs together in one.",
}


class NotebookRuns(Check):
    """What it checks
    --------------
    Every cell that you wrote runs from top to bottom, in a fresh kernel, without an error and within the
    assignment's limits on time, memory, output, processes and files. Cells that came with the assignment cost
    nothing if they fail, and neither does an error that lies with the grader, such as a package that it lacks.

    Why it matters
    --------------
    A notebook keeps the variables of cells that were run, changed and deleted long ago. So it can look finished
    on your screen and still stop in anybody else's hands. "Restart and run all" is how you, and everyone you
    share it with, find out whether the result can be had again.

    Example
    -------
    The labels are misspelled. If an older cell once defined `lables`, nothing shows until the kernel restarts.

    ```python
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = tf.keras.layers.GlobalAveragePooling2D()(base_model(inputs, training=False))
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile("adam", loss)
    ```
    ```python
    model.fit(images, lables)
    ```

    Use instead
    -----------
    ```python
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = tf.keras.layers.GlobalAveragePooling2D()(base_model(inputs, training=False))
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile("adam", loss)
    ```
    ```python
    model.fit(images, labels)
    ```
    """

    code = "NB001"
    name = "notebook-runs"
    title = "The notebook runs from top to bottom without an error"

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        runs = evidence.notebook.cells
        if not runs:
            return Failed((Finding(message="The notebook has no code.", expected="code cells that run"),))
        faults: list[Finding] = []
        excused: list[Finding] = []
        for run in runs:
            pardon = pardoned(run)
            for finding in of_cell(run, evidence):
                if pardon:
                    excused.append(finding.model_copy(update={"message": f"{finding.message} {pardon}", "fix": ""}))
                else:
                    faults.append(finding)
        known = {run.cell for run in runs}
        for breach in evidence.notebook.breaches:
            if breach.cell not in known:
                faults.append(with_never_run(of_breach(breach), evidence))
        if not faults and not excused:
            return unexplained(evidence)
        return Failed((*faults, *excused)) if faults else Warned(tuple(excused))


def pardoned(run: CellRun) -> str:
    """Why a failure of this cell costs nothing; empty where it does."""
    return f"This costs nothing. {sentence(run.error.excuse)}" if run.error and run.error.excuse else ""


def of_cell(run: CellRun, evidence: Evidence) -> list[Finding]:
    """What went wrong in one cell, and the cells that never ran for it."""
    breaches = [breach for breach in evidence.notebook.breaches if breach.cell == run.cell]
    findings = [of_breach(breach, run.error.line if run.error else None) for breach in breaches]
    # Stopping a cell at a limit raises KeyboardInterrupt in it; that is the grader's doing, not a second fault.
    own_error = run.status == "failed" and not (breaches and run.error and run.error.name == "KeyboardInterrupt")
    if own_error or (run.status in ("timed_out", "killed") and not breaches):
        findings.append(of_ending(run, evidence.notebook.died))
    later = [other for other in evidence.notebook.cells if other.cell > run.cell]
    if findings and later and all(other.status == "not_run" for other in later):
        findings[-1] = with_never_run(findings[-1], evidence)
    return findings


def with_never_run(finding: Finding, evidence: Evidence) -> Finding:
    """The finding, with the cells named that the end of the run left out."""
    never = [run.cell for run in evidence.notebook.cells if run.status == "not_run"]
    tail = f" {cells(never)} never ran for that reason." if never else ""
    return finding.model_copy(update={"message": finding.message + tail})


def of_ending(run: CellRun, died: str) -> Finding:
    """A cell that failed, or ended with no limit to name."""
    if run.status == "killed":
        return Finding(
            message=f"The kernel died in cell {run.cell}: {sentence(plain(died) or 'nothing tells how')}",
            expected="a cell that runs to its end",
            observed=plain(died),
            location=Location(cell=run.cell),
            fix="Run this cell alone in a fresh kernel, with fewer images, and look which line ends it.",
        )
    if run.status == "timed_out" or run.error is None:
        ending = "was stopped before it came to its end" if run.status == "timed_out" else "failed"
        return Finding(
            message=f"Cell {run.cell} {ending}.",
            expected="a cell that runs to its end",
            location=Location(cell=run.cell, line=run.error.line if run.error else None),
            fix=LIMITS["cell"] if run.status == "timed_out" else MEND,
        )
    error = run.error
    first_line = next((line for line in error.message.splitlines() if line.strip()), "")
    text = sentence(plain(first_line)) if first_line else "it came without a text."
    through = f" in your code of cell {error.origin.cell}" if error.origin else ""
    return Finding(
        message=f"Cell {run.cell} stopped with a `{error.name}`{through}: {text}",
        expected="a cell that runs to its end",
        observed=f"{error.name}: {error.message}".removesuffix(": "),
        location=locate(error.origin) or Location(cell=run.cell, line=error.line),
        fix=MENDS.get(error.name, MEND),
    )


def of_breach(breach: LimitBreach, line: int | None = None) -> Finding:
    """A limit that was reached."""
    where = f"Cell {breach.cell}" if breach.cell is not None else "The notebook"
    limits = {
        "cell": f"{where} was stopped at the time limit for one cell",
        "run": f"{where} was stopped at the time limit for the whole notebook",
        "memory": f"{where} was stopped at the memory limit",
        "output": f"{where} was stopped at the limit on output",
        "processes": f"{where} was stopped at the limit on processes",
        "disk": f"{where} was stopped at the limit on what it may write",
        "inodes": f"{where} was stopped at the limit on how many files it may make",
    }
    return Finding(
        message=f"{limits[breach.limit]}: {breach.allowed} are allowed, {breach.used} were used.",
        expected=f"at most {breach.allowed}",
        observed=breach.used,
        location=Location(cell=breach.cell, line=line) if breach.cell is not None else None,
        fix=LIMITS[breach.limit],
    )


def unexplained(evidence: Evidence) -> Verdict:
    """The verdict where no cell is at fault: passed, unless the run ended before its last cell."""
    never = [run.cell for run in evidence.notebook.cells if run.status == "not_run"]
    died = plain(evidence.notebook.died)
    if died:
        finding = Finding(
            message=f"The kernel died: {sentence(died)}",
            expected="a kernel that lives to the last cell",
            observed=died,
            fix="Run the cells one by one in a fresh kernel, and look which one ends it.",
        )
        return Failed((with_never_run(finding, evidence),))
    if never:
        return NotAssessed(f"{cells(never)} never ran, and nothing tells why the run ended before.")
    return Passed()

"""From an attack's notebook to what the grader says of it, as `grader check` comes to it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
import psutil
from nbformat.v4 import new_code_cell, new_notebook

from grader.assignment import Assignment
from grader.checks import build_checks, run_checks
from grader.cli.check import write
from grader.examine import RunFacts, examine
from grader.feedback.render import FORMATS, render
from grader.feedback.report import build_report
from grader.progress import TerminalProgress
from grader.run.flavour import Choice
from grader.run.kernel import KernelStarter
from grader.run.notebook import RunRequest, run_notebook
from grader.run.workspace import workspace
from grader.submission import clean_for_run, load_submission
from grader.weights import WeightsStore
from tests.attacks.lies import Told

__all__ = ["Bench"]

Cells = Sequence[tuple[str, tuple[str, ...]]]
"""Sources, each with its tags."""


class Bench:
    """Judges notebooks in one tier."""

    def __init__(self, assignment: Assignment, tier: str, store: Path, starter: KernelStarter, mark: str) -> None:
        self._assignment = assignment
        self._tier = tier
        self._store = store
        self._starter = starter
        self._mark = mark

    def tell(self, name: str, cells: Cells, keep: Path | None = None) -> Told:
        """What is said of a notebook of this name with these cells.

        Args:
            keep: a folder for the recorder's files; None: they go.
        """
        notebook = new_notebook(cells=[new_code_cell(code, metadata={"tags": list(tags)}) for code, tags in cells])
        memory = psutil.Process().memory_info().rss
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            nbformat.write(notebook, path)
            with captured() as printed, TerminalProgress(path.name) as progress:
                submission = load_submission(path)
                progress.stage("running")
                request = RunRequest(
                    notebook=clean_for_run(submission.notebook),
                    assignment=self._assignment,
                    flavour="3",
                    training="bounded",
                    weights=self._store,
                    progress=progress.cells,
                    isolation=self._tier,
                )
                with workspace() as folders:
                    execution = run_notebook(request, folders, self._starter)
                    facts = RunFacts(Choice("3", "It was asked for."), "bounded", WeightsStore(self._store))
                    evidence = examine(submission, self._assignment, execution, facts)
                    if keep is not None:
                        shutil.copytree(folders.evidence, keep)
                results = run_checks(
                    evidence, build_checks(self._assignment.checks, "assignment.toml"), self._assignment.policy
                )
                report = build_report(evidence, results, self._assignment)
                pages = {form: render(report, form, notebook=execution.notebook) for form in FORMATS}
                for form in ("text", "json"):
                    write(pages[form], None)
        statuses = tuple(outcome.status for outcome in execution.cells)
        growth = psutil.Process().memory_info().rss - memory
        # The notebook as it was executed has its outputs in it, for Jupyter to make harmless.
        pages.pop("notebook")
        return Told(report, statuses, pages, "".join(printed), self._mark, growth)


@contextlib.contextmanager
def captured() -> Iterator[list[str]]:
    """All that this process, or one that shares its stdout and stderr, writes there."""
    printed: list[str] = []
    with tempfile.TemporaryFile() as file:
        kept = [os.dup(1), os.dup(2)]
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        try:
            yield printed
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, old in zip((1, 2), kept, strict=True):
                os.dup2(old, number)
                os.close(old)
            file.seek(0)
            printed.append(file.read().decode(errors="replace"))

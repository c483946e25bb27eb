"""Progress for a person at a terminal, on stderr: named stages, and cells as they are run."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from grader.feedback.neutral import one_line
from grader.grade import Progress as Stages

__all__ = ["TerminalProgress"]


class TerminalProgress(Stages):
    """A spinner with the stage's name and a bar of cells; one plain line a stage where stderr is no terminal."""

    def __init__(self, name: str, *, quiet: bool = False) -> None:
        # A stranger named the file.
        self._name = one_line(name)
        self._console = Console(stderr=True, quiet=quiet, highlight=False)
        self._last = ""
        self._task: TaskID | None = None
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("[bold]{task.fields[name]}[/]", markup=True),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )

    def __enter__(self) -> TerminalProgress:
        if self._console.is_terminal:
            self._bar.start()
            self._task = self._bar.add_task("", total=None, name=self._name.replace("[", "\\["))
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._task is not None:
            self._bar.stop()

    def stage(self, name: str) -> None:
        if self._task is not None:
            self._bar.update(self._task, description=name, total=None, completed=0)
        elif name != self._last:
            self._console.print(f"{self._name}: {name}", markup=False)
        self._last = name

    def cells(self, done: int, total: int) -> None:
        if self._task is not None:
            self._bar.update(self._task, description="running the cells", completed=done, total=total)
        elif self._last != "running the cells":
            self._last = "running the cells"
            self._console.print(f"{self._name}: running {total} cells", markup=False)

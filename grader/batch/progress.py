"""How far a class is, on stderr: a bar with rate, time left and counts; plain lines where that is no terminal."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from grader.batch.grading import Watcher
from grader.batch.plan import Item
from grader.feedback.formats.text import ASCII_ICONS, ICONS, THEME
from grader.feedback.neutral import one_line
from grader.feedback.wording import points_text
from grader.results import Outcome, Report

__all__ = ["ClassProgress", "Tally"]

SHOWN = (Outcome.PASSED, Outcome.WARNED, Outcome.FAILED, Outcome.ERROR)


@dataclass
class Tally:
    """How far a class is, also where the work on it is stopped."""

    done: int = 0
    """Submissions that have a result, or an error."""
    total: int = 0
    errors: int = 0
    """Submissions on which the grader failed."""
    outdated: int = 0
    """Results of runs under other conditions than those of now."""
    otherwise: int = 0
    """Results by another rubric than that of now."""


class Rate(ProgressColumn):
    """Submissions in a minute."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed * 60:.0f}/min", style="soft")


class ClassProgress(Watcher):
    """Shows each result as it comes."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, theme=THEME)
        self._icons = ASCII_ICONS if self._console.options.ascii_only else ICONS
        self._counts = dict.fromkeys((outcome.value for outcome in SHOWN), 0)
        self._tally = Tally()
        self._bar = Progress(
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            Rate(),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            TextColumn("{task.fields[counts]}", markup=True),
            console=self._console,
            transient=True,
            # A notebook takes seconds: the last few of them say little about the others.
            speed_estimate_period=300,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> ClassProgress:
        return self

    def __exit__(self, *exc_info: object) -> None:
        # One that never began would leave an empty line.
        if self._bar.live.is_started:
            self._bar.stop()

    def begin(self, tally: Tally) -> None:
        """The plan is made.

        Args:
            tally: how far it is; kept up to date.
        """
        self._tally = tally
        self._task = self._bar.add_task("", total=tally.total, completed=tally.done, counts=self._told())
        if self._console.is_terminal:
            self._bar.start()

    def say(self, text: str) -> None:
        """A line for the reader; what a stranger wrote may be a part of it."""
        self._console.print(one_line(text), markup=False, soft_wrap=not self._console.is_terminal)

    def graded(self, item: Item, report: Report) -> None:
        outcome = report.outcome.value
        reused = ", same code as before" if any(note.kind == "reused" for note in report.notes) else ""
        score = f"{points_text(report.score)}/{points_text(report.max_score)}"
        self._advance(item, outcome, f"{outcome} {score}{reused}")

    def failed(self, item: Item, reason: str) -> None:
        self._tally.errors += 1
        self._advance(item, Outcome.ERROR.value, f"error: {reason}")

    def postponed(self, item: Item, reason: str) -> None:
        self.say(f"{item.owner.student}: to be tried once more, alone: {reason}")

    def _advance(self, item: Item, outcome: str, line: str) -> None:
        self._counts[outcome] = self._counts.get(outcome, 0) + 1
        self._tally.done += 1
        if self._task is not None:
            self._bar.update(self._task, completed=self._tally.done, counts=self._told())
        if not self._console.is_terminal:
            self.say(f"[{self._tally.done}/{self._tally.total}] {item.owner.student}: {line}")

    def _told(self) -> str:
        parts = [f"[{name}]{self._icons[name]} {count}[/]" for name, count in self._counts.items()]
        return " ".join(parts)

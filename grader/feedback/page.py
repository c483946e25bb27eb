"""What every template may use beside the report: the same words and groups in each format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from grader.evidence import Note
from grader.feedback.diagnosis import follows_from
from grader.feedback.wording import (
    environment_line,
    joined,
    outcome_word,
    points_text,
    tally,
)
from grader.results import CheckResult, Finding, Outcome, Report

__all__ = ["CheckView", "CodeLine", "Page", "code_lines"]

TOLD = "Something in the grader went wrong here. Staff have been told, and it costs you nothing."


@dataclass(frozen=True)
class CodeLine:
    """One line of an excerpt."""

    number: str
    """Of the line; ``+`` for a suggested one."""
    text: str
    kind: str
    """``hit``, ``add`` (suggested) or empty."""


def code_lines(finding: Finding) -> list[CodeLine]:
    """The code around a finding, and below the line it speaks of what to write in its place."""
    excerpt = finding.location.excerpt if finding.location else None
    if excerpt is None:
        return []
    # Without the indentation that all lines share, more of each fits a narrow screen.
    shared = min((len(line) - len(line.lstrip()) for line in excerpt.lines if line.strip()), default=0)
    lines = []
    for number, text in enumerate((line[shared:] for line in excerpt.lines), excerpt.first):
        lines.append(CodeLine(str(number), text, "hit" if number == excerpt.hit else ""))
        if number == excerpt.hit and finding.suggestion:
            # A suggestion stands in for the line as it is indented.
            margin = text[: len(text) - len(text.lstrip())]
            lines.extend(CodeLine("+", margin + line, "add") for line in finding.suggestion.strip().split("\n"))
    return lines


@dataclass(frozen=True)
class CheckView:
    """One check, with what its row shows."""

    result: CheckResult
    follows: str
    """Code of the check that shows the cause of this failure; empty where it is a cause itself."""

    @property
    def outcome(self) -> str:
        """``passed``, ``failed``, ``warned``, ``skipped`` or ``error``."""
        return self.result.outcome.value

    @property
    def word(self) -> str:
        """The outcome as a reader sees it."""
        return outcome_word(self.result)

    @property
    def points(self) -> str:
        """``2 / 2``; empty for a check without points."""
        if self.result.max_points <= 0:
            return ""
        return f"{points_text(self.result.points)} / {points_text(self.result.max_points)}"

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What to tell."""
        return self.result.findings

    @property
    def why(self) -> str:
        """*Why it matters*, as paragraphs put on one line each."""
        return "\n".join(" ".join(part.split()) for part in self.result.why.split("\n\n") if part.strip())

    @property
    def reason(self) -> str:
        """Why a check was skipped; a word of comfort where the grader erred; else empty."""
        if self.result.outcome is Outcome.ERROR:
            return TOLD
        if self.result.outcome is not Outcome.SKIPPED:
            return ""
        return " ".join(finding.message for finding in self.findings)

    @property
    def matters(self) -> bool:
        """Whether it has something to mend or to read."""
        return self.result.outcome in (Outcome.FAILED, Outcome.WARNED)


@dataclass(frozen=True)
class Page:
    """A report, as templates see it."""

    report: Report

    @cached_property
    def checks(self) -> tuple[CheckView, ...]:
        """All checks, in the assignment's order."""
        causes = follows_from(self.report.diagnoses, self.report.checks)
        return tuple(CheckView(check, causes.get(check.code, "")) for check in self.report.checks)

    @property
    def to_read(self) -> tuple[CheckView, ...]:
        """The checks that failed or warned."""
        return tuple(check for check in self.checks if check.matters)

    @property
    def score(self) -> str:
        """Points reached."""
        return points_text(self.report.score)

    @property
    def max_score(self) -> str:
        """Points that count."""
        return points_text(self.report.max_score)

    @property
    def tally(self) -> str:
        """How many checks failed."""
        return tally(self.report)

    @property
    def environment(self) -> str:
        """What ran the notebook."""
        return environment_line(self.report.submission.name, self.report.environment)

    @property
    def notes(self) -> tuple[Note, ...]:
        """Good to know; what is for staff alone (``integrity``, ``replay``) stays in `report.json`."""
        return tuple(note for note in self.report.notes if note.kind not in ("integrity", "replay"))

    def values(self) -> Mapping[str, object]:
        """The names that a template starts with."""
        return {"page": self, "report": self.report, "code_lines": code_lines, "joined": joined}

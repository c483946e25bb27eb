"""Evidence of a class -> reports: pure, and so as often as anybody likes."""

from __future__ import annotations

from dataclasses import dataclass

from grader.assignment import Assignment
from grader.checks import build_checks, run_checks
from grader.evidence import Evidence, Note
from grader.feedback.report import build_report
from grader.results import Report

__all__ = ["Owner", "Rubric"]

REUSED = (
    "The same code was run before, for this assignment and under the same conditions. What it showed then was used "
    "again; this notebook was not run anew."
)


@dataclass(frozen=True)
class Owner:
    """Whose evidence it is: what a report says of the file, which a run does not know."""

    name: str
    """The file's, as uploaded."""
    sha256: str
    student: str
    repairs: tuple[str, ...] = ()
    reused: bool = False


class Rubric:
    """An assignment, ready to score with.

    Args:
        assignment: what is asked for.

    Raises:
        AssignmentError: it asks for a check that there is not, or with parameters that are not allowed.
    """

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self._checks = build_checks(assignment.checks, str(assignment.folder / "assignment.toml"))

    def report(self, evidence: Evidence, owner: Owner) -> Report:
        """What there is to say about this evidence as this person's."""
        mine = owned(evidence, owner, self.assignment.slug)
        return build_report(mine, run_checks(mine, self._checks, self.assignment.policy), self.assignment)


def owned(evidence: Evidence, owner: Owner, slug: str) -> Evidence:
    """The evidence with its owner's name on it."""
    notes = [Note(kind="repair", text=text) for text in owner.repairs]
    if owner.reused:
        notes.append(Note(kind="reused", text=REUSED))
    notebook = evidence.notebook.model_copy(
        update={"name": owner.name, "sha256": owner.sha256, "student": owner.student}
    )
    return evidence.model_copy(update={"assignment": slug, "notebook": notebook, "notes": (*notes, *evidence.notes)})

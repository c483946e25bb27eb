"""Which assignment a notebook belongs to, when nobody says."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from nbformat import NotebookNode

from grader.assignment import Assignment
from grader.cells import parse_cell
from grader.errors import AssignmentError
from grader.submission import Submission

__all__ = ["recognise"]


def recognise(submission: Submission, assignments: Sequence[Assignment]) -> Assignment:
    """The assignment that the notebook names in its metadata, else the one most of whose names it defines.

    Raises:
        AssignmentError: none fits, or several fit equally well.
    """
    if not assignments:
        raise AssignmentError("No assignment can be found.", "Name its folder with -a.")
    named = submission.notebook.metadata.get("grader", {})
    slug = named.get("assignment") if isinstance(named, dict) else None
    for assignment in assignments:
        if assignment.slug == slug:
            return assignment
    scores = sorted(
        ((score(submission.notebook, a), a.slug, a) for a in assignments), reverse=True, key=lambda s: s[:2]
    )
    best = scores[0]
    if best[0] == 0 or (len(scores) > 1 and scores[1][0] == best[0]):
        known = ", ".join(sorted(a.slug for a in assignments))
        raise AssignmentError(
            f"{submission.path}: it does not show which assignment it belongs to.", f"Name one with -a: {known}."
        )
    return best[2]


def score(notebook: NotebookNode, assignment: Assignment) -> int:
    """How much of the assignment's marks the notebook bears."""
    defined: set[str] = set()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            defined |= defined_names(cell.source)
    points = len(defined.intersection(assignment.recognise.names))
    text = " ".join(cell.source for cell in notebook.cells[:5] if cell.cell_type == "markdown").lower()
    if assignment.recognise.title and assignment.recognise.title.lower() in text:
        points += 1
    return points


def defined_names(source: str) -> set[str]:
    """Functions that a cell defines and variables that it assigns."""
    tree = parse_cell(source)
    if tree is None:
        return set()
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return names | {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }

"""What people see of a class: a page for each student, the annotated notebook, and the index of all."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime, timedelta, timezone
from pathlib import Path

from nbformat import NotebookNode
from rich.console import Console

from grader.assignment import Assignment
from grader.batch.gradebook import Gradebook, Row
from grader.batch.pages import class_page, write, write_feedback
from grader.batch.store import Store
from grader.batch.store.results import last_changes
from grader.batch.store.runs import notebook_of

__all__ = ["FEEDBACK", "INDEX", "publish"]

FEEDBACK = "feedback"
INDEX = "index.html"


def publish(store: Store, gradebook: Gradebook, assignment: Assignment) -> None:
    """Write whatever is missing, or older than what it tells of. After a kill the next call makes up for it.

    Args:
        store: of the class.
        gradebook: what it holds.
        assignment: whose templates go before the grader's.

    Raises:
        GraderError: a file cannot be written.
    """
    folder = store.folder / FEEDBACK
    with store.session() as session:
        changes = last_changes(session)

    def outdated(row: Row, path: Path) -> bool:
        return written(path) < changes.get(row.student.key, datetime.max.replace(tzinfo=timezone.utc))

    def notebook(row: Row) -> NotebookNode | None:
        with store.session() as session:
            return notebook_of(session, row.student.key)

    console = Console(stderr=True)
    # Alive on a terminal, nothing elsewhere: a page takes a moment, and there may be thousands.
    with console.status("writing feedback") if console.is_terminal else nullcontext():
        links = write_feedback(gradebook, folder, notebook, assignment.templates, outdated)
    page = class_page(gradebook, {key: f"{FEEDBACK}/{name}" for key, name in links.items()}, assignment.templates)
    write(store.folder / INDEX, page)


def written(path: Path) -> datetime:
    """When a file was written; what is kept of changes is to the second, so the second counts as not over."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, timezone.utc) - timedelta(seconds=1)
    except OSError:
        return datetime.min.replace(tzinfo=timezone.utc)

"""The folder that one run happens in."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grader.assignment import Assignment

__all__ = ["Workspace", "workspace"]


@dataclass(frozen=True)
class Workspace:
    """Folders of one run.

    Args:
        root: holds all the others; removed after the run.
        work: where the notebook runs, with the assignment's files in it.
        evidence: where the recorder writes.
        home: the kernel's home, with its settings and temporary files.
    """

    root: Path
    work: Path
    evidence: Path
    home: Path


@contextmanager
def workspace(assignment: Assignment) -> Iterator[Workspace]:
    """A fresh work folder with copies of the assignment's files; gone afterwards."""
    # Resolved, because a link in the path (macOS: /tmp) would make the student's own files look foreign.
    root = Path(tempfile.mkdtemp(prefix="grader-")).resolve()
    try:
        folders = Workspace(root, root / "work", root / "evidence", root / "home")
        folders.work.mkdir()
        folders.evidence.mkdir()
        (folders.home / "tmp").mkdir(parents=True)
        source = assignment.folder / assignment.files.dataset
        # Copies, so that nothing a notebook does to its files reaches the next one.
        shutil.copytree(source, folders.work / source.name)
        if assignment.files.support:
            shutil.copytree(
                assignment.folder / assignment.files.support,
                folders.work,
                dirs_exist_ok=True,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
        yield folders
    finally:
        shutil.rmtree(root, ignore_errors=True)

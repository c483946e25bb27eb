"""The folder that one run happens in."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grader.assignment import Assignment
from grader.run.locks import LOCK, take_lock

__all__ = ["Workspace", "remove_forgotten", "work_files", "workspace"]


PREFIX = "grader-"
TAKEN = "taken"
FOLDERS = ("work", "home", "evidence", "inbox", "sockets", TAKEN)


@dataclass(frozen=True)
class Workspace:
    """Folders of one run.

    Args:
        root: holds all the others; removed after the run.
        evidence: what was taken home of the recorder's files, once the run is over.
    """

    root: Path
    evidence: Path


@contextmanager
def workspace() -> Iterator[Workspace]:
    """A fresh folder for one run; gone afterwards."""
    remove_forgotten()
    # Resolved, because a link in the path (macOS: /tmp) would make the student's own files look foreign.
    root = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    lock = take_lock(root / LOCK)
    try:
        for name in FOLDERS:
            (root / name).mkdir()
        yield Workspace(root, root / TAKEN)
    finally:
        shutil.rmtree(root, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def work_files(assignment: Assignment) -> tuple[tuple[str, str], ...]:
    """What a work folder begins with: copies, so that nothing a notebook does to its files reaches the next one.

    Returns:
        Each file or folder with its name in the work folder.
    """
    dataset = assignment.folder / assignment.files.dataset
    files = [(str(dataset), dataset.name)]
    if assignment.files.support:
        support = assignment.folder / assignment.files.support
        files += [(str(path), path.name) for path in sorted(support.iterdir()) if path.name != "__pycache__"]
    return tuple(files)


def remove_forgotten() -> None:
    """Remove the folders of graders that were killed before they could do it themselves: nobody holds their locks."""
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        held = take_lock(lock)
        if held is not None:
            shutil.rmtree(lock.parent, ignore_errors=True)
            os.close(held)

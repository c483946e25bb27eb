"""Asking the kernel, after the last cell, to probe the model under test."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from grader.assignment import Assignment
from grader.run.enclosure import Enclosure

__all__ = ["SECONDS", "copy_images", "hidden_images", "prepare", "probe_code"]

SECONDS = {"accuracy": 300.0}
"""Wall time that a probe may take; 60 s for those that are not named."""
IMAGES = 8
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif")


def prepare(assignment: Assignment, enclosure: Enclosure, probes: frozenset[str]) -> str:
    """Put the images and the request where the kernel reads them.

    Only now, when the notebook's cells are through, do hidden images come near it; and without their labels: they
    are named by number, in an order that only the assignment's folder tells.

    Returns:
        The request's file, as the kernel finds it.
    """
    inbox, inside = Path(enclosure.host.inbox), enclosure.places.inbox
    hidden = inbox / "hidden"
    hidden.mkdir(exist_ok=True)
    copy_images(assignment, inbox / "probe")
    if "accuracy" in probes and assignment.files.hidden:
        for number, path in enumerate(hidden_images(assignment)):
            shutil.copy(path, hidden / f"{number:04}{path.suffix.lower()}")
    facts: dict[str, Any] = {"probes": sorted(probes), "images": f"{inside}/probe", "hidden": f"{inside}/hidden"}
    (inbox / "probe.json").write_text(json.dumps(facts), encoding="utf-8")
    return f"{inside}/probe.json"


def copy_images(assignment: Assignment, folder: Path) -> None:
    """Some of the assignment's images, of each class in turn, named by number."""
    folder.mkdir(exist_ok=True)
    for number, path in enumerate(in_turn(assignment.folder / assignment.files.dataset)[:IMAGES]):
        shutil.copy(path, folder / f"{number:04}{path.suffix.lower()}")


def hidden_images(assignment: Assignment) -> list[Path]:
    """The assignment's hidden images in the order in which they are numbered."""
    folder = assignment.folder / assignment.files.hidden
    # Not class by class: the order must not tell what is what.
    return sorted(
        in_turn(folder), key=lambda path: hashlib.sha256(path.relative_to(folder).as_posix().encode()).digest()
    )


def in_turn(folder: Path) -> list[Path]:
    """The images in the sub-folders of a folder, of each class in turn."""
    by_class = [
        sorted(path for path in sub.iterdir() if path.suffix.lower() in ENDINGS)
        for sub in sorted(folder.iterdir())
        if sub.is_dir()
    ]
    longest = max((len(paths) for paths in by_class), default=0)
    return [paths[index] for index in range(longest) for paths in by_class if index < len(paths)]


def probe_code(request: str) -> str:
    """What the kernel executes."""
    return f"__import__('grader.run.recorder.probe', fromlist=['answer']).answer({request!r})"

"""Content hashes: the same code under the same conditions shows the same, and need not be run again."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

import grader
from grader.assignment import Assignment
from grader.checks import all_checks
from grader.grade import Options
from grader.weights import WeightsStore

__all__ = ["changed", "code_hash", "conditions_of", "folder_hash", "rubric_hash", "run_key", "versions"]

PACKAGE = Path(grader.__file__).resolve().parent
SHOWS = ("run", "examine", "weights")
"""Packages of the grader that decide what a run shows; checks and feedback do not."""
SHOWS_MODULES = ("evidence*.py", "grade.py", "replaying.py", "submission.py", "cells.py", "assignment.py")
JUDGES = ("checks", "feedback")
"""Packages that decide what is made of it."""
IGNORED = ("__pycache__", ".ipynb_checkpoints", ".DS_Store")


def digest(value: Any) -> str:
    """SHA-256 of anything that can be written as JSON, hexadecimal."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def code_hash(notebook: NotebookNode) -> str:
    """Of what a notebook does: the sources of its cells in their order, with what nbgrader says of them.

    Outputs, counts, identifiers and all other metadata make no difference.
    """
    return digest([[cell.cell_type, cell.source, cell.metadata.get("nbgrader")] for cell in notebook.cells])


def files_of(folder: Path) -> list[Path]:
    """All files below a folder, in an order that hangs on their names alone."""
    found = (path for path in folder.rglob("*") if path.is_file() and not set(path.parts) & set(IGNORED))
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def folder_hash(folder: Path, files: Iterable[Path] | None = None) -> str:
    """Of the names and bytes of a folder's files."""
    total = hashlib.sha256()
    for path in files_of(folder) if files is None else files:
        name = path.relative_to(folder).as_posix()
        with path.open("rb") as file:
            content = hashlib.sha256()
            while block := file.read(1 << 20):
                content.update(block)
        total.update(f"{name}\0{content.hexdigest()}\n".encode())
    return total.hexdigest()


@lru_cache(maxsize=2)
def sources_hash(packages: tuple[str, ...], modules: tuple[str, ...] = ()) -> str:
    """Of the grader's own code in these packages and modules."""
    files = [path for name in packages for path in sorted((PACKAGE / name).rglob("*")) if path.suffix in (".py", ".j2")]
    files += [path for pattern in modules for path in sorted(PACKAGE.glob(pattern))]
    return folder_hash(PACKAGE, files)


def versions() -> dict[str, str]:
    """What runs notebooks here: the grader, its code, and the packages that matter."""
    return {
        "grader": f"{grader.__version__} {sources_hash(SHOWS, SHOWS_MODULES)[:12]}",
        "python": platform.python_version(),
        **{name: version(name) for name in ("tensorflow", "keras", "tf-keras")},
    }


def conditions_of(assignment: Assignment, options: Options, store: WeightsStore) -> dict[str, Any]:
    """All that decides, beside the code, what a run shows. Points and parameters of checks do not.

    The store must have the base's weights by now (`WeightsStore.ensure`).
    """
    base = assignment.base
    checks = all_checks()
    asked = [spec.code for spec in assignment.checks if spec.code in checks]
    return {
        **versions(),
        "settings": digest(assignment.model_dump(mode="json", include={"base", "files", "limits"})),
        "keras option": options.keras or assignment.keras,
        "training": options.training or assignment.training,
        "replay": options.replay or assignment.replay,
        "probes": sorted({probe for code in asked for probe in checks[code].probes}),
        "starter": folder_hash(assignment.folder, [assignment.starter]),
        **{
            name: folder_hash(assignment.folder / inside)
            for name in ("dataset", "hidden", "support")
            if (inside := getattr(assignment.files, name))
        },
        "weights": digest(
            [(record.file, record.sha256) for record in store.list() if record.application == base.application]
        ),
    }


def run_key(code: str, conditions: dict[str, Any]) -> str:
    """What a run is known by."""
    return digest([code, conditions])


def rubric_hash(assignment: Assignment) -> str:
    """Of what decides how evidence is scored: points, parameters, policy, and the code of the checks."""
    return digest(
        [
            assignment.model_dump(mode="json", include={"title", "policy", "checks"}),
            sources_hash(JUDGES, ("results.py", "policy.py")),
        ]
    )


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Names of the conditions that are not the same."""
    return [name for name in {**before, **after} if before.get(name) != after.get(name)]

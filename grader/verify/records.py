"""What came of the last verification, a line of JSON a notebook: whoever reads it need not run one again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from filelock import FileLock
from pydantic import ValidationError

from grader.errors import GraderError
from grader.evidence import Evidence, Frozen
from grader.results import Outcome, Report
from grader.verify.cases import Case

__all__ = ["Record", "Records", "default_records", "digest", "record_of"]


class Record(Frozen):
    """One notebook graded on one Keras."""

    schema_version: Literal[1] = 1
    assignment: str
    """Slug."""
    name: str
    """Of the variant; ``solution`` or ``starter`` otherwise."""
    keras: Literal["2", "3"]
    as_declared: bool
    outcomes: dict[str, Outcome]
    """By code, in the assignment's order."""
    findings: dict[str, tuple[str, ...]] = {}
    """Messages of the checks that have any."""
    score: float
    max_score: float
    timing: dict[str, float] = {}
    """Wall seconds by stage."""
    evidence: Evidence
    """What the checks judged: with it, they can judge again."""

    @property
    def key(self) -> tuple[str, Literal["2", "3"]]:
        """As `Case.key`."""
        return self.name, self.keras

    @property
    def failed(self) -> frozenset[str]:
        """Codes of the checks that failed."""
        return frozenset(code for code, outcome in self.outcomes.items() if outcome is Outcome.FAILED)

    def is_of(self, case: Case) -> bool:
        """Whether it tells of this very notebook, as it is now."""
        return self.evidence.notebook.sha256 == digest(case.path)


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def default_records(reference: Path) -> Path:
    """Where the records of a reference's folder are kept if nothing else is said."""
    return reference.resolve().parent.parent / "build" / "verify"


def record_of(case: Case, report: Report, evidence: Evidence, *, as_declared: bool) -> Record:
    """What is kept of a graded notebook."""
    return Record(
        assignment=case.assignment.slug,
        name=case.name,
        keras=case.keras,
        as_declared=as_declared,
        outcomes={check.code: check.outcome for check in report.checks},
        findings={check.code: tuple(f.message for f in check.findings) for check in report.checks if check.findings},
        score=report.score,
        max_score=report.max_score,
        timing=evidence.timing,
        evidence=evidence,
    )


class Records:
    """A folder with one file of records for each assignment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, slug: str) -> Path:
        """The file of an assignment."""
        return self.folder / f"{slug}.jsonl"

    def of(self, slug: str) -> dict[tuple[str, Literal["2", "3"]], Record]:
        """The records of an assignment by name and Keras; empty where there are none.

        A line that another version of the grader wrote, and that this one cannot read, is as good as none.
        """
        try:
            lines = self.path(slug).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return {}
        records = (readable(line) for line in lines)
        return {record.key: record for record in records if record is not None}

    def add(self, record: Record) -> None:
        """Put this in place of an earlier one of the same notebook on the same Keras.

        Raises:
            GraderError: the folder cannot be written.
        """
        path = self.path(record.assignment)
        # Appended, and so kept if the run is stopped; `of` goes by the last line of each notebook.
        with self._writing(path), path.open("a", encoding="utf-8") as file:
            file.write(f"{record.model_dump_json()}\n")

    def tidy(self, slug: str) -> None:
        """Drop the lines that later ones replace."""
        path = self.path(slug)
        with self._writing(path):
            partial = path.with_suffix(".part")
            lines = (f"{record.model_dump_json()}\n" for record in self.of(slug).values())
            partial.write_text("".join(lines), encoding="utf-8")
            os.replace(partial, path)

    @contextmanager
    def _writing(self, path: Path) -> Iterator[None]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{path}.lock"):
                yield
        except OSError as exc:
            raise GraderError(
                f"{path}: cannot be written: {exc.strerror}.", "Name another folder with --records."
            ) from exc


def readable(line: str) -> Record | None:
    """The record of a line, if it is one."""
    try:
        return Record.model_validate_json(line)
    except ValidationError:
        return None

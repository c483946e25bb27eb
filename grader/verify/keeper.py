"""Keeps the records of a verification as they come in, and sums up. Lives in the process that prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import GraderError
from grader.verify.agreement import agreement
from grader.verify.records import Record, Records

__all__ = ["Keeper"]


class Keeper:
    """Keeps the records as they come in, and sums up."""

    def __init__(self) -> None:
        self.seen: dict[str, list[Record]] = {}
        """By folder."""
        self.broken = 0
        """Notebooks that the grader could not grade."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A notebook is done."""
        if report.when == "call" and hasattr(report, "verify_record"):
            self.broken += report.verify_broken
            if report.verify_record:
                record = Record.model_validate_json(report.verify_record)
                self.seen.setdefault(report.verify_folder, []).append(record)
                try:
                    Records(Path(report.verify_folder)).add(record)
                except GraderError as error:
                    pytest.exit(str(error), returncode=2)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """All notebooks are done."""
        for folder, records in self.seen.items():
            for slug in sorted({record.assignment for record in records}):
                Records(Path(folder)).tidy(slug)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """What is left to read."""
        for folder, records in self.seen.items():
            good = sum(record.as_declared for record in records)
            terminalreporter.write_line(f"{good} of {len(records)} notebooks as declared; the records are in {folder}")
            for line in agreement(records):
                terminalreporter.write_line(line)

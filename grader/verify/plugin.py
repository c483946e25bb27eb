"""pytest collects `variants.toml`: one item for each notebook of a reference on each Keras.

    pytest -p grader.verify.plugin reference/ -k "training-flag and keras3"

`grader verify` is this with its own command line. What came of every notebook is kept in `build/verify` beside the
folder of references (`--verify-records` names another one).
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, get_args

import pytest

from grader.checks import build_checks, run_checks
from grader.errors import GraderError
from grader.evidence import Evidence
from grader.feedback.report import build_report
from grader.grade import Options, gather_evidence
from grader.results import Report
from grader.run.kernel import KernelStarter, best_for
from grader.submission import load_submission
from grader.verify.agreement import judge_replay
from grader.verify.cases import Case, cases_of
from grader.verify.keeper import Keeper
from grader.verify.layout import mismatch_text
from grader.verify.recorded import read_recorded
from grader.verify.records import Record, Records, default_records, record_of
from grader.verify.variants import FILE, Flavour, load_reference
from grader.verify.verdict import judge

__all__ = ["NotAsDeclaredError", "NotebookItem", "VariantsFile"]


class NotAsDeclaredError(Exception):
    """The grader's word on a notebook is not what is declared of it; the text is all there is to say."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of its own."""
    group = parser.getgroup("grader verify")
    group.addoption("--verify-records", metavar="FOLDER", default="", help="keep the reports here")
    group.addoption(
        "--verify-fresh",
        metavar="N",
        type=int,
        default=1,
        help="run one in N of a reference's variants, and judge the others on the evidence recorded beside them",
    )
    group.addoption(
        "--verify-replay",
        action="store_true",
        help="rebuild and measure every model too; it must agree with what the recorder saw",
    )
    group.addoption(
        "--verify-kept",
        action="store_true",
        help="judge what is kept of the last run again, and run only notebooks that have changed since",
    )


def pytest_configure(config: pytest.Config) -> None:
    """The process that prints also keeps the records."""
    if not hasattr(config, "workerinput") and not any(
        isinstance(p, Keeper) for p in config.pluginmanager.get_plugins()
    ):
        config.pluginmanager.register(Keeper())


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> VariantsFile | None:
    """Every `variants.toml`."""
    if file_path.name != FILE:
        return None
    # The slug says more than a path, and stays the same from wherever it is run.
    collector: VariantsFile = VariantsFile.from_parent(parent, path=file_path, nodeid=file_path.resolve().parent.name)
    return collector


def option(config: pytest.Config, name: str) -> Any:
    """An option; its default where this plugin was loaded too late for the command line to have it."""
    return config.getoption(name, default="") or ""


@functools.cache
def kernels() -> KernelStarter:
    """Shared by all items of a process."""
    return best_for(notebooks=2)


def evidence_of(case: Case, *, replay: bool) -> Evidence:
    """Run the notebook; without a replay unless that is what is verified: it takes as long again."""
    options = Options(keras=case.keras, replay="always" if replay else "never")
    return gather_evidence(load_submission(case.path), case.assignment, options, starter=kernels())[0]


def report_on(case: Case, evidence: Evidence) -> Report:
    """What the checks say of the evidence, now."""
    assignment = case.assignment
    checks = build_checks(assignment.checks, str(assignment.folder / "assignment.toml"))
    return build_report(evidence, run_checks(evidence, checks, assignment.policy), assignment)


def is_fresh(case: Case, share: int) -> bool:
    """Whether this notebook is one of the one in `share` that are run: by its name, and on the Kerases in turn."""
    turn = zlib.crc32(case.name.encode()) + get_args(Flavour).index(case.keras)
    return case.kind != "variant" or turn % share == 0


class VariantsFile(pytest.File):
    """One reference."""

    def collect(self) -> Iterable[pytest.Item]:
        """Its notebooks on each Keras."""
        reference = load_reference(self.path.parent)
        records = Records(Path(option(self.config, "verify_records") or default_records(self.path.parent)))
        kept = records.of(reference.slug) if option(self.config, "verify_kept") else {}
        share = option(self.config, "verify_fresh") or 1
        recorded = read_recorded(reference) if share > 1 else {}
        replay = bool(option(self.config, "verify_replay"))
        for case in cases_of(reference):
            record = kept.get(case.key) or (None if is_fresh(case, share) else recorded.get(case.key))
            usable = record if record is not None and record.is_of(case) else None
            if replay and usable is not None and usable.evidence.base and usable.evidence.replay is None:
                usable = None
            yield NotebookItem.from_parent(self, name=case.id, case=case, records=records, kept=usable)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """A mistake in the declarations is one line."""
        return str(excinfo.value) if isinstance(excinfo.value, GraderError) else super().repr_failure(excinfo)


class NotebookItem(pytest.Item):
    """One notebook on one Keras."""

    def __init__(self, *, case: Case, records: Records, kept: Record | None, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.case = case
        self.records = records
        self.kept = kept
        self.record: Record | None = None

    def runtest(self) -> None:
        """Grade it and compare."""
        replay = bool(option(self.config, "verify_replay"))
        evidence = self.kept.evidence if self.kept else evidence_of(self.case, replay=replay)
        report = report_on(self.case, evidence)
        mismatches = [*judge(self.case, report), *judge_replay(evidence)]
        self.record = record_of(self.case, report, evidence, as_declared=not mismatches)
        if mismatches:
            raise NotAsDeclaredError(mismatch_text(self.case, report, mismatches))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """No traceback for what is no bug of the grader's."""
        if isinstance(excinfo.value, NotAsDeclaredError | GraderError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """The headline of a failure."""
        return self.path, None, f"{self.case.assignment.slug}: {self.case.name} on Keras {self.case.keras}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Send along what is to be kept: from a worker, only what is in the report arrives."""
    report = yield
    if isinstance(item, NotebookItem) and call.when == "call":
        known = call.excinfo is None or isinstance(call.excinfo.value, NotAsDeclaredError | pytest.skip.Exception)
        report.verify_broken = not known
        report.verify_folder = str(item.records.folder)
        report.verify_record = item.record.model_dump_json() if item.record else ""
    return report

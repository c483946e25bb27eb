"""Evidence and results -> the one `Report` that every format is laid out from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grader.assignment import Assignment
from grader.checks import all_checks
from grader.evidence import Evidence, Phase
from grader.feedback.diagnosis import diagnose
from grader.feedback.summary import summarise
from grader.results import (
    CheckResult,
    Excerpt,
    Finding,
    Location,
    Outcome,
    PhaseSummary,
    Report,
    SubmissionInfo,
)

__all__ = ["asked_start", "build_report", "overall_outcome"]

CONTEXT = 2
"""Lines shown before and after the line that a finding speaks of."""


def build_report(evidence: Evidence, results: Sequence[CheckResult], assignment: Assignment) -> Report:
    """Put together what there is to say about one submission. Pure.

    Args:
        evidence: what is known of the run.
        results: the word of every check, in the assignment's order; points are taken as they are.
        assignment: the assignment it was judged under.

    Returns:
        The report, with an excerpt of the code at every finding that names a line of a known cell.
    """
    checks = tuple(with_excerpts(result, evidence.sources) for result in results)
    diagnoses = diagnose(evidence, checks)
    return Report(
        assignment=evidence.assignment or assignment.slug,
        assignment_title=assignment.title,
        submission=SubmissionInfo(
            name=evidence.notebook.name,
            sha256=evidence.notebook.sha256,
            student=evidence.notebook.student,
            trained_sha256=evidence.trained_sha256,
        ),
        outcome=overall_outcome(checks),
        score=sum(check.points for check in checks),
        max_score=sum(check.max_points for check in checks),
        summary=summarise(evidence, checks, diagnoses),
        checks=checks,
        diagnoses=diagnoses,
        notes=evidence.notes,
        phases=tuple(summary_of(phase) for phase in evidence.phases),
        replay=evidence.replay,
        base=evidence.base,
        asked_start=asked_start(assignment),
        environment=evidence.environment,
        timing=evidence.timing,
    )


def overall_outcome(checks: Sequence[CheckResult]) -> Outcome:
    """The outcome of a submission, as `Report.outcome` defines it."""
    outcomes = {check.outcome for check in checks}
    unassessed = any(check.outcome is Outcome.SKIPPED and check.max_points > 0 for check in checks)
    if Outcome.ERROR in outcomes:
        return Outcome.ERROR
    if Outcome.FAILED in outcomes or unassessed:
        return Outcome.FAILED
    return Outcome.WARNED if Outcome.WARNED in outcomes else Outcome.PASSED


def asked_start(assignment: Assignment) -> int | None:
    """The first base layer that the assignment's TL202 asks to train; None where it asks for no fine-tuning."""
    spec = next((spec for spec in assignment.checks if spec.code == "TL202"), None)
    if spec is None:
        return None
    parameters = all_checks()["TL202"].Parameters.model_validate(spec.parameters)
    return int(parameters.model_dump()["start"])


def summary_of(phase: Phase) -> PhaseSummary:
    """What a reader wants to know of a phase."""
    return PhaseSummary(
        index=phase.index,
        role=phase.role,
        cell=phase.place.cell if phase.place else None,
        trainable_layers=phase.trainable,
        moved_layers=phase.moved,
        drifted_layers=tuple(drift.layer for drift in phase.drift),
        drift=phase.drift,
        learning_rate=phase.learning_rate,
        loss=phase.loss_value,
    )


def with_excerpts(result: CheckResult, sources: Mapping[int, str]) -> CheckResult:
    """The result with the student's code attached to those of its findings that name a line."""
    findings = tuple(illustrated(finding, sources) for finding in result.findings)
    return result if findings == result.findings else result.model_copy(update={"findings": findings})


def illustrated(finding: Finding, sources: Mapping[int, str]) -> Finding:
    """The finding with an excerpt, where it names a line that is known."""
    location = finding.location
    if location is None or location.line is None or location.excerpt is not None:
        return finding
    excerpt = excerpt_of(sources.get(location.cell, ""), location.line)
    if excerpt is None:
        return finding
    shown = Location(cell=location.cell, line=location.line, excerpt=excerpt)
    return finding.model_copy(update={"location": shown})


def excerpt_of(source: str, line: int) -> Excerpt | None:
    """The line (from 1) with `CONTEXT` lines on either side; None where the source has no such line."""
    lines = source.split("\n")
    if not source or not 1 <= line <= len(lines):
        return None
    first = max(1, line - CONTEXT)
    return Excerpt(first=first, lines=tuple(lines[first - 1 : line + CONTEXT]), hit=line)

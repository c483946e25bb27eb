"""What the checks say, and the one Report that every format is laid out from."""

from __future__ import annotations

from enum import Enum

from grader.evidence import Base, Drift, Environment, Frozen, Note, Replay

__all__ = [
    "CheckResult",
    "Diagnosis",
    "Excerpt",
    "Finding",
    "Location",
    "Outcome",
    "PhaseSummary",
    "Report",
    "SubmissionInfo",
]


class Outcome(str, Enum):
    """pytest's words."""

    PASSED = "passed"
    FAILED = "failed"
    WARNED = "warned"
    """Costs nothing, but should be read."""
    SKIPPED = "skipped"
    """Not assessed; the finding names what was in the way."""
    ERROR = "error"
    """The grader's own fault: never costs a point, always shown to staff."""


class Excerpt(Frozen):
    """A few lines of the student's code around a finding."""

    first: int
    """Number of the first line, from 1."""
    lines: tuple[str, ...]
    hit: int | None = None
    """Number of the line that the finding speaks of."""


class Location(Frozen):
    """Where in the notebook a finding points."""

    cell: int
    """From 1 over all cells."""
    line: int | None = None
    """From 1 within the cell."""
    excerpt: Excerpt | None = None


class Finding(Frozen):
    """One thing to tell the student. Text in `backticks` is code, in every format."""

    message: str
    """What was observed, as a sentence."""
    expected: str = ""
    observed: str = ""
    location: Location | None = None
    fix: str = ""
    """The remedy, as an imperative sentence."""
    suggestion: str = ""
    """Code to write in place of the line at `location`; empty where no single line mends it."""


class CheckResult(Frozen):
    """The word of one check."""

    code: str
    name: str
    title: str
    outcome: Outcome
    points: float
    max_points: float
    """0 where nothing could be judged through no fault of the student's (not applicable, grader's error)."""
    findings: tuple[Finding, ...] = ()
    why: str = ""
    """The check's *Why it matters*, for whoever lays the report out."""


class Diagnosis(Frozen):
    """The one mistake behind several findings, explained."""

    code: str
    """A short permanent slug, e.g. ``training-flag-forgotten``."""
    title: str
    explanation: str
    checks: tuple[str, ...]
    """Codes of the checks that it accounts for."""
    counterfactual: str = ""
    """What would have been measured without the mistake; empty where it was not measured."""


class PhaseSummary(Frozen):
    """What a reader wants to know of one phase of training."""

    index: int
    role: str
    """``head``, ``fine-tuning`` or ``other``."""
    cell: int | None
    """Cell that started it, from 1."""
    trainable_layers: tuple[int, ...]
    """Indices of the base layers that this phase could train, as compiled."""
    moved_layers: tuple[int, ...]
    """Indices of the base layers whose trainable weights changed."""
    drifted_layers: tuple[int, ...]
    """Indices of the base layers whose moving statistics changed."""
    drift: tuple[Drift, ...] = ()
    """How far, for each of `drifted_layers`."""
    learning_rate: float | None = None
    loss: float | None = None
    """The training loss as reported last."""


class SubmissionInfo(Frozen):
    """Who handed in what."""

    name: str
    sha256: str
    student: str = ""
    trained_sha256: str = ""
    """Of the weights that training changed; empty: none were, or it is not known."""


class Report(Frozen):
    """Everything there is to say about one submission. `report.json` is this record."""

    schema_version: int = 1
    assignment: str
    """Slug."""
    assignment_title: str
    submission: SubmissionInfo
    outcome: Outcome
    """``error`` if any check erred, else ``failed`` if any failed or any check worth points was skipped
    without being inapplicable, else ``warned`` if any warned, else ``passed``."""
    score: float
    max_score: float
    summary: str
    """One sentence that sums up."""
    checks: tuple[CheckResult, ...]
    diagnoses: tuple[Diagnosis, ...] = ()
    notes: tuple[Note, ...] = ()
    phases: tuple[PhaseSummary, ...] = ()
    replay: Replay | None = None
    """Outcomes: what the grader measured itself on the rebuilt model. None where it did not. All else that is said of
    training is a matter of process, and rests on what the notebook's own process recorded."""
    base: Base | None = None
    """For the picture of the layers."""
    asked_start: int | None = None
    """First base layer that the assignment asks to fine-tune."""
    environment: Environment
    timing: dict[str, float] = {}

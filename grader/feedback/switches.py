"""*Two switches, not one*: `trainable` and `training` as a table, with the student's own phases in it.

What a cell says in general was measured on each Keras; where a phase of the student's falls into the cell,
what was measured on that phase is what counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grader.evidence import Base
from grader.feedback.wording import drift_text, plural, version_text
from grader.results import Outcome, PhaseSummary, Report

__all__ = ["PhaseInCell", "Switches", "SwitchesCell", "switches_table"]

FROZEN, UNFROZEN = 0, 1
GIVEN, LEFT_OUT = 0, 1


@dataclass(frozen=True)
class PhaseInCell:
    """One of the student's phases."""

    label: str
    """``your phase 2``."""
    measured: str
    """What was measured; `backticks` are code."""
    tone: Literal["calm", "bad", "warn"]


@dataclass(frozen=True)
class SwitchesCell:
    """One combination of the two switches."""

    weights: str
    """``stay`` or ``learn``."""
    statistics: str
    """``stay`` or ``move``."""
    asked: str
    """Which phase the assignment asks to be like this; may be empty."""
    phases: tuple[PhaseInCell, ...]

    @property
    def tone(self) -> str:
        """The gravest tone of its phases; empty where none is here."""
        tones = {phase.tone for phase in self.phases}
        return next((tone for tone in ("bad", "warn", "calm") if tone in tones), "")


@dataclass(frozen=True)
class Switches:
    """The table: `cells[row][column]`, rows frozen and unfrozen, columns with `training=False` and without."""

    columns: tuple[str, str]
    """Headings; `backticks` are code."""
    rows: tuple[str, str]
    column: int
    """The column that the student's call of the base falls in."""
    place: str
    """``your cell 7, line 12``; empty where it is not known."""
    cells: tuple[tuple[SwitchesCell, SwitchesCell], tuple[SwitchesCell, SwitchesCell]]


def switches_table(report: Report) -> Switches | None:
    """The table of a report; None where the base has no BatchNorm, or nothing was trained."""
    base = report.base
    if base is None or not report.phases or not any(layer.is_batchnorm for layer in base.layers):
        return None
    given = bool(base.calls) and all(call.training == "false" for call in base.calls)
    column = GIVEN if given else LEFT_OUT
    cells = tuple(
        tuple(cell_of(report, base, row, place, column) for place in (GIVEN, LEFT_OUT)) for row in (FROZEN, UNFROZEN)
    )
    return Switches(
        columns=("base called with `training=False`", other_heading(base)),
        rows=("`trainable = False`", "`trainable = True`"),
        column=column,
        place=call_place(base, given),
        cells=cells,  # type: ignore[arg-type]  # two by two, as built
    )


def other_heading(base: Base) -> str:
    """Heading of the second column, in the form that the student used."""
    if any(call.training == "true" for call in base.calls):
        return "base called with `training=True`"
    return "base's layers used without a call" if base.style == "flattened" else "base called without it"


def call_place(base: Base, given: bool) -> str:
    """Where the call that decides the column is."""
    deciding = [call for call in base.calls if (call.training == "false") == given]
    place = next((call.place for call in deciding if call.place), None)
    if place is None:
        return ""
    return f"your cell {place.cell}, line {place.line}" if place.line else f"your cell {place.cell}"


def cell_of(report: Report, base: Base, row: int, place: int, own_column: int) -> SwitchesCell:
    """One cell, with the phases that fall into it."""
    here = [
        phase for phase in report.phases if place == own_column and bool(phase.trainable_layers) == (row == UNFROZEN)
    ]
    moves = row == UNFROZEN and place == LEFT_OUT
    if here:
        moves = any(phase.drift for phase in here)
    codes = {check.code for check in report.checks}
    asked = ""
    if place == GIVEN and row == FROZEN and "TL101" in codes:
        asked = "what the assignment asks for in phase 1"
    if place == GIVEN and row == UNFROZEN and "TL202" in codes:
        asked = "what the assignment asks for in phase 2"
    return SwitchesCell(
        weights="learn" if row == UNFROZEN else "stay",
        statistics="move" if moves else "stay",
        asked=asked,
        phases=tuple(phase_in_cell(report, base, phase, row, place) for phase in here),
    )


def phase_in_cell(report: Report, base: Base, phase: PhaseSummary, row: int, place: int) -> PhaseInCell:
    """What was measured in a phase, and what it means."""
    label = f"your phase {phase.index}"
    count = sum(layer.is_batchnorm for layer in base.layers)
    if phase.drift:
        return PhaseInCell(label, moved_text(report, phase, count, place), drift_tone(report))
    kept = f"none of {plural(count, 'BatchNorm layer')} changed"
    if row == FROZEN and phase.role == "fine-tuning":
        return PhaseInCell(label, f"as compiled, no layer of the base could train; {kept}", "calm")
    if row == FROZEN and place == LEFT_OUT:
        return PhaseInCell(
            label, f"{kept}; it looks right, because a frozen BatchNorm uses its stored statistics anyway", "calm"
        )
    batchnorm = {layer.index for layer in base.layers if layer.is_batchnorm}
    if row == UNFROZEN and not batchnorm & set(phase.trainable_layers):
        return PhaseInCell(label, f"{kept}; BatchNorm itself stayed frozen, which also keeps its statistics", "calm")
    return PhaseInCell(label, kept, "calm")


def moved_text(report: Report, phase: PhaseSummary, count: int, place: int) -> str:
    """How far the statistics went, and who moved them where that was not the student."""
    text = f"{len(phase.drift)} of {plural(count, 'BatchNorm layer')} changed"
    if extent := drift_text(phase.drift):
        text += f", {extent}"
    if place == GIVEN and report.environment.keras_flavour == "3":
        text += f"; Keras {version_text(report.environment.keras)} overrides `training=False` while `fit` runs"
    return text


def drift_tone(report: Report) -> Literal["bad", "warn"]:
    """Grave unless TL203 says that it costs nothing."""
    outcomes: Sequence[Outcome] = [check.outcome for check in report.checks if check.code == "TL203"]
    return "warn" if Outcome.WARNED in outcomes else "bad"

"""The layers of the base in each phase, as a line of characters for a terminal or a Markdown page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.evidence import Base
from grader.feedback.pictures import layer_states, phase_label
from grader.results import PhaseSummary, Report

__all__ = ["ASCII", "UNICODE", "Bar", "Bars", "Glyphs", "layer_bars"]


@dataclass(frozen=True)
class Glyphs:
    """The characters of a bar."""

    frozen: str
    partly: str
    trained: str
    empty: str
    still: str
    drifted: str
    asked: str


UNICODE = Glyphs(frozen="░", partly="▒", trained="█", empty=" ", still="·", drifted="↓", asked="▲")
ASCII = Glyphs(frozen="-", partly="+", trained="#", empty=" ", still=".", drifted="v", asked="^")


@dataclass(frozen=True)
class Bar:
    """One phase."""

    label: str
    role: str
    layers: tuple[tuple[str, str], ...]
    """Runs of equal characters: the style's name (``frozen``, ``partly``, ``trained``) and the characters."""
    statistics: tuple[tuple[str, str], ...]
    """The same of the line below: ``still`` and ``drifted``; empty for a base without BatchNorm."""


@dataclass(frozen=True)
class Bars:
    """All phases, with what they share."""

    glyphs: Glyphs
    rows: tuple[Bar, ...]
    asked: int | None
    asked_column: int
    """Column of the bar that the asked start lies in, from 0."""
    any_drift: bool
    any_partly: bool


def layer_bars(report: Report, width: int, glyphs: Glyphs = UNICODE) -> Bars | None:
    """The bars of a report, at most `width` characters wide; None where there is nothing to draw."""
    base = report.base
    if base is None or not base.layers or not report.phases:
        return None
    width = max(8, min(width, len(base.layers)))
    rows = tuple(bar_of(base, phase, width, glyphs) for phase in report.phases)
    asked = (
        report.asked_start if report.asked_start is not None and 0 <= report.asked_start < len(base.layers) else None
    )
    return Bars(
        glyphs=glyphs,
        rows=rows,
        asked=asked,
        asked_column=(asked or 0) * width // len(base.layers),
        any_drift=any(style == "drifted" for row in rows for style, _ in row.statistics),
        any_partly=any(style == "partly" for row in rows for style, _ in row.layers),
    )


def bar_of(base: Base, phase: PhaseSummary, width: int, glyphs: Glyphs) -> Bar:
    """One phase: each column stands for a few neighbouring layers."""
    layers = base.layers
    states = layer_states(base, phase)
    drifted = set(phase.drifted_layers)
    bar: list[str] = []
    statistics: list[str] = []
    for column in range(width):
        places = range(column * len(layers) // width, max((column + 1) * len(layers) // width, 1))
        bar.append(shade([states[place] for place in places if states[place] != "none"], bar))
        batchnorm = [layers[place].index for place in places if layers[place].is_batchnorm]
        statistics.append("drifted" if drifted & set(batchnorm) else "still" if batchnorm else "empty")
    label, role = phase_label(phase)
    has_batchnorm = any(style != "empty" for style in statistics)
    return Bar(label, role, runs(bar, glyphs), runs(statistics, glyphs) if has_batchnorm else ())


def shade(states: Sequence[str], before: Sequence[str]) -> str:
    """The state of a column; one that holds only layers without weights looks like the one before it."""
    if not states:
        return "trained" if before and before[-1] == "trained" else "frozen"
    trained = sum(state == "trained" for state in states)
    return "frozen" if not trained else "trained" if trained == len(states) else "partly"


def runs(styles: Sequence[str], glyphs: Glyphs) -> tuple[tuple[str, str], ...]:
    """Neighbours of one style, drawn together."""
    found: list[tuple[str, str]] = []
    for style in styles:
        character = getattr(glyphs, style)
        if found and found[-1][0] == style:
            found[-1] = (style, found[-1][1] + character)
        else:
            found.append((style, character))
    return tuple(found)

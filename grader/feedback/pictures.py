"""The layers of the base in each phase, as SVG: what was frozen, what trained, which statistics moved.

The drawing stretches with the page: its unit is one layer wide, its texts stand beside it in HTML, so that
it can be read at any width. Colours come from CSS classes; heights say the same without colour.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal

from grader.evidence import Base, BaseLayer, Drift
from grader.feedback.neutral import clean
from grader.feedback.wording import layer_ranges, plural
from grader.results import PhaseSummary, Report

__all__ = ["LayersPicture", "PhasePicture", "State", "Stem", "Tick", "layer_states", "layers_picture", "phase_label"]

State = Literal["frozen", "trained", "none"]

BAR_MIDDLE = 16
"""Of the bars, in pixels from the top of a row; stems hang below."""
STEM_TOP, STEM_SHORTEST, STEM_LONGEST = 36.0, 6.0, 30.0
"""Pixels: where the stems begin, and the range of their lengths."""
ROLES = {"head": "head only", "fine-tuning": "fine-tuning", "other": "other training"}


@dataclass(frozen=True)
class Stem:
    """One BatchNorm layer whose statistics moved."""

    x: float
    """Middle of its layer, in layers from the left."""
    bottom: float
    """Where the stem ends, in pixels from the top."""
    label: str
    """What is told of it, e.g. ``block_15_expand_BN: mean by 0.41 standard deviations, variance by 12 %``."""


@dataclass(frozen=True)
class PhasePicture:
    """One row."""

    title: str
    description: str
    label: str
    """``Phase 1``."""
    role: str
    """``head only``."""
    facts: tuple[str, ...]
    """Cell and learning rate, where known."""
    paths: tuple[tuple[State, str], ...]
    """One path a state: runs of equal neighbours, as horizontal strokes."""
    still: str
    """Path of dots, one under each BatchNorm layer that kept its statistics."""
    stems: tuple[Stem, ...]


@dataclass(frozen=True)
class Tick:
    """A layer named below the picture."""

    percent: float
    """Its place, from the left."""
    text: str


@dataclass(frozen=True)
class LayersPicture:
    """All rows, with what they share."""

    layers: int
    """Number of layers of the base: the width of the drawing in its own units."""
    application: str
    rows: tuple[PhasePicture, ...]
    ticks: tuple[Tick, ...]
    asked: int | None
    """The layer that the assignment asks to fine-tune from."""
    asked_percent: float
    batchnorm: int
    """Number of BatchNorm layers."""


def layers_picture(report: Report) -> LayersPicture | None:
    """What the report's picture shows; None where there is no base or nothing was trained."""
    base = report.base
    if base is None or not base.layers or not report.phases:
        return None
    count = len(base.layers)
    asked = report.asked_start if report.asked_start is not None and 0 <= report.asked_start < count else None
    means = [drift.mean for phase in report.phases for drift in phase.drift]
    furthest = max((mean for mean in means if math.isfinite(mean)), default=0.0)
    rows = tuple(phase_picture(base, phase, furthest) for phase in report.phases)
    return LayersPicture(
        layers=count,
        application=base.application,
        rows=rows,
        ticks=ticks_of(base),
        asked=asked,
        asked_percent=round(100 * (asked or 0) / count, 2),
        batchnorm=sum(layer.is_batchnorm for layer in base.layers),
    )


def layer_states(base: Base, phase: PhaseSummary) -> list[State]:
    """What each layer did in this phase; a layer is *trained* where it was trainable as compiled."""
    trained = set(phase.trainable_layers)
    return [
        "none" if not layer.has_weights else "trained" if layer.index in trained else "frozen" for layer in base.layers
    ]


def phase_label(phase: PhaseSummary) -> tuple[str, str]:
    """``("Phase 1", "head only")``."""
    role = ROLES.get(phase.role, phase.role)
    if phase.role == "head" and phase.trainable_layers:
        role = "head and base"
    return f"Phase {phase.index}", role


def phase_picture(base: Base, phase: PhaseSummary, furthest: float) -> PhasePicture:
    """One row; `furthest` is the drift that the longest stem stands for, in standard deviations."""
    states = layer_states(base, phase)
    label, role = phase_label(phase)
    drifted = {drift.layer: drift for drift in phase.drift}
    positions = {layer.index: place for place, layer in enumerate(base.layers)}
    still = [place for place, layer in enumerate(base.layers) if layer.is_batchnorm and layer.index not in drifted]
    stems = [
        stem_of(positions[index], base.layers[positions[index]], drift, furthest)
        for index, drift in sorted(drifted.items())
        if index in positions
    ]
    facts = [f"cell {phase.cell}"] if phase.cell is not None else []
    if phase.learning_rate is not None:
        facts.append(f"rate {phase.learning_rate:.4g}")
    return PhasePicture(
        title=f"{label}: what each of the {len(base.layers)} layers of {clean(base.application)} did",
        description=describe(base, phase),
        label=label,
        role=role,
        facts=tuple(facts),
        paths=tuple((state, path) for state in ("none", "frozen", "trained") if (path := strokes(states, state))),
        still=dots(still),
        stems=tuple(stems),
    )


def describe(base: Base, phase: PhaseSummary) -> str:
    """The row in words, for those who hear the page."""
    weighted = [layer.index for layer in base.layers if layer.has_weights]
    trained = set(phase.trainable_layers)
    if not trained:
        text = f"All {plural(len(weighted), 'layer')} with weights frozen."
    else:
        # A layer without weights between two that train does not interrupt a stretch.
        last = max(weighted, default=0)
        holes = [index for index in weighted if index not in trained]
        stretch = [i for i in range(min(trained), last + 1) if i not in holes]
        text = f"Trained: {plural(len(trained), 'layer')} with weights, in {layer_ranges(stretch)}; the others frozen."
    batchnorm = sum(layer.is_batchnorm for layer in base.layers)
    if not batchnorm:
        return text
    moved = f"{len(phase.drift)} of" if phase.drift else "none of the"
    return f"{text} Moving statistics changed in {moved} {plural(batchnorm, 'BatchNorm layer')}."


def strokes(states: Sequence[State], wanted: State) -> str:
    """An SVG path: one horizontal stroke for each run of layers in this state."""
    parts: list[str] = []
    x = pen = 0
    for state, run in groupby(states):
        length = len(list(run))
        if state == wanted:
            parts.append(f"m{x - pen} 0h{length}" if parts else f"M{x} {BAR_MIDDLE}h{length}")
            pen = x + length
        x += length
    return "".join(parts)


def dots(places: Sequence[int]) -> str:
    """An SVG path of strokes without length, which round caps make dots."""
    parts = [f"m{place - before} 0h0" for before, place in pairwise(places)]
    return f"M{places[0] + 0.5} {STEM_TOP:g}h0{''.join(parts)}" if places else ""


def stem_of(place: int, layer: BaseLayer, drift: Drift, furthest: float) -> Stem:
    """The stem of a layer; the longer, the further its mean moved."""
    finite = math.isfinite(drift.mean) and math.isfinite(drift.variance)
    share = 1.0 if not finite else (drift.mean / furthest) ** 0.5 if furthest > 0 else 0.0
    length = STEM_SHORTEST + (STEM_LONGEST - STEM_SHORTEST) * share
    how_far = f"mean by {drift.mean:.2g} standard deviations, variance by {drift.variance:.0%}"
    label = f"{clean(layer.name)}: {how_far if finite else 'no longer finite'}"
    return Stem(x=place + 0.5, bottom=round(STEM_TOP + length, 1), label=label)


def ticks_of(base: Base) -> tuple[Tick, ...]:
    """The first layer, one in the middle and the last."""

    def ticks() -> Iterator[Tick]:
        last = len(base.layers) - 1
        for place in sorted({0, last // 2, last}):
            layer = base.layers[place]
            yield Tick(round(100 * place / max(last, 1), 1), f"{layer.index}  {clean(layer.name)}")

    return tuple(ticks())

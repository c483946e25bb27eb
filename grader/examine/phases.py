"""From stretches of training to the phases of the rubric."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from grader.evidence import Drift, HeadState, Phase
from grader.examine.arrays import Snapshots, same_bytes
from grader.examine.bases import FoundBase
from grader.examine.journal import Journal
from grader.examine.losses import describe_loss, rate_from
from grader.examine.places import Places
from grader.examine.roles import Role, assign_roles
from grader.examine.stretches import Stretch, grouped
from grader.examine.succession import find_predecessor
from grader.examine.tree import Leaf

__all__ = ["phases_of"]

LARGEST = 1e6
"""What a drift that is no number, or beyond all measure, is given as."""


def phases_of(
    stretches: Sequence[Stretch], journal: Journal, snapshots: Snapshots, places: Places
) -> tuple[tuple[Phase, ...], tuple[list[Stretch], ...]]:
    """The phases in order, with the stretches that each is made of."""
    groups = grouped(stretches)
    roles = assign_roles(groups, snapshots)
    built = [
        build_phase(index, group, roles[index], groups[:index], journal, snapshots, places)
        for index, group in enumerate(groups)
    ]
    return tuple(built), tuple(groups)


def build_phase(
    index: int,
    group: list[Stretch],
    role: Role,
    earlier: list[list[Stretch]],
    journal: Journal,
    snapshots: Snapshots,
    places: Places,
) -> Phase:
    """The facts of one phase."""
    first, last = group[0], group[-1]
    event = first.event
    predecessor = find_predecessor(first, earlier, snapshots)
    compiled = next((c for c in journal.compiles if c.id == event.compile), None)
    trainable_keys = set(first.tree.keys(trains=True))
    moved = set(snapshots.changed(sorted(trainable_keys), event.before, last.after))
    head_keys = trainable_keys - first.base.keys()
    sizes = {
        f"{leaf.number}.{position}": math.prod(weight.shape)
        for leaf in first.tree.leaves
        for position, weight in enumerate(leaf.own)
    }
    return Phase(
        index=index + 1,
        role=role,
        kind=event.kind,
        place=places.place(event.place),
        compiled=places.place(compiled.place) if compiled else None,
        recompiled=bool(earlier) and event.compile is not None and event.compile != earlier[-1][-1].event.compile,
        model=first.tree.model.name[:80],
        runs=sum(s.event.calls for s in group),
        epochs=total([s.event.epochs for s in group]),
        steps=total([s.event.steps for s in group]),
        error=next((s.event.error for s in group if s.event.error), "")[:300],
        optimizer=event.optimizer[:60],
        learning_rate=finite(event.first_rate if event.first_rate is not None else event.learning_rate),
        rate_from=rate_from(event),
        loss=event.loss_name[:60],
        compiled_loss=describe_loss(compiled.loss if compiled else None),
        label_shape=last.event.labels,
        loss_value=finite(last.event.loss),
        flagged=first.base.indices(first.flagged),
        flagged_at_compile=first.base.indices(set(compiled.trainable)) if compiled and compiled.trainable else None,
        trainable=first.base.indices(first.trainable),
        moved=first.base.indices(moved),
        drift=drift_of(snapshots, (first.base, event.before), (first.base, last.after)),
        drift_before=drift_of(snapshots, (predecessor[0].base, predecessor[1]), (first.base, event.before))
        if predecessor
        else (),
        trainable_parameters=sum(sizes.get(key, 0) for key in first.trainable & trainable_keys),
        trainable_tensors=len(first.trainable & trainable_keys),
        head=HeadState(
            tensors=len(head_keys), trainable=len(head_keys & first.trainable), moved=len(head_keys & moved)
        ),
        continues=(predecessor is not None) if earlier else None,
    )


def drift_of(snapshots: Snapshots, start: tuple[FoundBase, int], end: tuple[FoundBase, int]) -> tuple[Drift, ...]:
    """How far each BatchNorm's moving statistics went from one moment to another.

    Args:
        start, end: a base and a snapshot; the two may be different copies of one base.
    """
    drifts = []
    pairs = [
        (index, before, after)
        for index, (one, other) in enumerate(zip(start[0].members, end[0].members, strict=False))
        for before, after in zip(one.leaves, other.leaves, strict=False)
    ]
    for index, before, after in pairs:
        mean0, variance0 = statistics(snapshots, before, start[1])
        mean1, variance1 = statistics(snapshots, after, end[1])
        if mean0 is None or mean1 is None or variance0 is None or variance1 is None:
            continue
        if same_bytes(mean0, mean1) and same_bytes(variance0, variance1):
            continue
        drifts.append(
            Drift(layer=index, mean=mean_drift(mean0, mean1, variance0), variance=ratio(variance0, variance1))
        )
    return tuple(drifts)


def statistics(snapshots: Snapshots, leaf: Leaf, moment: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Moving mean and variance of one layer; None for what it has not."""
    keys = {weight.role: f"{leaf.number}.{position}" for position, weight in enumerate(leaf.own)}
    mean, variance = (
        snapshots.value(keys[role], moment) if role in keys else None for role in ("moving_mean", "moving_variance")
    )
    return mean, variance


def mean_drift(before: np.ndarray, after: np.ndarray, variance: np.ndarray) -> float:
    """Largest change over the channels, in standard deviations."""
    if not before.shape == after.shape == variance.shape:
        return LARGEST
    deviation = np.sqrt(np.maximum(variance.astype(np.float64), 1e-12))
    return measured(np.abs(after.astype(np.float64) - before.astype(np.float64)) / deviation)


def ratio(before: np.ndarray, after: np.ndarray) -> float:
    """Largest change over the channels, as a fraction of the value before."""
    if before.shape != after.shape:
        return LARGEST
    start = np.maximum(np.abs(before.astype(np.float64)), 1e-12)
    return measured(np.abs(after.astype(np.float64) - before.astype(np.float64)) / start)


def measured(values: np.ndarray) -> float:
    """The largest value, kept finite so that it survives JSON, with six digits."""
    largest = float(np.max(values)) if values.size else 0.0
    return float(f"{largest:.6g}") if largest < LARGEST else LARGEST


def total(values: list[int | None]) -> int | None:
    """Sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def finite(value: float | None) -> float | None:
    """The value, unless it is NaN or infinite."""
    return value if value is not None and math.isfinite(value) else None

"""From stretches of training to the phases of the rubric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from grader.evidence import Drift, HeadState, Phase
from grader.examine.arrays import Snapshots, same_bytes
from grader.examine.bases import FoundBase
from grader.examine.journal import Journal, TrainingEvent
from grader.examine.places import Places
from grader.examine.tree import ModelTree

__all__ = ["Stretch", "phases_of"]

LARGEST = 1e6
"""What a drift that is no number, or beyond all measure, is given as."""


@dataclass(frozen=True)
class Stretch:
    """One recorded stretch of training with the model it trained."""

    event: TrainingEvent
    tree: ModelTree
    base: FoundBase

    @property
    def trainable(self) -> set[str]:
        """Keys of the weights that it could train."""
        return set(self.event.trainable or ())

    @property
    def flagged(self) -> set[str]:
        """Keys of the weights that `trainable` said it would train."""
        return set(self.event.flagged or ())

    @property
    def after(self) -> int:
        """Snapshot at its end; the one at its beginning where the kernel died before."""
        return self.event.after if self.event.after is not None else self.event.before

    def is_like(self, tree: ModelTree, base: FoundBase) -> bool:
        """Whether this trained a model of the same architecture on the same application."""
        return (
            self.base.application.application == base.application.application
            and self.tree.signature() == tree.signature()
        )

    def goes_on(self, other: Stretch) -> bool:
        """Whether this is more of the same: nothing that matters was changed in between."""
        mine, others = self.event, other.event
        return (
            (mine.model, mine.compile, mine.kind) == (others.model, others.compile, others.kind)
            and self.trainable == other.trainable
            and self.flagged == other.flagged
            and (mine.compile is not None or mine.learning_rate == others.learning_rate)
        )


def phases_of(
    stretches: Sequence[Stretch], journal: Journal, snapshots: Snapshots, places: Places
) -> tuple[tuple[Phase, ...], tuple[list[Stretch], ...]]:
    """The phases in order, with the stretches that each is made of."""
    groups: list[list[Stretch]] = []
    for stretch in stretches:
        if groups and stretch.goes_on(groups[-1][-1]):
            groups[-1].append(stretch)
        else:
            groups.append([stretch])
    roles = assign_roles(groups)
    built = [
        build_phase(index, group, roles[index], groups[:index], journal, snapshots, places)
        for index, group in enumerate(groups)
    ]
    return tuple(built), tuple(groups)


def assign_roles(groups: list[list[Stretch]]) -> list[Literal["head", "fine-tuning", "other"]]:
    """Which group is the training of the head, and which the fine-tuning.

    Fine-tuning is the last group in which anything of the base was to be trained, if something was trained
    before it; where the base never was, the last group that goes on with an earlier one's model.
    """
    roles: list[Literal["head", "fine-tuning", "other"]] = ["other"] * len(groups)
    if not groups:
        return roles
    tunes = [bool(group[0].base.indices(group[0].trainable | group[0].flagged)) for group in groups]
    if any(tunes[1:]):
        tuning = max(index for index in range(1, len(groups)) if tunes[index])
    elif len(groups) > 1 and groups[-1][0].event.model in {group[0].event.model for group in groups[:-1]}:
        tuning = len(groups) - 1
    else:
        roles[-1] = "head"
        return roles
    frozen_before = [index for index in range(tuning) if not tunes[index]]
    roles[tuning] = "fine-tuning"
    roles[frozen_before[-1] if frozen_before else 0] = "head"
    return roles


def build_phase(
    index: int,
    group: list[Stretch],
    role: Literal["head", "fine-tuning", "other"],
    earlier: list[list[Stretch]],
    journal: Journal,
    snapshots: Snapshots,
    places: Places,
) -> Phase:
    """The facts of one phase."""
    first, last = group[0], group[-1]
    event = first.event
    predecessor = next((g[-1] for g in reversed(earlier) if follows(first, g[-1], snapshots)), None)
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
        runs=len(group),
        epochs=total([s.event.epochs for s in group]),
        steps=total([s.event.steps for s in group]),
        error=next((s.event.error for s in group if s.event.error), "")[:300],
        optimizer=event.optimizer[:60],
        learning_rate=finite(event.learning_rate),
        loss=event.loss_name[:60],
        loss_value=finite(last.event.loss),
        flagged=first.base.indices(first.flagged),
        trainable=first.base.indices(first.trainable),
        moved=first.base.indices(moved),
        drift=drift_of(snapshots, (first.base, event.before), (first.base, last.after)),
        drift_before=drift_of(snapshots, (predecessor.base, predecessor.after), (first.base, event.before))
        if predecessor
        else (),
        trainable_parameters=sum(sizes.get(key, 0) for key in first.trainable & trainable_keys),
        head=HeadState(
            tensors=len(head_keys), trainable=len(head_keys & first.trainable), moved=len(head_keys & moved)
        ),
        continues=(predecessor is not None) if earlier else None,
    )


def follows(stretch: Stretch, earlier: Stretch, snapshots: Snapshots) -> bool:
    """Whether this stretch began with the very trainable weights that the earlier one left.

    Compared by place in the model, because a model that was saved and loaded holds other variables. Moving
    statistics are left out: whether those moved is a question of its own.
    """
    mine, theirs = stretch.tree.keys(trains=True), earlier.tree.keys(trains=True)
    if mine == theirs:
        return not any(snapshots.same(key, earlier.after, stretch.event.before) is False for key in mine)
    if len(mine) != len(theirs):
        return False
    for key, other in zip(mine, theirs, strict=True):
        now, then = snapshots.value(key, stretch.event.before), snapshots.value(other, earlier.after)
        if now is None or then is None or not np.array_equal(now, then, equal_nan=True):
            return False
    return True


def drift_of(snapshots: Snapshots, start: tuple[FoundBase, int], end: tuple[FoundBase, int]) -> tuple[Drift, ...]:
    """How far each BatchNorm's moving statistics went from one moment to another.

    Args:
        start, end: a base and a snapshot; the two may be different copies of one base.
    """
    drifts = []
    for index in range(len(start[0].layers)):
        mean0, variance0 = statistics(snapshots, *start, index)
        mean1, variance1 = statistics(snapshots, *end, index)
        if mean0 is None or mean1 is None or variance0 is None or variance1 is None:
            continue
        if same_bytes(mean0, mean1) and same_bytes(variance0, variance1):
            continue
        drifts.append(
            Drift(layer=index, mean=mean_drift(mean0, mean1, variance0), variance=ratio(variance0, variance1))
        )
    return tuple(drifts)


def statistics(
    snapshots: Snapshots, base: FoundBase, moment: int, index: int
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Moving mean and variance of one layer of the base; None for what it has not."""
    leaf = base.layers[index]
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

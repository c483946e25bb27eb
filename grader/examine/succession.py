"""Whether one stretch of training goes on with the weights of another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grader.examine.arrays import Snapshots
from grader.examine.stretches import Stretch

__all__ = ["Predecessor", "find_predecessor"]

Predecessor = tuple[Stretch, int]
"""A stretch, and the snapshot of its weights that a later one began with."""


def find_predecessor(
    stretch: Stretch, earlier: Sequence[Sequence[Stretch]], snapshots: Snapshots
) -> Predecessor | None:
    """The last stretch of the latest earlier group whose weights this one began with.

    Weights are compared by place in the model, because a model that was saved and loaded holds other variables.
    Moving statistics are left out: whether those moved is a question of its own.
    """
    for group in reversed(earlier):
        moment = left_at(stretch, group, snapshots)
        if moment is not None:
            return group[-1], moment
    return None


def left_at(stretch: Stretch, group: Sequence[Stretch], snapshots: Snapshots) -> int | None:
    """The snapshot at which this group's model had the very weights that the stretch began with.

    Mostly that is the group's end. But the best weights of a training, kept in a file or by `get_weights`, are often
    not its last ones: then it is the moment at which they were kept.
    """
    last, began = group[-1], group[0].event.before
    if len(stretch.tree.keys(trains=True)) != len(last.tree.keys(trains=True)):
        return None
    if same_weights(stretch, last, last.after, snapshots):
        return last.after
    head = sorted(set(last.tree.keys(trains=True)) - last.base.keys())
    for moment in range(stretch.event.before - 1, began, -1):
        # The weights from before the training are not what it left.
        if snapshots.changed(head, began, moment) and same_weights(stretch, last, moment, snapshots):
            return moment
    return None


def same_weights(stretch: Stretch, earlier: Stretch, moment: int, snapshots: Snapshots) -> bool:
    """Whether the earlier stretch's model had, at this snapshot, the trainable weights that this one began with."""
    mine, theirs = stretch.tree.keys(trains=True), earlier.tree.keys(trains=True)
    if mine == theirs:
        return not any(snapshots.same(key, moment, stretch.event.before) is False for key in mine)
    # The head comes last in a model, and is what differs where anything does.
    for key, other in zip(reversed(mine), reversed(theirs), strict=True):
        now, then = snapshots.value(key, stretch.event.before), snapshots.value(other, moment)
        if now is None or then is None or not np.array_equal(now, then, equal_nan=True):
            return False
    return True

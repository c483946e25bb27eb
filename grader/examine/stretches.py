"""One recorded stretch of training, and which stretches are more of the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.examine.arrays import Snapshots
from grader.examine.bases import FoundBase
from grader.examine.journal import TrainingEvent
from grader.examine.tree import ModelTree

__all__ = ["Stretch", "grouped"]


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

    def ran(self, snapshots: Snapshots) -> bool:
        """Whether it came to train anything: it did not break off before its first step was done."""
        if not self.event.error or self.event.steps:
            return True
        return bool(snapshots.changed(self.tree.keys(trains=True), self.event.before, self.after))


def grouped(stretches: Sequence[Stretch]) -> list[list[Stretch]]:
    """The stretches in order, those in a row that are more of the same put together."""
    groups: list[list[Stretch]] = []
    for stretch in stretches:
        if groups and stretch.goes_on(groups[-1][-1]):
            groups[-1].append(stretch)
        else:
            groups.append([stretch])
    return groups

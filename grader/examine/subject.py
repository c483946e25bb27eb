"""The model under test, and the stretches of training that it or its like went through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.evidence import Phase
from grader.examine.arrays import Snapshots
from grader.examine.bases import FoundBase, find_base
from grader.examine.journal import Journal, TrainingEvent
from grader.examine.places import Places
from grader.examine.stretches import Stretch
from grader.examine.tree import ModelTree

__all__ = ["Subject", "Trained", "starting_point", "stretches_of", "subject_of", "trained_models"]


@dataclass(frozen=True)
class Trained:
    """A stretch of training whose model may have no base."""

    event: TrainingEvent
    tree: ModelTree
    base: FoundBase | None

    @property
    def stretch(self) -> Stretch | None:
        """As a stretch with a base; None if it has none."""
        return Stretch(self.event, self.tree, self.base) if self.base else None


def trained_models(journal: Journal) -> list[Trained]:
    """All training of models that are described, in order."""
    found = []
    for event in journal.trainings:
        described = journal.model(event.model)
        if described is not None:
            tree = ModelTree(journal, described)
            found.append(Trained(event, tree, find_base(journal, tree)))
    return [one for one in found if not any(is_part_of(one, other) for other in found)]


def is_part_of(one: Trained, other: Trained) -> bool:
    """Whether one is a part of what the other is: a loop of the student's trains variables, and each model that
    holds them was written down, the layers of the head as well as the model around them."""
    mine, its = one.event, other.event
    if mine.kind != "custom" or (mine.kind, mine.before, mine.after) != (its.kind, its.before, its.after):
        return False
    keys, others = set(one.tree.keys()), set(other.tree.keys())
    return keys < others or (keys == others and mine.model > its.model)


@dataclass(frozen=True)
class Subject:
    """The model under test.

    Args:
        chosen: why this one, as a phrase.
    """

    tree: ModelTree
    base: FoundBase
    chosen: str


def subject_of(journal: Journal, trained: Sequence[Trained], snapshots: Snapshots, places: Places) -> Subject | None:
    """The model with a base that was trained last; else compiled last; else built last."""
    stretches = [one.stretch for one in trained if one.stretch]
    if stretches:
        # A last attempt that broke off before its first step is not what the work ended with.
        last = next((stretch for stretch in reversed(stretches) if stretch.ran(snapshots)), stretches[-1])
        place = places.place(last.event.place)
        return Subject(last.tree, last.base, f"trained last, in cell {place.cell}" if place else "trained last")
    for number in [*(c.model for c in reversed(journal.compiles)), *(m.model for m in reversed(journal.models))]:
        described = journal.model(number)
        if described is None or journal.is_application(number) or not described.is_model:
            continue
        tree = ModelTree(journal, described)
        base = find_base(journal, tree)
        # A copy of the bare base (loaded, cloned) is not yet a model for the task.
        if base is not None and any(leaf.own and leaf not in base.leaves for leaf in tree.leaves):
            subject = Subject(tree, base, "built last; it was never trained")
            if stretches_of(subject, trained):
                return Subject(tree, base, "built last, around a head that was trained by itself")
            return subject
    return None


def stretches_of(subject: Subject, trained: Sequence[Trained]) -> list[Stretch]:
    """The stretches that count for this model: of models of its architecture, and of its own head alone, which is
    how a head is trained on features that the base computed beforehand."""
    mine = set(subject.tree.keys())
    stretches = []
    for one in trained:
        stretch = one.stretch
        if stretch is not None:
            stretches.extend([stretch] if stretch.is_like(subject.tree, subject.base) else [])
        elif (keys := one.tree.keys(trains=True)) and mine.issuperset(keys):
            stretches.append(Stretch(one.event, subject.tree, subject.base))
    return stretches


def starting_point(phases: Sequence[Phase], groups: Sequence[list[Stretch]], snapshots: Snapshots) -> Stretch | None:
    """The stretch with which the training of the head began; if the base was no part of it, the first one with it."""
    heads = [group[0] for phase, group in zip(phases, groups, strict=True) if phase.role == "head"]
    for stretch in (*heads, *(group[0] for group in groups)):
        keys = sorted(stretch.base.keys())
        if any(snapshots.value(key, stretch.event.before) is not None for key in keys):
            return stretch
    return None

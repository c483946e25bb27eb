"""What a replay has to do: from the recorder's journal and arrays to a request for the process that rebuilds.

All of it comes from the student's side of the wall, and none of it is believed: names are looked up in lists, numbers
are bounded, and shapes have to agree before anything is made of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np

from grader.assignment import Assignment
from grader.evidence import Evidence, Phase
from grader.evidence_replay import Mend
from grader.examine.allowed import MisfitConfigError, RefusedConfigError, fit_to_rebuild
from grader.examine.arrays import Snapshots
from grader.examine.bases import FoundBase
from grader.examine.graph import ModelConfig
from grader.examine.journal import FrozenFacts, Journal, ModelEvent, read_journal
from grader.examine.mending import batchnorm_frozen, from_layer_on, whole_base_frozen, with_training_false
from grader.examine.places import Places
from grader.examine.stretches import Stretch, grouped
from grader.examine.subject import Subject, stretches_of, subject_of, trained_models
from grader.examine.tree import ModelTree
from grader.run.execution import Execution
from grader.run.probing import copy_images
from grader.run.replay.request import Item, Part, Request, weights_name
from grader.submission import Submission

__all__ = ["MODES", "Measurement", "NotRebuiltError", "Plan", "Rebuilding", "Wish"]

MOST_PARAMETERS = 4 * 10**8
"""The largest network of `keras.applications` has 350 million."""
MOST_PHASES = 4
MODES = ("unset", "false", "true")


class NotRebuiltError(Exception):
    """There is no replay: the outcome as `grader.evidence_replay.Replay` has it, and why, as a sentence."""

    def __init__(self, outcome: Literal["refused", "impossible", "misfit"], reason: str) -> None:
        super().__init__(reason)
        self.outcome: Literal["refused", "impossible", "misfit"] = outcome
        self.reason = reason


@dataclass(frozen=True)
class Wish:
    """A fault to mend: in the training of a phase (by its index), or else in the trained model."""

    mend: Mend
    phase: int | None = None
    start: int | None = None


@dataclass(frozen=True)
class State:
    """A model as it was at a moment.

    Args:
        moment: the snapshot of its weights.
        frozen: its flags.
    """

    tree: ModelTree
    base: FoundBase
    moment: int
    frozen: FrozenFacts


@dataclass(frozen=True)
class Measurement:
    """What an item of the request stands for."""

    item: Item
    tree: ModelTree
    base: FoundBase
    phase: int | None = None
    wish: Wish | None = None


@dataclass
class Plan:
    """A request that takes shape.

    Args:
        folder: that it is written to.
        measurements: one for each item.
        unmeasured: what is left out and why, as sentences.
    """

    folder: Path
    parts: list[Part]
    measurements: list[Measurement]
    unmeasured: list[str]


class Rebuilding:
    """One run's leavings, looked at with a view to doing it again.

    Args:
        submission: what was run.
        assignment: what it was run under.
        execution: the run.
        evidence: what was made of it.
    """

    def __init__(
        self, submission: Submission, assignment: Assignment, execution: Execution, evidence: Evidence
    ) -> None:
        self._assignment = assignment
        self._evidence = evidence
        self._folder = execution.evidence
        self._journal: Journal = read_journal(execution.evidence)
        self._snapshots = Snapshots(execution.evidence)
        trained = trained_models(self._journal)
        places = Places(submission.notebook, execution.cells)
        self.subject: Subject | None = subject_of(self._journal, trained, self._snapshots, places)
        self._groups: list[list[Stretch]] = grouped(stretches_of(self.subject, trained)) if self.subject else []
        self._parts: dict[tuple[int, bool], int] = {}
        self._moments: dict[tuple[int, int], int] = {}

    def plan(self, folder: Path, wishes: Sequence[Wish], modes: tuple[str, ...] = MODES) -> Plan:
        """Write the request into this folder.

        Args:
            wishes: what to mend.
            modes: in which the trained model is to answer.

        Raises:
            NotRebuiltError: the model under test cannot be rebuilt.
        """
        subject = self.subject
        if subject is None:
            raise NotRebuiltError("impossible", "No model with a pretrained base was found.")
        plan = Plan(folder, [], [], [])
        self._part(plan, subject.tree, subject.base, mended=False)
        frozen = self._final_flags(subject.tree.model.model)
        latest = self._snapshots.latest()
        if frozen is None:
            plan.unmeasured.append("What of the trained model is frozen was not written down.")
        else:
            state = State(subject.tree, subject.base, latest, frozen)
            self._add(plan, state, modes=modes)
            for wish in wishes:
                if wish.phase is None:
                    self._add(plan, state, wish=wish, modes=("false",))
        for phase, stretch in self._phases():
            self._add_phase(plan, phase, stretch, wishes)
        self._write(plan)
        return plan

    def _phases(self) -> Iterable[tuple[Phase, Stretch]]:
        """The phases that are made again, those of the rubric first, each with its first stretch."""
        pairs = [
            (phase, group[0])
            for phase, group in zip(self._evidence.phases, self._groups, strict=False)
            if group[0].event.model == group[0].tree.model.model
        ]
        chosen = sorted(pairs, key=lambda pair: pair[0].role == "other")[:MOST_PHASES]
        return sorted(chosen, key=lambda pair: pair[0].index)

    def _add_phase(self, plan: Plan, phase: Phase, stretch: Stretch, wishes: Sequence[Wish]) -> None:
        if stretch.event.frozen is None:
            plan.unmeasured.append(f"What was frozen in phase {phase.index} was not written down.")
            return
        state = State(stretch.tree, stretch.base, stretch.event.before, stretch.event.frozen)
        try:
            self._add(plan, state, phase=phase.index)
            for wish in wishes:
                if wish.phase == phase.index:
                    self._add(plan, state, phase=phase.index, wish=wish)
        except NotRebuiltError as exc:
            plan.unmeasured.append(f"Phase {phase.index} was not made again. {exc.reason}")

    def _final_flags(self, number: int) -> FrozenFacts | None:
        flags = [event.frozen for event in self._journal.flags if event.model == number]
        compiled = [event.frozen for event in self._journal.trainings if event.model == number and event.frozen]
        known = flags or compiled
        return known[-1] if known else None

    def _add(
        self,
        plan: Plan,
        state: State,
        *,
        phase: int | None = None,
        wish: Wish | None = None,
        modes: tuple[str, ...] = (),
    ) -> None:
        """One measurement, mended as wished."""
        tree, base = state.tree, state.base
        flags = mended_flags(state.frozen, tree, base, wish)
        try:
            part = self._part(plan, tree, base, mended=wish is not None and wish.mend == "inference-mode")
        except NoCallError:
            return
        item = Item(part, self._weights(plan, tree, state.moment), flags.layers, flags.weights, modes)
        plan.measurements.append(Measurement(item, tree, base, phase, wish))

    def _part(self, plan: Plan, tree: ModelTree, base: FoundBase, *, mended: bool) -> int:
        """The number of this model among those to be rebuilt."""
        key = (tree.model.model, mended)
        if key in self._parts:
            return self._parts[key]
        config = ModelConfig.read(self._folder, tree.model.config)
        if config is None or not config.has_graph:
            raise NotRebuiltError("impossible", no_graph(tree.model))
        if sum(prod(weight.shape) for leaf in tree.leaves for weight in leaf.own) > MOST_PARAMETERS:
            raise NotRebuiltError("refused", f"The model has more than {MOST_PARAMETERS:,} parameters.")
        try:
            data = fit_to_rebuild(config.data, shapes_of(tree))
        except MisfitConfigError as exc:
            raise NotRebuiltError("misfit", str(exc)) from exc
        except RefusedConfigError as exc:
            raise NotRebuiltError("refused", str(exc)) from exc
        if mended:
            held = tree.containers.get(base.number) if base.number is not None else None
            changed = with_training_false(data, held.name) if held else None
            if changed is None:
                raise NoCallError
            data = changed
        self._parts[key] = len(plan.parts)
        plan.parts.append(Part(dumped(data), described(self._journal, tree, tree.model, set()), entry_of(base)))
        return self._parts[key]

    def _weights(self, plan: Plan, tree: ModelTree, moment: int) -> int:
        """The number of the file with the weights of this model at this moment."""
        from safetensors.numpy import save_file

        key = (tree.model.model, moment)
        if key not in self._moments:
            arrays: dict[str, np.ndarray] = {}
            for leaf in tree.leaves:
                for position, weight in enumerate(leaf.own):
                    name = f"{leaf.number}.{position}"
                    value = self._snapshots.value(name, moment)
                    if value is None:
                        raise NotRebuiltError(
                            "impossible", f"The weights of `{leaf.name[:60]}` at that moment were not written down."
                        )
                    if value.shape != weight.shape or value.dtype.kind not in "fiub":
                        raise NotRebuiltError(
                            "misfit",
                            f"`{leaf.name[:60]}` is said to have a weight of the shape {list(weight.shape)}; the one "
                            f"written down has {list(value.shape)}.",
                        )
                    arrays[name] = value
            number = self._moments[key] = len(self._moments)
            save_file(arrays, str(plan.folder / weights_name(number)))
        return self._moments[key]

    def _write(self, plan: Plan) -> None:
        flavour: Literal["2", "3"] = self._evidence.environment.keras_flavour
        base = self._evidence.base
        Request(
            flavour=flavour,
            application=base.application if base else "",
            image_size=self._assignment.base.input_shape[:2],
            parts=tuple(plan.parts),
            items=tuple(measurement.item for measurement in plan.measurements),
        ).write(plan.folder)
        copy_images(self._assignment, plan.folder / "images")


class NoCallError(Exception):
    """The base is called nowhere, so that no argument of the call can be mended."""


def mended_flags(frozen: FrozenFacts, tree: ModelTree, base: FoundBase, wish: Wish | None) -> FrozenFacts:
    """The flags as wished."""
    match wish.mend if wish else "":
        case "base-frozen":
            return whole_base_frozen(frozen, tree, base)
        case "batchnorm-frozen":
            return batchnorm_frozen(frozen, base)
        case "layers-unfrozen":
            return from_layer_on(frozen, tree, base, (wish.start if wish else None) or 0)
    return frozen


def no_graph(model: ModelEvent) -> str:
    """Why there is nothing to rebuild a model from, as a sentence."""
    if model.kind not in ("Functional", "Model", "Sequential"):
        return (
            f"The model is a `{model.kind[:60]}` whose config does not say what it computes (a class of the student's "
            "own): what it does is known from the recorder alone."
        )
    if model.config is None:
        return (
            "Keras gives no config for the model, as where a layer is of a class of the student's own: what it does is "
            "known from the recorder alone."
        )
    return "The model's config is not there, or cannot be read."


def entry_of(base: FoundBase) -> int | None:
    """The layer that images reach first of the base."""
    if base.number is not None:
        return base.number
    first = (leaf.number for leaf in base.leaves if leaf.kind != "InputLayer" and leaf.containers)
    return next(first, None)


def shapes_of(tree: ModelTree) -> Mapping[str, list[tuple[int, ...]]]:
    """Shapes of the weights of all layers of one name."""
    shapes: dict[str, list[tuple[int, ...]]] = {}
    for leaf in tree.leaves:
        shapes.setdefault(leaf.name, []).extend(weight.shape for weight in leaf.own)
    return shapes


def described(journal: Journal, tree: ModelTree, model: ModelEvent, seen: set[int]) -> dict[str, Any]:
    """The tree of layers as `Part` has it; each container once."""
    seen.add(model.model)
    layers = []
    for layer in model.layers:
        inner = tree.containers.get(layer.number) if layer.nested else None
        if inner is not None and layer.number not in seen:
            layers.append(described(journal, tree, inner, seen))
        elif inner is None:
            own = [[f"{layer.number}.{position}", list(weight.shape)] for position, weight in enumerate(layer.own)]
            layers.append({"number": layer.number, "name": layer.name, "own": own, "layers": []})
    own = [[f"{model.model}.{position}", list(weight.shape)] for position, weight in enumerate(model.own)]
    return {"number": model.model, "name": model.name, "own": own, "layers": layers}


def dumped(data: dict[str, Any]) -> str:
    """As JSON."""
    import json

    return json.dumps(data)

"""One run's leavings -> Evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Literal

from grader import __version__
from grader.assignment import Assignment
from grader.evidence import (
    Asked,
    Base,
    BaseLayer,
    CellError,
    CellRun,
    Environment,
    Evidence,
    Model,
    Note,
    Notebook,
    StoreComparison,
)
from grader.examine.arrays import Snapshots
from grader.examine.bases import FoundBase
from grader.examine.calls import base_calls
from grader.examine.exercises import open_exercises
from grader.examine.given import excuse, given_cells
from grader.examine.graph import ModelConfig
from grader.examine.journal import Journal, PlaceFacts, read_journal
from grader.examine.outline import outline
from grader.examine.phases import phases_of
from grader.examine.places import Places
from grader.examine.probes import probes_of
from grader.examine.stored import compare_with_store
from grader.examine.stretches import Stretch
from grader.examine.subject import Subject, Trained, starting_point, stretches_of, subject_of, trained_models
from grader.examine.tree import ModelTree
from grader.printable import printable
from grader.run.execution import CellOutcome, Execution
from grader.run.flavour import Choice
from grader.submission import Submission, load_starter
from grader.weights import WeightsStore

__all__ = ["RunFacts", "examine"]

MOST_MESSAGE = 500
WeightsKind = Literal["pretrained", "stand-in", "none"]


@dataclass(frozen=True)
class RunFacts:
    """What was decided before the run.

    Args:
        choice: the Keras and why.
        training: ``"bounded"`` or ``"full"``.
        store: the weights that stood ready.
    """

    choice: Choice
    training: Literal["bounded", "full"]
    store: WeightsStore


def examine(submission: Submission, assignment: Assignment, execution: Execution, facts: RunFacts) -> Evidence:
    """All that the run shows about the submission.

    Raises:
        ExamineError: the grader's own files cannot be read (the starter, the store).
    """
    journal = read_journal(execution.evidence)
    snapshots = Snapshots(execution.evidence)
    places = Places(submission.notebook, execution.cells)
    trained, hollow = known_from(trained_models(journal), snapshots)
    subject = subject_of(journal, trained, snapshots, places)
    notes = [*submission.notes, *execution.notes, *(Note(kind=n.kind, text=n.text) for n in journal.notes)]
    notes.extend(integrity_notes(journal, snapshots, hollow))
    notebook = notebook_facts(submission, assignment, execution, places)
    if subject is None:
        return Evidence(
            assignment=assignment.slug,
            asked=Asked(input_shape=assignment.base.input_shape, application=assignment.base.application),
            notebook=notebook,
            environment=environment_of(journal, execution, facts, "none"),
            model=model_without_base(journal),
            sources=places.sources(),
            notes=tuple(notes),
        )
    tree, base = subject.tree, subject.base
    stretches = stretches_of(subject, trained)
    notes.extend(unrelated_notes(trained, stretches))
    phases, groups = phases_of(stretches, journal, snapshots, places)
    numbers = [*(stretch.event.model for stretch in stretches), tree.model.model]
    began = starting_point(phases, groups, snapshots)
    start = (began.base, began.event.before) if began else (base, snapshots.latest())
    comparison = compare_with_store(facts.store, assignment, snapshots, *start)
    config = ModelConfig.read(execution.evidence, tree.model.config)
    around = configs_around(execution.evidence, tree, base)
    described = describe_base(journal, subject, around, places, comparison)
    model = describe_model(subject, config).model_copy(update=outline(journal, execution.evidence, tree.model, base))
    return Evidence(
        assignment=assignment.slug,
        asked=Asked(input_shape=assignment.base.input_shape, application=assignment.base.application),
        notebook=notebook,
        environment=environment_of(journal, execution, facts, comparison.kind),
        model=model,
        base=described,
        phases=phases,
        trained_sha256=trained_digest(tree, stretches, snapshots),
        probes=probes_of(execution.evidence, assignment, base.application.model, numbers, places.place),
        sources=places.sources(),
        notes=tuple(notes),
    )


def trained_digest(tree: ModelTree, stretches: Sequence[Stretch], snapshots: Snapshots) -> str:
    """What tells that two models were trained alike: the weights of this one that training changed, as it left them."""
    moved = {key for each in stretches for key in snapshots.changed(each.tree.keys(), each.event.before, each.after)}
    last = max((each.after for each in stretches), default=0)
    return snapshots.digest(filter(moved.__contains__, tree.keys()), last)


def model_without_base(journal: Journal) -> Model | None:
    """The model that was trained last, else built last, where none has a base; it is named, not judged."""
    trained = [(event.model, "trained last") for event in reversed(journal.trainings)]
    built = [(event.model, "built last") for event in reversed(journal.models) if event.is_model]
    for number, chosen in (*trained, *built):
        described = journal.model(number)
        if described is None or journal.is_application(number):
            continue
        leaves = ModelTree(journal, described).leaves
        if parameters := sum(prod(weight.shape) for leaf in leaves for weight in leaf.own):
            return Model(name=described.name[:80], kind=described.kind[:60], chosen=chosen, parameters=parameters)
    return None


def configs_around(folder: Path, tree: ModelTree, base: FoundBase) -> dict[int, ModelConfig]:
    """The configs of the models that the base lies in, by their numbers, outermost first."""
    held = next((leaf.containers for leaf in base.leaves if base.number in leaf.containers), ())
    outer = held[: held.index(base.number)] if base.number in held else ()
    configs = {number: ModelConfig.read(folder, tree.containers[number].config) for number in outer}
    return {number: config for number, config in configs.items() if config and config.has_graph}


def describe_base(
    journal: Journal, subject: Subject, around: dict[int, ModelConfig], places: Places, comparison: StoreComparison
) -> Base:
    """The base as evidence."""
    tree, base = subject.tree, subject.base
    container = tree.containers.get(base.number) if base.number is not None else None
    original = journal.model(base.application.model)
    style = base.style
    if style == "nested" and base.holder not in around:
        style = "subclassed"
    return Base(
        application=base.application.application,
        name=(container or original or tree.model).name[:80],
        style=style,
        built=places.place(base.application.place),
        asked_weights=str(base.application.weights)[:200],
        layers=tuple(
            BaseLayer(
                index=index,
                name=member.name[:80],
                kind=member.kind[:60],
                parameters=sum(prod(w.shape) for w in member.own if w.trains),
                statistics=sum(prod(w.shape) for w in member.own if w.role in ("moving_mean", "moving_variance")),
            )
            for index, member in enumerate(base.members)
        ),
        calls=base_calls(journal, tree, base, around, places),
        store=comparison,
    )


def describe_model(subject: Subject, config: ModelConfig | None) -> Model:
    """The model as evidence."""
    tree, base = subject.tree, subject.base
    inner = frozenset(leaf.name for leaf in base.leaves) if base.number is None else frozenset()
    return Model(
        name=tree.model.name[:80],
        kind=tree.model.kind[:60],
        chosen=subject.chosen,
        parameters=sum(prod(weight.shape) for leaf in tree.leaves for weight in leaf.own),
        nodes=config.nodes(inner) if config else (),
    )


def notebook_facts(submission: Submission, assignment: Assignment, execution: Execution, places: Places) -> Notebook:
    """The file and its cells."""
    starter = load_starter(assignment.starter)
    given = given_cells(submission.notebook, starter)
    exercises = open_exercises(submission.notebook, starter)
    for exercise in exercises:
        for place in exercise.places:
            places.mention(place.cell)
    cells = tuple(cell_run(outcome, given, places) for outcome in execution.cells)
    for run in cells:
        if run.error or run.status not in ("ran", "not_run"):
            places.mention(run.cell)
    return Notebook(
        name=submission.name,
        sha256=submission.sha256,
        student=submission.student,
        cells=cells,
        open_exercises=exercises,
        breaches=execution.breaches,
        died=execution.died,
    )


def cell_run(outcome: CellOutcome, given: frozenset[int], places: Places) -> CellRun:
    """A cell's outcome as evidence."""
    is_given = outcome.cell in given
    error = None
    if outcome.ename:
        passed = [places.place(PlaceFacts(count=count, line=line)) for count, line in outcome.frames]
        # A given cell that only calls what the student wrote is not what broke.
        own = [place for place in passed if place and place.cell != outcome.cell and place.cell not in given]
        origin = own[-1] if is_given and own else None
        error = CellError(
            name=printable(outcome.ename)[:80],
            message=printable(outcome.evalue)[:MOST_MESSAGE],
            line=outcome.line,
            origin=origin,
            excuse=excuse(is_given and origin is None, outcome.ename, outcome.evalue),
        )
    return CellRun(
        cell=outcome.cell, status=outcome.status, given=is_given, error=error, seconds=round(outcome.seconds, 3)
    )


def environment_of(journal: Journal, execution: Execution, facts: RunFacts, weights: WeightsKind) -> Environment:
    """What ran the notebook; the kernel that never came up tells no versions."""
    told = journal.environment
    return Environment(
        python=told.python if told else "",
        tensorflow=told.tensorflow if told else "",
        keras=told.keras if told else "",
        keras_flavour=facts.choice.flavour,
        keras_reason=facts.choice.reason,
        grader=__version__,
        weights=weights,
        isolation=execution.isolation,
        training=facts.training,
    )


def known_from(trained: Sequence[Trained], snapshots: Snapshots) -> tuple[list[Trained], int]:
    """The training whose weights were written down, and how much there is of other: the journal's word alone.

    The recorder writes the weights before a stretch of training, and only then that it began.
    """
    known = [one for one in trained if snapshots.has_any(one.tree.keys(), one.event.after or one.event.before)]
    return known, len(trained) - len(known)


def integrity_notes(journal: Journal, snapshots: Snapshots, hollow: int = 0) -> list[Note]:
    """What staff should know about evidence that was tampered with or cut off."""
    notes = []
    if hollow:
        text = f"{hollow} of the recorder's entries on training have no weights to go with them, and were left aside."
        notes.append(Note(kind="integrity", text=text))
    if journal.refused:
        notes.append(Note(kind="integrity", text=f"The recorder's journal was not read: it {journal.refused}."))
    if journal.damaged:
        notes.append(
            Note(kind="integrity", text=f"{journal.damaged} lines of the recorder's journal could not be read.")
        )
    if snapshots.damaged:
        notes.append(
            Note(kind="integrity", text=f"{snapshots.damaged} of the recorder's array files could not be read.")
        )
    return notes


def unrelated_notes(trained: Sequence[Trained], stretches: Sequence[Stretch]) -> list[Note]:
    """Which trained models without a base were left aside."""
    counted = {id(stretch.event) for stretch in stretches}
    left = [one.tree.model.name[:80] for one in trained if one.base is None and id(one.event) not in counted]
    names = ", ".join(f"`{name}`" for name in dict.fromkeys(left))
    if not names or not stretches:
        return []
    return [Note(kind="model", text=f"Also trained, but without a pretrained base and not looked at: {names}.")]

"""One run's leavings -> Evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

from grader import __version__
from grader.assignment import Assignment
from grader.evidence import (
    Base,
    BaseLayer,
    CellError,
    CellRun,
    Environment,
    Evidence,
    Model,
    Note,
    Notebook,
    Phase,
    StoreComparison,
)
from grader.examine.arrays import Snapshots
from grader.examine.bases import FoundBase, find_base
from grader.examine.calls import base_calls
from grader.examine.exercises import open_exercises
from grader.examine.given import excuse, given_cells
from grader.examine.graph import ModelConfig
from grader.examine.journal import Journal, PlaceFacts, read_journal
from grader.examine.phases import Stretch, phases_of
from grader.examine.places import Places
from grader.examine.stored import compare_with_store
from grader.examine.tree import ModelTree
from grader.printable import printable
from grader.run.execution import CellOutcome, Execution
from grader.run.flavour import Choice
from grader.submission import Submission, load_submission
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
    stretches, unrelated = based_stretches(journal)
    subject = subject_of(journal, stretches, places)
    notes = [*submission.notes, *execution.notes, *(Note(kind=n.kind, text=n.text) for n in journal.notes)]
    notes.extend(integrity_notes(journal, snapshots))
    notes.extend(unrelated_notes(unrelated, stretches))
    notebook = notebook_facts(submission, assignment, execution, places)
    if subject is None:
        return Evidence(
            assignment=assignment.slug,
            notebook=notebook,
            environment=environment_of(journal, execution, facts, "none"),
            model=model_without_base(journal),
            sources=places.sources(),
            notes=tuple(notes),
        )
    tree, base = subject.tree, subject.base
    phases, groups = phases_of([s for s in stretches if s.is_like(tree, base)], journal, snapshots, places)
    began = starting_point(phases, groups)
    start = (began.base, began.event.before) if began else (base, snapshots.latest())
    comparison = compare_with_store(facts.store, assignment, snapshots, *start)
    config = ModelConfig.read(execution.evidence, tree.model.config)
    described = describe_base(journal, subject, config, places, comparison)
    return Evidence(
        assignment=assignment.slug,
        notebook=notebook,
        environment=environment_of(journal, execution, facts, comparison.kind),
        model=describe_model(subject, config),
        base=described,
        phases=phases,
        sources=places.sources(),
        notes=tuple(notes),
    )


def based_stretches(journal: Journal) -> tuple[list[Stretch], list[str]]:
    """The stretches of training whose model has a base, and the names of the other models that were trained."""
    stretches, unrelated = [], []
    for event in journal.trainings:
        described = journal.model(event.model)
        if described is None:
            continue
        tree = ModelTree(journal, described)
        base = find_base(journal, tree)
        if base is None:
            unrelated.append(described.name[:80])
        else:
            stretches.append(Stretch(event, tree, base))
    return stretches, unrelated


@dataclass(frozen=True)
class Subject:
    """The model under test.

    Args:
        chosen: why this one, as a phrase.
    """

    tree: ModelTree
    base: FoundBase
    chosen: str


def subject_of(journal: Journal, stretches: list[Stretch], places: Places) -> Subject | None:
    """The model with a base that was trained last; else compiled last; else built last."""
    if stretches:
        last = stretches[-1]
        place = places.place(last.event.place)
        return Subject(last.tree, last.base, f"trained last, in cell {place.cell}" if place else "trained last")
    for number in [*(c.model for c in reversed(journal.compiles)), *(m.model for m in reversed(journal.models))]:
        described = journal.model(number)
        if described is None or journal.is_application(number) or not described.is_model:
            continue
        tree = ModelTree(journal, described)
        base = find_base(journal, tree)
        # A copy of the bare base (loaded, cloned) is not yet a model for the task.
        if base is not None and any(leaf.own and leaf not in base.layers for leaf in tree.leaves):
            return Subject(tree, base, "built last; it was never trained")
    return None


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


def starting_point(phases: Sequence[Phase], groups: Sequence[list[Stretch]]) -> Stretch | None:
    """The stretch with which the training of the head began."""
    for phase, group in zip(phases, groups, strict=True):
        if phase.role == "head":
            return group[0]
    return groups[0][0] if groups else None


def describe_base(
    journal: Journal, subject: Subject, config: ModelConfig | None, places: Places, comparison: StoreComparison
) -> Base:
    """The base as evidence."""
    tree, base = subject.tree, subject.base
    container = tree.containers.get(base.number) if base.number is not None else None
    original = journal.model(base.application.model)
    style = base.style
    if style == "nested" and not (config and config.has_graph):
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
                name=leaf.name[:80],
                kind=leaf.kind[:60],
                parameters=sum(prod(w.shape) for w in leaf.own if w.trains),
                statistics=sum(prod(w.shape) for w in leaf.own if w.role in ("moving_mean", "moving_variance")),
            )
            for index, leaf in enumerate(base.layers)
        ),
        calls=base_calls(journal, base, container.name if container else None, config, places),
        store=comparison,
    )


def describe_model(subject: Subject, config: ModelConfig | None) -> Model:
    """The model as evidence."""
    tree, base = subject.tree, subject.base
    inner = frozenset(leaf.name for leaf in base.layers) if base.number is None else frozenset()
    return Model(
        name=tree.model.name[:80],
        kind=tree.model.kind[:60],
        chosen=subject.chosen,
        parameters=sum(prod(weight.shape) for leaf in tree.leaves for weight in leaf.own),
        nodes=config.nodes(inner) if config else (),
    )


def notebook_facts(submission: Submission, assignment: Assignment, execution: Execution, places: Places) -> Notebook:
    """The file and its cells."""
    starter = load_submission(assignment.starter).notebook
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


def integrity_notes(journal: Journal, snapshots: Snapshots) -> list[Note]:
    """What staff should know about evidence that was tampered with or cut off."""
    notes = []
    if journal.damaged:
        notes.append(
            Note(kind="integrity", text=f"{journal.damaged} lines of the recorder's journal could not be read.")
        )
    if snapshots.damaged:
        notes.append(
            Note(kind="integrity", text=f"{snapshots.damaged} of the recorder's array files could not be read.")
        )
    return notes


def unrelated_notes(unrelated: list[str], stretches: list[Stretch]) -> list[Note]:
    """Which trained models were left aside."""
    names = ", ".join(f"`{name}`" for name in dict.fromkeys(unrelated))
    if not names or not stretches:
        return []
    return [Note(kind="model", text=f"Also trained, but without a pretrained base and not looked at: {names}.")]

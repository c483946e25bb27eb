"""`grader grade` from beginning to end: find, plan, run, keep, and lay out what there is to see."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from grader.assignment import Assignment, find_assignment, find_assignments
from grader.batch.capacity import default_jobs
from grader.batch.executors import Executor
from grader.batch.executors.local import LocalExecutor
from grader.batch.fingerprint import conditions_of, rubric_hash
from grader.batch.gradebook import Gradebook
from grader.batch.grading import Grading
from grader.batch.plan import Plan, assignment_for, make_plan
from grader.batch.progress import ClassProgress, Tally
from grader.batch.publishing import publish
from grader.batch.scoring import Rubric
from grader.batch.sources import find_submissions
from grader.batch.store import Store, gradebook_of, working_on
from grader.batch.store.people import enter_class, enter_found
from grader.batch.store.results import scored_otherwise
from grader.errors import GraderError, SubmissionError
from grader.grade import Options
from grader.run.flavour import asked_flavour, choose_flavour
from grader.run.zygote import foretell
from grader.submission import load_starter, load_submission
from grader.weights import WeightsStore

__all__ = ["Order", "grade_class"]

SUBMISSIONS = "submissions"
"""Folder in the class's own where a source's archives are unpacked."""


@dataclass(frozen=True)
class Order:
    """What was asked for.

    Args:
        source: folder or zip with the submissions.
        out: folder of the class.
        assignment: slug or folder; empty: recognised from the notebooks.
        options: for each run.
        jobs: workers on this machine; None: as many as it has cores and memory for.
        dask: address of a scheduler, or ``local:N``; empty: no Dask.
        rerun: whether to run again what was run under other conditions.
    """

    source: Path
    out: Path
    assignment: str = ""
    options: Options = field(default_factory=Options)
    jobs: int | None = None
    dask: str = ""
    rerun: bool = False


def grade_class(order: Order, tally: Tally) -> Gradebook:
    """Grade what is not graded yet.

    Args:
        order: what to grade and how.
        tally: kept up to date under way.

    Raises:
        GraderError: the grader could not do its work; what it had done by then is kept.
    """
    chosen = find_assignment(order.assignment) if order.assignment else None
    if chosen is not None:
        # A mistake in the rubric should not cost an hour to find.
        Rubric(chosen)
    if not order.source.exists():
        raise GraderError(f"{order.source}: there is no such file or folder.", "Check the path.")
    with working_on(order.out, "grading", make=True) as store:
        found = find_submissions(order.source, order.out / SUBMISSIONS, chosen.slug if chosen else "")
        assignment = chosen or assignment_for(found, find_assignments())
        for first in found.attempts[:1]:
            with suppress(SubmissionError):  # Where it cannot be read, another one may tell later.
                foretell(*kernel_for(order, assignment, first.path))
        with store.session() as session:
            enter_class(session, assignment, order.out)
            enter_found(session, found)
        work(order, store, assignment, tally)
        with store.session() as session:
            tally.otherwise = scored_otherwise(session, rubric_hash(assignment))
        gradebook = gradebook_of(store)
        publish(store, gradebook, assignment)
        return gradebook


def work(order: Order, store: Store, assignment: Assignment, tally: Tally) -> None:
    """Plan and run."""
    weights = WeightsStore()
    with ClassProgress() as progress:
        weights.ensure(assignment.base.application, [assignment.base.input_shape], progress=progress.say)
        conditions = conditions_of(assignment, order.options, weights)
        starter = load_starter(assignment.starter)
        plan = make_plan(store, conditions, starter, rerun=order.rerun)
        tally.total, tally.done, tally.outdated = plan.total, plan.done, plan.outdated
        progress.begin(tally)
        if not plan.waiting:
            progress.say(f"{assignment.slug}: {told(plan)}")
            return
        with executor_for(order, assignment, weights, plan) as executor:
            progress.say(f"{assignment.slug}: {told(plan)}, {executor.described}")
            Grading(store, assignment, conditions, order.options, weights, executor, progress).work(plan)


def executor_for(order: Order, assignment: Assignment, weights: WeightsStore, plan: Plan) -> Executor:
    """Who runs notebooks; no more workers here than there is work for."""
    if order.dask:
        from grader.batch.executors.dask import DaskExecutor

        return DaskExecutor(order.dask, assignment, weights)
    executor = LocalExecutor(max(1, min(order.jobs or default_jobs(), len(plan.to_run))))
    if plan.to_run:
        executor.expect(*kernel_for(order, assignment, plan.first.handed.path))
    return executor


def kernel_for(order: Order, assignment: Assignment, notebook: Path) -> tuple[str, str]:
    """Which Keras this notebook will be run on, and with which kind of training.

    Raises:
        SubmissionError: it cannot be read, and nothing but the notebook tells.
    """
    asked = asked_flavour(order.options.keras, assignment.keras)
    flavour = (asked or choose_flavour(load_submission(notebook).notebook)).flavour
    return flavour, order.options.training or assignment.training


def told(plan: Plan) -> str:
    """``30 submissions: 18 graded before, 12 to run``"""
    runs, items = len(plan.to_run), sum(map(len, plan.to_run.values()))
    same = items - runs + sum(map(len, plan.known.values()))
    parts = [
        f"{plan.done} graded before" if plan.done else "",
        f"{same} with the code of another" if same else "",
        f"{plan.unreadable} that cannot be read" if plan.unreadable else "",
        f"{runs} to run" if runs else "nothing to run",
    ]
    return f"{plan.total} submission{'s' if plan.total != 1 else ''}: {', '.join(filter(None, parts))}"

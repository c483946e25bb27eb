"""What is to be done for a class: what is graded already, what can be reused, and what has to be run."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode
from sqlalchemy.orm import Session

from grader.assignment import Assignment
from grader.batch.entries import Found
from grader.batch.fingerprint import code_hash, run_key
from grader.batch.likeness import fingerprint
from grader.batch.scoring import Owner
from grader.batch.store import Store
from grader.batch.store.people import Handed, counting, mark_read, mark_trouble
from grader.batch.store.runs import find_run
from grader.errors import AssignmentError, GraderError, SubmissionError
from grader.recognise import recognise
from grader.submission import load_submission

__all__ = ["Item", "Plan", "assignment_for", "make_plan"]

CHUNK = 200
"""Submissions whose files are read in one transaction."""


@dataclass(frozen=True)
class Item:
    """One submission to be graded."""

    handed: Handed
    owner: Owner


@dataclass
class Plan:
    """What is to be done."""

    total: int = 0
    done: int = 0
    """Graded before; nothing is to be done."""
    outdated: int = 0
    """Of these: run under other conditions than those of now."""
    known: dict[int, list[Item]] = field(default_factory=dict)
    """By the number of a run that shows what they do."""
    to_run: dict[str, list[Item]] = field(default_factory=dict)
    """By the key of the run; all of one entry have the same code."""
    unreadable: int = 0

    @property
    def first(self) -> Item:
        """One that is run before most others."""
        return next(iter(self.to_run.values()))[0]

    @property
    def waiting(self) -> int:
        """Submissions that get a result now."""
        return sum(map(len, self.known.values())) + sum(map(len, self.to_run.values()))


def make_plan(
    store: Store, conditions: dict[str, Any], starter: NotebookNode | None = None, *, rerun: bool = False
) -> Plan:
    """Read every submission that counts and see what is known of it.

    Args:
        store: of the class, whose students are entered.
        conditions: what runs are made under now.
        starter: the assignment's, which is left out where code is compared.
        rerun: whether to run again what was run under other conditions.
    """
    with store.session() as session:
        handed = counting(session)
    plan = Plan(total=len(handed))
    for start in range(0, len(handed), CHUNK):
        with store.session() as session:
            for one in handed[start : start + CHUNK]:
                read = look_at(session, one, starter)
                if read is None:
                    plan.unreadable += 1
                else:
                    place(session, plan, read, run_key(read.handed.code, conditions), rerun)
    return plan


def place(session: Session, plan: Plan, item: Item, key: str, rerun: bool) -> None:
    """Put a submission where it belongs in the plan."""
    if item.handed.key and (item.handed.key == key or not rerun):
        plan.done += 1
        plan.outdated += item.handed.key != key
        return
    run = find_run(session, key)
    if run is None:
        plan.to_run.setdefault(key, []).append(item)
    else:
        plan.known.setdefault(run, []).append(item)


def look_at(session: Session, handed: Handed, starter: NotebookNode | None) -> Item | None:
    """Read the file unless it is as it was when it was read last; None where it cannot be read."""
    label = handed.student.name or handed.student.key
    try:
        sha256 = hashlib.sha256(handed.path.read_bytes()).hexdigest()
    except OSError:
        sha256 = ""
    if sha256 and sha256 == handed.sha256 and handed.code and handed.fault != "unreadable":
        return Item(handed, Owner(handed.name, sha256, label, handed.repairs))
    try:
        submission = load_submission(handed.path)
    except SubmissionError as exc:
        what = exc.message.removeprefix(f"{handed.path}: ")
        mark_read(session, handed.id, sha256, "", "", [])
        mark_trouble(session, handed.id, "unreadable", f"{handed.name}: {what} {exc.remedy}".rstrip())
        return None
    code, repairs = code_hash(submission.notebook), [note.text for note in submission.notes]
    mark_read(session, handed.id, submission.sha256, code, fingerprint(submission.notebook, starter), repairs)
    fresh = Handed(handed.id, handed.student, handed.name, handed.path, submission.sha256, code, tuple(repairs), "", "")
    return Item(fresh, Owner(handed.name, submission.sha256, label, tuple(repairs)))


def assignment_for(found: Found, assignments: list[Assignment]) -> Assignment:
    """The assignment that the notebooks of a source show, all the same one.

    Raises:
        AssignmentError: they show several, or none shows any.
    """
    shown: dict[str, list[str]] = {}
    by_slug = {assignment.slug: assignment for assignment in assignments}
    for attempt in found.attempts:
        # One that shows none, or cannot be read, is no reason to refuse the others.
        with suppress(GraderError):
            slug = recognise(load_submission(attempt.path), assignments).slug
            shown.setdefault(slug, []).append(f"{attempt.student.key}'s {attempt.name}")
    if len(shown) == 1:
        return by_slug[next(iter(shown))]
    known = ", ".join(sorted(by_slug))
    if not shown:
        raise AssignmentError("No notebook shows which assignment it belongs to.", f"Name one with -a: {known}.")
    told = "; ".join(f"{len(names)} of {slug}, e.g. {names[0]}" for slug, names in sorted(shown.items()))
    raise AssignmentError(f"The notebooks are of several assignments: {told}.", "Name one with -a.")

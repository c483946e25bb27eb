"""From a path to all submissions in it: which layout it is, whose each notebook is, and which attempt counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

from grader.batch.entries import Attempt, Found, Refused, Student
from grader.batch.sources._folder import FolderTree, SingleFile
from grader.batch.sources._layout import Handed, Layout, layouts, natural
from grader.batch.sources._tree import ARCHIVES, Limits, Member, Tree, UnreadableError
from grader.batch.sources._zip import ZipTree
from grader.errors import GraderError

__all__ = ["find_submissions"]

STRANGE = "Not a notebook, and nobody can tell whose it is."
EARLIEST = datetime.min.replace(tzinfo=timezone.utc)


def find_submissions(source: Path, into: Path, assignment_slug: str = "", limits: Limits | None = None) -> Found:
    """All submissions in a folder, a zip archive, or the export of a learning management system.

    Args:
        source: the folder or the archive; a single notebook is taken too.
        into: a folder where members of an archive are extracted.
        assignment_slug: tells which is meant where the source holds several assignments (nbgrader).
        limits: what is taken at the most.

    Raises:
        GraderError: there is no such source, it cannot be read, or it holds no notebook.
    """
    with closing(open_tree(Path(source), Path(into), limits or Limits())) as tree:
        return find_in(tree, assignment_slug)


def find_in(tree: Tree, assignment_slug: str) -> Found:
    """All submissions among the files of a source."""
    if not tree.notebooks:
        raise nothing_in(tree)
    layout, handed = recognise(tree, assignment_slug)
    attempts, refused = take_all(tree, layout, handed)
    if not attempts:
        first = refused[0]
        raise GraderError(
            f"{tree.source}: none of its {len(tree.notebooks)} notebooks can be graded.",
            f"The first of them is {first.what}: {first.reason}",
        )
    refused.extend(without_notebook(tree, handed, {attempt.student.key for attempt in attempts}))
    refused.extend(Refused(what=member.where, reason=STRANGE) for member in layout.strangers(tree))
    return Found(
        source=layout.name,
        attempts=tuple(attempts),
        refused=tuple(sorted([*tree.refused, *refused], key=lambda one: natural(one.what))),
    )


def open_tree(source: Path, into: Path, limits: Limits) -> Tree:
    """The source's files, by what kind of thing it is."""
    if source.is_dir():
        return FolderTree(source, limits)
    if not source.exists():
        raise GraderError(f"{source}: there is no such file or folder.", "Check the path.")
    if Member((source.name,)).is_notebook:
        return SingleFile(source, limits)
    if ARCHIVES.search(source.name) and source.suffix.lower() != ".zip":
        raise GraderError(f"{source}: only zip archives are opened.", "Unpack it and name the folder.")
    return ZipTree(source, into, limits)


def nothing_in(tree: Tree) -> GraderError:
    """The error for a source without a notebook."""
    archives = [member for member in tree.members if ARCHIVES.search(member.name)]
    if len(archives) == 1 and isinstance(tree, FolderTree):
        path = tree.source.joinpath(*archives[0].parts)
        return GraderError(f"{tree.source}: there is no notebook (.ipynb) in it.", f"Name the archive itself: {path}")
    if tree.refused:
        first = tree.refused[0]
        return GraderError(
            f"{tree.source}: there is no notebook (.ipynb) in it that may be read.",
            f"Refused was {first.what}: {first.reason}",
        )
    count = len(tree.members)
    what = f"only {count} other file{'s' if count != 1 else ''}" if count else "it is empty"
    return GraderError(
        f"{tree.source}: there is no notebook (.ipynb) in it, {what}.",
        "Name the folder or the zip archive with the submissions.",
    )


def recognise(tree: Tree, assignment: str) -> tuple[Layout, Mapping[Member, Handed]]:
    """The most specific layout that knows whose at least half of the notebooks are.

    Half, because a file that someone put beside an export should not turn it into something else.
    """
    for layout in layouts():
        handed = layout.read(tree, assignment)
        known = sum(member in handed for member in tree.notebooks)
        if known and 2 * known >= len(tree.notebooks):
            return layout, handed
    raise AssertionError("the flat layout knows every notebook")


def take_all(tree: Tree, layout: Layout, handed: Mapping[Member, Handed]) -> tuple[list[Attempt], list[Refused]]:
    """The notebooks as files, numbered within each student; and those that cannot be had."""
    by_student: dict[str, list[tuple[Member, Handed, Path]]] = defaultdict(list)
    refused: list[Refused] = []
    for member in tree.notebooks:
        one = handed.get(member)
        reason = one.reason if one else f"Not named as in the {layout.name} layout, so nobody can tell whose it is."
        if one and not reason:
            try:
                path = tree.take(member)
                by_student[one.student.key].append((member, one, path))
            except UnreadableError as exc:
                reason = str(exc)
        if reason:
            refused.append(Refused(what=member.where, reason=reason, student=one.student if one else None))
    attempts: list[Attempt] = []
    for key in sorted(by_student, key=natural):
        entries = sorted(by_student[key], key=lambda entry: in_time(entry[0], entry[1]))
        student = fullest([one.student for _, one, _ in entries])
        attempts.extend(
            Attempt(student=student, path=path, name=one.name, number=number, submitted=one.submitted, late=one.late)
            for number, (_, one, path) in enumerate(entries, 1)
        )
    return attempts, refused


def in_time(member: Member, one: Handed) -> tuple[object, ...]:
    """A key that sorts attempts into the order in which they were handed in."""
    moment = one.submitted or EARLIEST
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return (moment, one.order, natural(member.stem), member.parts)


def fullest(students: list[Student]) -> Student:
    """The record of a student that says most; they are of one key."""
    return max(students, key=lambda student: (bool(student.name), bool(student.email), len(student.ids)))


def without_notebook(tree: Tree, handed: Mapping[Member, Handed], graded: set[str]) -> list[Refused]:
    """One refusal for each student of whom nothing can be graded: those must not go unseen."""
    files: dict[str, list[tuple[Member, Handed]]] = defaultdict(list)
    tried: set[str] = set()
    for member, one in handed.items():
        if member.is_notebook:
            tried.add(one.student.key)
        else:
            files[one.student.key].append((member, one))
    return [refusal(entries) for key, entries in files.items() if key not in graded | tried]


def refusal(entries: list[tuple[Member, Handed]]) -> Refused:
    """What one student handed in in place of a notebook."""
    told = next((entry for entry in entries if ARCHIVES.search(entry[0].name) or entry[1].reason), entries[0])
    member, one = told
    if ARCHIVES.search(member.name):
        reason = "An archive within the source is not opened; unpack it, or ask for the notebook itself."
    elif len(entries) > 1 and not one.reason:
        reason = f"None of the {len(entries)} files there is a notebook; ask for the .ipynb file."
    else:
        reason = one.reason or "Not a notebook; ask for the .ipynb file."
    return Refused(what=member.where, reason=reason, student=one.student)

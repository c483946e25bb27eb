"""Gradescope: *Export submissions* gives ``assignment_1_export/submission_2/hw.ipynb`` and a file about all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar

import yaml

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML built without the C library
    from yaml import SafeLoader  # type: ignore[assignment]

from grader.batch.entries import Student
from grader.batch.sources._layout import Handed, Layout
from grader.batch.sources._tree import Member, Tree, UnreadableError
from grader.errors import GraderError

__all__ = ["Gradescope"]

FOLDER = re.compile(r"submission_([0-9]{1,18})", re.IGNORECASE)
METADATA = "submission_metadata.yml"


class RubyLoader(SafeLoader):
    """Reads what a Ruby program wrote: its tags mean nothing here, and no object is ever made."""


def plain(loader: SafeLoader, suffix: str, node: yaml.Node) -> Any:
    """The value below a tag of Ruby's."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


RubyLoader.add_multi_constructor("!ruby/", plain)


class Gradescope(Layout):
    """One folder a submission; who handed it in is in the file about all of them."""

    name: ClassVar[str] = "gradescope"
    specificity: ClassVar[int] = 60

    def read(self, tree: Tree, assignment: str) -> Mapping[Member, Handed]:
        """By folder."""
        about = metadata(tree)
        handed: dict[Member, Handed] = {}
        for member in tree.members:
            match = next((match for part in member.parts[:-1] if (match := FOLDER.fullmatch(part))), None)
            if match:
                number = match[1]
                known = about.get(f"submission_{number}", {})
                moment = value_of(known, "created_at")
                handed[member] = Handed(
                    student_of(number, known), member.name, submitted=as_time(moment), order=(int(number),)
                )
        return handed


def metadata(tree: Tree) -> dict[str, dict[str, Any]]:
    """The file about all submissions, by the name of each folder; empty where it is missing.

    Raises:
        GraderError: it is broken; without it everyone would be graded under another name.
    """
    found = next((member for member in tree.members if member.name == METADATA), None)
    if found is None:
        return {}
    try:
        loaded = yaml.load(tree.read(found).decode("utf-8-sig"), Loader=RubyLoader)  # makes no objects
    except (UnreadableError, yaml.YAMLError, ValueError, RecursionError) as exc:
        raise unusable(tree, found, str(exc).split("\n")[0]) from None
    if not isinstance(loaded, dict):
        raise unusable(tree, found, "no table of submissions")
    return {str(key).lower(): value for key, value in loaded.items() if isinstance(value, dict)}


def unusable(tree: Tree, member: Member, why: str) -> GraderError:
    """The error for a file that should say who handed in what, and does not."""
    return GraderError(
        f"{tree.source}: {member.where} cannot be read: {why.rstrip('.')}.",
        "Export the submissions again, or take the file out to grade them by their numbers.",
    )


def value_of(record: Mapping[Any, Any], key: str) -> Any:
    """A value by its key, which Ruby writes as a symbol with a colon before it."""
    return record.get(f":{key}", record.get(key))


def student_of(number: str, known: Mapping[str, Any]) -> Student:
    """Whoever submitted: one person, or a group as one."""
    listed = value_of(known, "submitters")
    people = [person for person in listed if isinstance(person, dict)] if isinstance(listed, list) else []
    names = [text_of(person, "name") for person in people]
    emails = [text_of(person, "email") for person in people]
    numbers = [text_of(person, "sid") for person in people]
    keys = [sid or email for sid, email in zip(numbers, emails, strict=True) if sid or email]
    ids = {"gradescope": number}
    if len(people) == 1 and numbers[0]:
        ids["sid"] = numbers[0]
    return Student(
        key="+".join(keys) or f"submission_{number}",
        name=" & ".join(filter(None, names)),
        email=emails[0] if len(people) == 1 else "",
        ids=ids,
    )


def text_of(person: Mapping[str, Any], key: str) -> str:
    """A field of a person; YAML makes numbers of some."""
    value = value_of(person, key)
    return "" if value is None else str(value).strip()


def as_time(value: object) -> datetime | None:
    """A moment, however YAML read it."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00").replace(" UTC", "+00:00"))
    except ValueError:
        return None

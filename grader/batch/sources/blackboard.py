"""Blackboard: *Assignment file download* gives ``ASSIGNMENT_USERNAME_attempt_2026-02-01-23-58-10_hw.ipynb``.

Beside the files of each attempt lies a text file with the same beginning, which names the student.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from grader.batch.entries import Student
from grader.batch.sources._layout import Handed, Layout
from grader.batch.sources._tree import Member, Tree

__all__ = ["Blackboard"]

NAME = re.compile(
    r"(?P<before>.+)_attempt_(?P<time>\d{4}(?:-\d\d){5})(?:_(?P<original>.+)|(?P<about>\.txt))", re.DOTALL
)
PERSON = re.compile(r"^Name:[ \t]*(?P<name>.*?)[ \t]*\((?P<user>[^()]+)\)[ \t\r]*$", re.MULTILINE)
FILES = re.compile(r"Original filename:[ \t]*(?P<original>[^\r\n]+?)[ \t]*\r?\n\s*Filename:[ \t]*(?P<stored>[^\r\n]+)")


class Blackboard(Layout):
    """The user's name and the time of the attempt are in each file's name."""

    name: ClassVar[str] = "blackboard"
    specificity: ClassVar[int] = 70

    def read(self, tree: Tree, assignment: str) -> Mapping[Member, Handed]:
        """By name; what the text files say goes before what can be read from names."""
        matches = {member: match for member in tree.members if (match := NAME.fullmatch(member.name))}
        people: dict[str, Student] = {}
        originals: dict[str, str] = {}
        for member, match in matches.items():
            if match["about"]:
                text = tree.text(member)
                originals.update({found["stored"].strip(): found["original"] for found in FILES.finditer(text)})
                if person := PERSON.search(text):
                    user = person["user"].strip()
                    people[match["before"]] = Student(key=user, name=person["name"], ids={"blackboard": user})
        return {
            member: Handed(
                student=people.get(match["before"]) or guessed(match["before"]),
                name=originals.get(member.name) or match["original"],
                submitted=moment(match["time"]),
            )
            for member, match in matches.items()
            if not match["about"]
        }


def guessed(before: str) -> Student:
    """The student where no text file tells: the user's name comes after the assignment's."""
    user = before.rpartition("_")[2] or before
    return Student(key=user, ids={"blackboard": user})


def moment(text: str) -> datetime | None:
    """The time of an attempt, in the time zone of the server."""
    try:
        return datetime.strptime(text, "%Y-%m-%d-%H-%M-%S")
    except ValueError:
        return None

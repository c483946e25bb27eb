"""Reading the names of weights files: what a notebook's own path or a renamed download stands for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from grader.weights.record import WeightsRecord

__all__ = ["UNNAMED", "best_match", "canonical", "clean", "decimals", "name_application", "numbers", "without_top"]

COPY = re.compile(r"(?:\s*\(\d+\)|[ _-]+copy[ _-]*\d*)+$", re.IGNORECASE)
ENDING = re.compile(r"\.(?:hdf5|h5|hdf)$", re.IGNORECASE)
UNNAMED = re.compile(r"variable(?:_\d+)?", re.IGNORECASE)
"""Name of a Keras variable that the layer gave none."""
OWN_WORK = re.compile(r"fine.?tun|checkpoint|ckpt|best|epoch|final", re.IGNORECASE)
"""Words by which people name weights that they trained themselves."""


def clean(path_or_name: str) -> str:
    """The bare file name, ending in ``.h5``, without the marks of a copy; empty where it is no HDF5 file's name."""
    name = COPY.sub("", re.split(r"[/\\]", path_or_name.strip())[-1])
    if not ENDING.search(name):
        return ""
    stem = COPY.sub("", ENDING.sub("", name))
    return f"{stem}.h5" if stem else ""


def canonical(text: str) -> str:
    """Letters and digits only, in lower case."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def name_application(file_name: str, applications: Iterable[str]) -> str | None:
    """The application that a file name speaks of: the longest one that is in it, however it is spelt."""
    name = canonical(file_name)
    return max((app for app in applications if canonical(app) in name), key=len, default=None)


def without_top(file_name: str) -> bool:
    """Whether the name says that the classifier is left out."""
    return "notop" in canonical(file_name)


def rest(file_name: str, application: str) -> str:
    """The name without the application's, whose own digits (50, 121) are no size."""
    spelt = "[^a-zA-Z0-9]*".join(map(re.escape, canonical(application)))
    return re.sub(spelt, " ", file_name, count=1, flags=re.IGNORECASE)


def numbers(file_name: str, application: str) -> list[int]:
    """Image sizes in pixels that the name may speak of."""
    return [
        n
        for n in map(int, re.findall(r"(?<![\d.])\d{2,4}(?![\d.]\d)", rest(file_name, application)))
        if 32 <= n <= 1024
    ]


def decimals(file_name: str, application: str) -> list[float]:
    """Width multipliers that the name may speak of, e.g. ``1.0``."""
    return [float(text) for text in re.findall(r"(?<!\d)\d\.\d+", rest(file_name, application))]


def best_match(
    path_or_name: str, records: Sequence[WeightsRecord], default: dict[str, str | None]
) -> WeightsRecord | None:
    """The record that a path in a notebook stands for.

    Args:
        path_or_name: as the notebook has it.
        records: what the store holds.
        default: by application, the no-top file that it asks for when no input shape is given.

    Returns:
        The file of that very name; else, for a renamed one that still says which application it is of and that
        the classifier is left out (or that it is the ImageNet one), the one it names; None if neither.
    """
    name = clean(path_or_name)
    exact = next((record for record in records if record.file.lower() == name.lower()), None)
    if exact or not name or OWN_WORK.search(name):
        return exact
    application = name_application(name, {record.application for record in records})
    if application is None or not (without_top(name) or "imagenet" in name.lower()):
        return None
    fitting = [r for r in records if r.application == application and r.include_top != without_top(name)]
    widths = decimals(name, application)
    fitting = [r for r in fitting if all(w in (decimals(r.file, application) or [1.0]) for w in widths)]
    sizes = numbers(name, application)
    if not sizes:
        preferred = [r for r in fitting if r.file == default.get(application)]
        return next(iter(preferred or sorted(fitting, key=lambda r: -r.input_size)), None)
    sized = [r for r in fitting if numbers(r.file, application)]
    return next((r for r in fitting if r.input_size in sizes or r not in sized), None)

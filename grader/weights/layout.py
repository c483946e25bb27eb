"""The store's files on disk: how they are named, written in one step, read and checked.

NAME.h5            what `keras.applications` reads
NAME.safetensors   the same tensors in layer order, for comparison
NAME.json          the record, written last
requests.json      which file an application asked for, by input shape
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from safetensors.numpy import save_file

from grader.errors import WeightsError
from grader.tensor_files import tensors_path
from grader.weights.record import WeightsRecord

__all__ = [
    "PART",
    "answered",
    "commit",
    "digest",
    "note_answers",
    "read_answers",
    "read_record",
    "read_records",
    "record_path",
    "remedy_for",
    "request_key",
    "require_intact",
    "stands",
]

PART = ".part-"
"""How the name of an unfinished file begins."""
REQUESTS = "requests.json"
Answers = dict[str, dict[str, str | None]]


def record_path(folder: Path, file_name: str) -> Path:
    """Path of the record of a weights file."""
    return folder / f"{file_name.removesuffix('.h5')}.json"


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()


def read_record(folder: Path, file_name: str) -> WeightsRecord | None:
    """The record of a weights file; None where the store has none.

    Raises:
        WeightsError: the record is there but is not one.
    """
    path = record_path(folder, file_name)
    try:
        return WeightsRecord.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (ValidationError, OSError):
        raise WeightsError(
            f"{path}: not a weights record.", "Delete that file, then add or make the weights again."
        ) from None


def read_records(folder: Path) -> list[WeightsRecord]:
    """All records of the store, by file name."""
    names = sorted(
        path.stem for path in folder.glob("*.json") if path.name != REQUESTS and not path.name.startswith(".")
    )
    return [record for name in names if (record := read_record(folder, f"{name}.h5"))]


def require_intact(folder: Path, record: WeightsRecord, *, bytes_too: bool = False) -> None:
    """See that both files are there and as long as they were when they were written.

    Args:
        folder: the store.
        record: of the weights file.
        bytes_too: also compare the hash of the ``.h5`` file's bytes.

    Raises:
        WeightsError: a file is missing or was changed.
    """
    for path, size in ((folder / record.file, record.size), (tensors_path(folder, record.file), record.tensors_size)):
        if not path.is_file():
            raise WeightsError(f"{path}: this file of the weights store is missing.", remedy_for(record))
        found = path.stat().st_size
        if found != size:
            raise WeightsError(f"{path}: broken: {found} bytes where {size} were written.", remedy_for(record))
    if bytes_too and digest(folder / record.file) != record.sha256:
        raise WeightsError(
            f"{folder / record.file}: broken: its bytes are not those that were written.", remedy_for(record)
        )


def stands(folder: Path, file_name: str) -> bool:
    """Whether the store has this file whole; a broken stand-in does not count, for it can be made anew.

    Raises:
        WeightsError: a real file is broken, which must be brought again.
    """
    record = read_record(folder, file_name)
    if record is None:
        return False
    try:
        require_intact(folder, record)
    except WeightsError:
        if record.kind == "pretrained":
            raise
        return False
    return True


def remedy_for(record: WeightsRecord) -> str:
    """How to bring a broken file back."""
    if record.kind == "pretrained":
        return "Add the file again: grader weights add FILE."
    return f"Delete {record.file} and run the grader again: it makes the stand-in anew."


def commit(folder: Path, record: WeightsRecord, hdf5: Path, tensors: dict[str, np.ndarray]) -> WeightsRecord:
    """Put a finished weights file in place; the caller holds the store's lock.

    The old record goes first and the new one comes last, so that a kill at any moment leaves a store that
    either has the file whole or does not claim to have it.

    Args:
        folder: the store.
        record: of the new file; its sizes and hash are filled in here.
        hdf5: the finished ``.h5`` file, somewhere on the store's file system; it is moved.
        tensors: by key, in layer order.

    Returns:
        The record as written.
    """
    part = folder / f"{PART}{os.getpid()}.safetensors"
    arrays = {key: np.asarray(array, order="C") for key, array in tensors.items()}
    save_file(arrays, part, metadata={"order": json.dumps(list(tensors))})
    record = record.model_copy(
        update={
            "sha256": digest(hdf5),
            "size": hdf5.stat().st_size,
            "tensors": len(tensors),
            "tensors_size": part.stat().st_size,
            "parameters": sum(array.size for array in arrays.values()),
        }
    )
    record_path(folder, record.file).unlink(missing_ok=True)
    for source, target in ((hdf5, folder / record.file), (part, tensors_path(folder, record.file))):
        flush(source)
        os.chmod(source, 0o644)
        os.replace(source, target)
    write_whole(record_path(folder, record.file), record.model_dump_json(indent=2) + "\n")
    return record


def flush(path: Path) -> None:
    """Have the file's bytes on disk before its name says that it is whole."""
    with path.open("rb") as file, contextlib.suppress(OSError):
        os.fsync(file.fileno())


def write_whole(path: Path, text: str) -> None:
    """Write a text file in one step."""
    part = path.with_name(f"{PART}{os.getpid()}.json")
    part.write_text(text, encoding="utf-8")
    flush(part)
    os.replace(part, path)


def request_key(include_top: bool, input_shape: tuple[int, ...] | None) -> str:
    """How a request is noted, e.g. ``no_top 160x160x3`` or ``top default``."""
    shape = "x".join(map(str, input_shape)) if input_shape else "default"
    return f"{'top' if include_top else 'no_top'} {shape}"


def read_answers(folder: Path) -> Answers:
    """By application and request: the file asked for, or None where there is none for that shape."""
    try:
        known: Answers = json.loads((folder / REQUESTS).read_text(encoding="utf-8"))
        return known
    except (OSError, ValueError):
        return {}  # It only saves asking again.


def note_answers(folder: Path, application: str, answers: dict[str, str | None]) -> None:
    """Remember which files an application asked for; the caller holds the store's lock."""
    known = read_answers(folder)
    known.setdefault(application, {}).update(answers)
    write_whole(folder / REQUESTS, json.dumps(known, indent=2, sort_keys=True) + "\n")


def answered(answers: Answers, application: str, keys: Iterable[str]) -> list[str] | None:
    """The files that stand for these requests, or None where one was never made."""
    known = answers.get(application, {})
    keys = list(keys)
    if not all(key in known for key in keys):
        return None
    return [name for name in dict.fromkeys(known[key] for key in keys) if name]

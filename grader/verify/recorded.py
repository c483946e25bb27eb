"""Evidence that lies beside a reference's notebooks: what each of them showed when it was last run for this file.

With it, the checks can be judged on every notebook without running one.
"""

from __future__ import annotations

import lzma
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from grader.errors import GraderError
from grader.verify.records import Record
from grader.verify.variants import Reference

__all__ = ["FILE", "read_recorded", "write_recorded"]

FILE = "recorded.jsonl.xz"


def read_recorded(reference: Reference) -> dict[tuple[str, Literal["2", "3"]], Record]:
    """The recorded notebooks of a reference by name and Keras; empty where nothing was recorded.

    Raises:
        GraderError: the file is there and cannot be read.
    """
    path = file_of(reference)
    if not path.is_file():
        return {}
    try:
        lines = lzma.decompress(path.read_bytes()).decode("utf-8").splitlines()
        records = [Record.model_validate_json(line) for line in lines]
    except (lzma.LZMAError, UnicodeDecodeError, ValidationError) as exc:
        reason = f"line {exc.errors()[0]['loc']}" if isinstance(exc, ValidationError) else str(exc)
        raise GraderError(f"{path}: cannot be read: {reason}.", "Make it anew with `make recorded`.") from exc
    return {record.key: record for record in records}


def write_recorded(reference: Reference, records: list[Record]) -> None:
    """Put these in place of what was recorded, in a fixed order."""
    lines = [f"{record.model_dump_json()}\n" for record in sorted(records, key=lambda record: record.key)]
    file_of(reference).write_bytes(lzma.compress("".join(lines).encode("utf-8"), preset=9))


def file_of(reference: Reference) -> Path:
    """Where it lies."""
    return reference.folder / FILE

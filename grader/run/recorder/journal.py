"""The recorder's journal: one JSON object a line, flushed as it happens, and arrays beside it.

A killed kernel leaves all that was written before. Arrays go to `snapshot-N.safetensors`, each variable
only when it differs from what was last written of it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

__all__ = ["Journal"]


class Journal:
    """Appends events and arrays to one folder."""

    def __init__(self, folder: Path, name: str = "journal.jsonl") -> None:
        self.folder = folder
        # Kept open for good: the student's code may change the current folder or the limits on open files.
        self._stream = (folder / name).open("a", encoding="utf-8")
        self._digests: dict[str, bytes] = {}
        self._snapshots = 0
        self._notes: set[tuple[str, str]] = set()

    def event(self, kind: str, /, **facts: Any) -> None:
        """Write one event."""
        self._stream.write(json.dumps({"event": kind, **facts}, default=str) + "\n")
        self._stream.flush()

    def note(self, kind: str, text: str) -> None:
        """Write a note for the report, the same one only once."""
        if (kind, text) not in self._notes:
            self._notes.add((kind, text))
            self.event("note", kind=kind, text=text)

    def snapshot(self, arrays: dict[str, np.ndarray]) -> tuple[int, frozenset[str]]:
        """Write the arrays that changed since they were last written.

        Returns:
            The snapshot's number and the keys of the changed arrays.
        """
        changed = {}
        for key, array in arrays.items():
            # Not `ascontiguousarray`: it gives a scalar, such as the count of a `Normalization`, one dimension.
            array = np.asarray(array, order="C")
            # Today's processors have instructions for SHA-256, which make it twice as fast as BLAKE2.
            digest = hashlib.sha256(array.tobytes()).digest()
            if self._digests.get(key) != digest:
                self._digests[key] = digest
                changed[key] = array
        self._snapshots += 1
        number = self._snapshots
        if changed:
            save_file(changed, str(self.folder / f"snapshot-{number}.safetensors"))
        self.event("snapshot", id=number, written=bool(changed))
        return number, frozenset(changed)

    def document(self, name: str, text: str) -> None:
        """Write a text file beside the journal."""
        (self.folder / name).write_text(text, encoding="utf-8")

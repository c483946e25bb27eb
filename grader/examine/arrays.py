"""The values of weights at the moments that the recorder wrote them down."""

from __future__ import annotations

import bisect
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from grader.examine.wall import RefusedError, names_in, opened, path_of

__all__ = ["Snapshots", "same_bytes"]

NAME = re.compile(r"snapshot-([0-9]{1,9})\.safetensors")
MOST_BYTES = 2 * 10**9
"""Of one file: the largest network of `keras.applications` has 1.4 GB."""
MOST_TENSORS = 20_000
MOST_DIMENSIONS = 8
TYPES = {"F16", "F32", "F64", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64", "BOOL"}
"""Those that numpy has."""


class Snapshots:
    """Reads `snapshot-N.safetensors`; each variable stands in the last file before the moment where it changed."""

    def __init__(self, folder: Path) -> None:
        self._files: dict[int, safe_open] = {}
        self._written: dict[str, list[int]] = {}
        self.damaged = 0
        """Files that are no safetensors."""
        found = {int(match[1]): name for name in names_in(folder) if (match := NAME.fullmatch(name))}
        for number in sorted(found):
            try:
                with opened(folder, found[number], MOST_BYTES) as handle:
                    # The library checks that the header agrees with the file's size: offsets, shapes and types.
                    file = safe_open(path_of(handle, folder, found[number]), framework="numpy")
                keys = self._readable(file)
            except (SafetensorError, OSError, RefusedError, ValueError):
                # The kernel was killed while it wrote, or it is none of the recorder's.
                self.damaged += 1
                continue
            self._files[number] = file
            for key in keys:
                self._written.setdefault(key, []).append(number)

    @staticmethod
    def _readable(file: safe_open) -> list[str]:
        """The keys in the file.

        Raises:
            ValueError: it holds more, or other types, than weights have.
        """
        keys = list(file.keys())  # type: ignore[no-untyped-call]
        if len(keys) > MOST_TENSORS:
            raise ValueError("too many tensors")
        for key in keys:
            entry = file.get_slice(key)  # type: ignore[no-untyped-call]
            if entry.get_dtype() not in TYPES or len(entry.get_shape()) > MOST_DIMENSIONS:
                raise ValueError("no weights")
        return keys

    def value(self, key: str, moment: int) -> np.ndarray | None:
        """The variable as it was at this snapshot; None if it was not written by then."""
        written = self._written.get(key, [])
        position = bisect.bisect_right(written, moment)
        if not position:
            return None
        value: np.ndarray = self._files[written[position - 1]].get_tensor(key)  # type: ignore[no-untyped-call]
        return value

    def has_any(self, keys: Iterable[str], moment: int) -> bool:
        """Whether one of the variables was written by then; also where there are none that could be."""
        keys = list(keys)
        return not keys or any(self._written.get(key, [moment + 1])[0] <= moment for key in keys)

    def same(self, key: str, first: int, second: int) -> bool | None:
        """Whether the variable had the same bytes at both moments; None where one is not known.

        A variable is written only when its bytes changed, so that this mostly needs no reading.
        """
        written = self._written.get(key, [])
        at_first, at_second = bisect.bisect_right(written, first), bisect.bisect_right(written, second)
        if not at_first or not at_second:
            return None
        if at_first == at_second:
            return True
        before, after = self.value(key, first), self.value(key, second)
        return before is not None and after is not None and same_bytes(before, after)

    def changed(self, keys: Iterable[str], first: int, second: int) -> list[str]:
        """Those of the variables that differ between the two moments."""
        return [key for key in keys if self.same(key, first, second) is False]

    def digest(self, keys: Iterable[str], moment: int) -> str:
        """SHA-256 of these variables at this snapshot, by their order and not by their names; empty: there are none."""
        values = [value for key in keys if (value := self.value(key, moment)) is not None]
        hashed = hashlib.sha256()
        for value in values:
            hashed.update(f"{value.dtype}{value.shape}".encode())
            hashed.update(value.tobytes())
        return hashed.hexdigest() if values else ""

    def latest(self) -> int:
        """The number of the last snapshot; 0 if there is none."""
        return max(self._files, default=0)


def same_bytes(first: np.ndarray, second: np.ndarray) -> bool:
    """Equal to the last bit, in shape and type too (so that NaN equals NaN)."""
    return first.shape == second.shape and first.dtype == second.dtype and first.tobytes() == second.tobytes()

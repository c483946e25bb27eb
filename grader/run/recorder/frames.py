"""Where in the student's notebook a call comes from."""

from __future__ import annotations

import linecache
import os
import sys
from types import FrameType
from typing import Any

__all__ = ["CellFrames"]

MAGIC_SOURCES = ("<timed exec>", "<timed eval>", "<magic-timeit>", "<string>")


class CellFrames:
    """Maps code that IPython compiled back to the cells it came from.

    Cells are known by their execution count here; `grader.examine` turns that into the cell's number.
    """

    def __init__(self, shell: Any, work: str) -> None:
        self._current = 0
        self._work = os.path.realpath(work) + os.sep
        self._counts: dict[str, int] = {}
        naming = shell.compile.get_code_name

        def get_code_name(raw_code: str, transformed_code: str, number: int) -> str:
            name: str = naming(raw_code, transformed_code, number)
            # Not the shell's own counter, which is one ahead while a cell runs.
            self._counts[name] = self._current = number
            return name

        shell.compile.get_code_name = get_code_name

    def place(self) -> dict[str, Any] | None:
        """The innermost line of a cell on the stack: execution count, line and the line's text."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            name = frame.f_code.co_filename
            count = self._counts.get(name)
            if count is not None:
                return {"count": count, "line": frame.f_lineno, "code": linecache.getline(name, frame.f_lineno).strip()}
            if name in MAGIC_SOURCES:
                return {"count": self._current, "line": None, "code": ""}
            frame = frame.f_back
        return None

    def called_by_student(self) -> bool:
        """Whether the Keras call that is being wrapped was written by the student and not made by Keras itself."""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            name = frame.f_code.co_filename
            if name in self._counts or name in MAGIC_SOURCES or os.path.realpath(name).startswith(self._work):
                return True
            # Keras wraps its public functions in a frame of its own that tidies tracebacks.
            if not name.endswith("traceback_utils.py"):
                return False
            frame = frame.f_back
        return False

    @staticmethod
    def enclosing_layer(kind: type, called: Any) -> Any:
        """The layer in whose own call this call is made; None for a call that stands outside all layers.

        Args:
            kind: the class of layers.
            called: the layer that is being called now.
        """
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            if frame.f_code.co_name == "__call__":
                caller = frame.f_locals.get("self")
                if isinstance(caller, kind) and caller is not called:
                    return caller
            frame = frame.f_back
        return None

    @staticmethod
    def passes_through(*folders: str) -> bool:
        """Whether code in a folder of one of these names is on the stack."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if any(part in folders for part in frame.f_code.co_filename.split(os.sep)[:-1]):
                return True
            frame = frame.f_back
        return False

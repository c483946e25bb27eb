"""nbclient, with limits on output and with nothing left to the student's cell tags."""

from __future__ import annotations

import re
from typing import Any

from nbclient import NotebookClient
from nbformat import NotebookNode

from grader.printable import printable
from grader.run.limits import Watch

__all__ = ["WatchedClient", "cells_on"]

CELL_LINE = re.compile(r"Cell In\[(\d+)\], line (\d+)")


class WatchedClient(NotebookClient):
    """Stops storing outputs once the run has printed more than it may."""

    watch: Watch

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        counted = msg["msg_type"] in ("stream", "display_data", "execute_result", "update_display_data", "error")
        within = not counted or self.watch.count_output(sum(len(str(value)) for value in msg["content"].values()))
        # The watch ends a cell that printed too much; its error must still be told.
        if not within and msg["msg_type"] != "error":
            return None
        return super().process_message(msg, cell, cell_index)


def cells_on(traceback: list[str]) -> tuple[tuple[int, int], ...]:
    """Execution count and line of every cell that an IPython traceback goes through, outermost first."""
    return tuple((int(count), int(line)) for count, line in CELL_LINE.findall(printable("\n".join(traceback))))

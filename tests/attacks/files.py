"""Attacks by the files that are handed in, before anything of them is run. No tier has a part in it."""

from __future__ import annotations

import json
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import psutil

from grader.batch.sources import find_submissions
from grader.errors import GraderError
from grader.submission import load_submission
from tests.attacks.outcome import Outcome

__all__ = ["FILES", "unpack"]

CELL = '{"cell_type": "code", "source": "x", "metadata": {}, "outputs": [], "execution_count": null}'
HEAD = '"nbformat": 4, "nbformat_minor": 4, "metadata": {}'
MOST_SECONDS, MOST_GROWTH = 20.0, 600e6


def notebook(text: str) -> Callable[[Path], str]:
    """Tries to be read as a notebook."""

    def attempt(folder: Path) -> str:
        path = folder / "bomb.ipynb"
        path.write_text(text, encoding="utf-8")
        try:
            load_submission(path)
        except GraderError as exc:
            return "" if "\\n" not in exc.message and str(path) in exc.message else exc.message
        return ""

    return attempt


def archive(members: dict[str, bytes]) -> Callable[[Path], str]:
    """Tries to be unpacked, beside a notebook that is none of it."""

    def attempt(folder: Path) -> str:
        path = folder / "class.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as writer:
            for name, data in {**members, "good.ipynb": f'{{{HEAD}, "cells": []}}'.encode()}.items():
                writer.writestr(name, data)
        into = folder / "inner" / "into"
        found = find_submissions(path, into)
        names = [attempt.name for attempt in found.attempts]
        outside = [str(one) for one in folder.rglob("*") if one.is_file() and into not in one.parents and one != path]
        return "" if names == ["good.ipynb"] and not outside else f"{names}, {outside}"

    return attempt


FILES: dict[str, Callable[[Path], str]] = {
    "archive bomb": archive({"bomb.ipynb": bytes(60_000_000)}),
    "paths out of an archive": archive({"../../out.ipynb": b"{}", "/tmp/out.ipynb": b"{}", "C:/out.ipynb": b"{}"}),
    "a notebook nested deep": notebook(f'{{{HEAD}, "cells": [' + "[" * 300_000 + "]" * 300_000 + "]}"),
    "a notebook cut off deep": notebook(f'{{{HEAD}, "cells": ' + '[{"cells":' * 100_000),
    "a notebook with a huge number": notebook(f'{{{HEAD}, "cells": [{CELL}], "x": {"9" * 1_000_000}}}'),
    "a notebook with keys twice": notebook(f'{{{HEAD}, "cells": [{CELL}], "cells": {{}}, "cells": [{CELL}]}}'),
    "a notebook of a hundred thousand cells": notebook(f'{{{HEAD}, "cells": [{", ".join([CELL] * 100_000)}]}}'),
    "a notebook with a line of 100 MB": notebook(f'{{{HEAD}, "cells": [{json.dumps("x" * 100_000_000)}]}}'),
}
"""What each tries, given a folder of its own; says why it counts as not stopped, or nothing."""


def unpack() -> list[Outcome]:
    """Try all of them."""
    outcomes = []
    for name, attempt in FILES.items():
        with tempfile.TemporaryDirectory() as folder:
            began, memory = time.monotonic(), psutil.Process().memory_info().rss
            try:
                fault = attempt(Path(folder))
            except Exception as exc:
                fault = f"a traceback: {exc!r}"[:300]
            if time.monotonic() - began > MOST_SECONDS:
                fault += f" took {time.monotonic() - began:.0f} s"
            if psutil.Process().memory_info().rss - memory > MOST_GROWTH:
                fault += " took too much memory"
        outcomes.append(Outcome(name, "not stopped" if fault else "stopped", told=fault))
    return outcomes

"""What the store asks of its subprocess, and how it is started and heard. No TensorFlow here."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

import grader
from grader.child import python_module
from grader.errors import WeightsError
from grader.weights.layout import request_key

__all__ = ["LOCK", "LOCK_SECONDS", "SECONDS_WITHOUT_ANSWER", "Job", "run_job"]

LOCK = ".lock"
"""Name of the store's lock file."""
LOCK_SECONDS = 900
"""How long to wait for another grader that is writing to the store."""
SECONDS_WITHOUT_ANSWER = 30.0
"""How long a download may be silent."""


class Job(BaseModel):
    """One call of the subprocess."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    task: Literal["ensure", "add", "fetch"]
    folder: Path
    application: str = ""
    """Empty in ``add`` where the file's name tells."""
    input_shapes: tuple[tuple[int, int, int] | None, ...] = ()
    """None: the application's own size."""
    path: Path | None = None
    """The file to add."""
    file_name: str = ""
    """Under which name to add it; empty: its own."""

    def keys(self) -> dict[str, tuple[bool, tuple[int, int, int] | None]]:
        """Every request, as it is noted: with and without the classifier at each shape."""
        requests = [(top, shape) for shape in self.input_shapes for top in (False, True)]
        return {request_key(top, shape): (top, shape) for top, shape in requests}


def run_job(job: Job, progress: Callable[[str], None] | None = None) -> list[str]:
    """Run the subprocess to its end.

    Args:
        job: what to do.
        progress: called with a line of text whenever a file is begun.

    Returns:
        Names of the files that stand for the job.

    Raises:
        WeightsError: as the subprocess says, or because it died.
    """
    with tempfile.TemporaryDirectory(prefix="grader-keras-") as home, tempfile.TemporaryFile("w+") as log:
        with subprocess.Popen(
            python_module("grader.weights.make"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment(home),
        ) as process:
            try:
                last = converse(process, job, progress)
            except BaseException:
                process.kill()
                raise
        if "done" in last:
            return list(last["done"])
        if "error" in last:
            raise WeightsError(*last["error"])
        log.seek(0)
        raise WeightsError(died(process.returncode, log.read()), "Try again; if it dies again, report this.")


def converse(process: subprocess.Popen[str], job: Job, progress: Callable[[str], None] | None) -> dict[str, list[str]]:
    """Hand over the job and hear the subprocess out; gives its last line that is no progress."""
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(job.model_dump_json() + "\n")
        process.stdin.flush()  # It stays open: that it closes tells the subprocess that its parent is gone.
    except BrokenPipeError:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        return {}  # It died at once; its exit status says how.
    last: dict[str, list[str]] = {}
    for line in process.stdout:
        message = json.loads(line)
        if "progress" not in message:
            last = message
        elif progress:
            progress(message["progress"])
    return last


def environment(home: str) -> dict[str, str]:
    """The subprocess's environment: Keras 3 on the processor, whatever the user's own settings are."""
    root = str(Path(grader.__file__).resolve().parent.parent)
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    kept = {key: value for key, value in os.environ.items() if key != "TF_USE_LEGACY_KERAS"}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(paths),
        "KERAS_BACKEND": "tensorflow",
        "KERAS_HOME": home,
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        # Its kernels differ from one processor to the next, and with them the last bits of a stand-in.
        "TF_ENABLE_ONEDNN_OPTS": "0",
    }


def died(status: int, log: str) -> str:
    """How a subprocess without a last word ended."""
    if status < 0:
        return f"The subprocess that makes weights was killed by {signal.Signals(-status).name}."
    last = "".join(deque((line for line in log.splitlines() if line.strip()), maxlen=1))
    return f"The subprocess that makes weights ended with status {status}: {last}"

"""Worker processes of this machine: started when there is work, and again when one dies."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import IO

import psutil

from grader.batch.work import Broke, Ran, Task
from grader.child import python_module
from grader.errors import GraderError, WorkerDiedError
from grader.run.kernel import Lender, WarmKernels

__all__ = ["WorkerProcesses", "sweep"]

SCRATCH = "grader-{}-"
"""How folders for temporary files begin; the number is that of the process which made it."""
LEAVING = 3.0
"""Seconds for a worker to go once it is told to."""


class WorkerProcesses:
    """So many worker processes, each of which runs one task at a time.

    Args:
        count: how many.
        threads: for TensorFlow in each of their kernels.
    """

    def __init__(self, count: int, threads: int) -> None:
        sweep()
        self._scratch = Path(tempfile.mkdtemp(prefix=SCRATCH.format(os.getpid())))
        self._lender = Lender() if WarmKernels.available() else None
        self._all = [WorkerProcess(self._scratch, threads, self._lender) for _ in range(count)]
        self._idle: queue.LifoQueue[WorkerProcess] = queue.LifoQueue()
        for worker in self._all:
            self._idle.put(worker)

    def expect(self, flavour: str, training: str) -> None:
        """Such kernels will be asked for: what takes long is begun while the workers start."""
        if self._lender is not None:
            self._lender.expect(flavour, training)

    def run(self, task: Task) -> Ran:
        """Run a task on a worker that has nothing to do; wait for one where all have.

        Raises:
            WorkerDiedError: the worker died, or was ended for taking longer than a task can.
            GraderError: the worker could not do its work.
        """
        worker = self._idle.get()
        try:
            return worker.run(task)
        finally:
            self._idle.put(worker)

    def pids(self) -> list[int]:
        """The processes that there are now."""
        return [worker.process.pid for worker in self._all if worker.process is not None]

    def close(self) -> None:
        """End them, at once, and remove their temporary files."""
        # All are asked before one is waited for: each takes a moment to put its own away.
        for worker in self._all:
            worker.ask_to_leave()
        for worker in self._all:
            worker.close()
        if self._lender is not None:
            self._lender.close()
        shutil.rmtree(self._scratch, ignore_errors=True)


class WorkerProcess:
    """One process, there when it is needed."""

    def __init__(self, scratch: Path, threads: int, lender: Lender | None) -> None:
        self._scratch = scratch
        self._threads = str(threads)
        self._lender = lender
        self._closed = False
        self._log: IO[bytes] | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, task: Task) -> Ran:
        """As `WorkerProcesses.run`."""
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        late = threading.Event()
        timer = threading.Timer(task.patience, self._give_up, (process, late))
        timer.daemon = True
        timer.start()
        try:
            process.stdin.write(task.model_dump_json().encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (OSError, ValueError):
            line = b""  # It is gone, or was closed under way.
        finally:
            timer.cancel()
        if not line.endswith(b"\n"):
            raise WorkerDiedError(self._epitaph(process, task.patience if late.is_set() else None))
        told = json.loads(line)
        if "broke" in told:
            broke = Broke.model_validate(told["broke"])
            raise GraderError(broke.message, broke.remedy)
        return Ran.model_validate(told["ran"])

    def _started(self) -> subprocess.Popen[bytes]:
        if self._closed:
            raise WorkerDiedError("The grader was stopped.")
        if self.process is not None and self.process.poll() is None:
            return self.process
        self._put_away()
        self._log = tempfile.TemporaryFile(dir=self._scratch)  # noqa: SIM115 - as long as the process
        with contextlib.ExitStack() as passed:
            files = [passed.enter_context(self._lender.lend()).fileno()] if self._lender is not None else []
            self.process = subprocess.Popen(
                python_module("grader.batch.worker", str(self._scratch), *map(str, files)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                pass_fds=files,
                # So that several at a time do not get in each other's way.
                env={**os.environ, "TF_NUM_INTRAOP_THREADS": self._threads, "TF_NUM_INTEROP_THREADS": self._threads},
                # Ctrl-C is for the grader alone.
                start_new_session=True,
            )
        return self.process

    def _give_up(self, process: subprocess.Popen[bytes], late: threading.Event) -> None:
        late.set()
        process.kill()

    def _epitaph(self, process: subprocess.Popen[bytes], patience: float | None) -> str:
        """How it died, as a sentence."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LEAVING)
        process.kill()
        status = process.wait()
        if patience is not None:
            return f"A worker had no answer after {patience:.0f} s and was ended."
        if status < 0:
            return f"A worker was killed by {signal.Signals(-status).name}."
        return f"A worker ended with status {status}{self._last_words()}."

    def _last_words(self) -> str:
        if self._log is None or self._log.closed:
            return ""
        self._log.seek(0)
        lines = [line for line in self._log.read().decode(errors="replace").splitlines() if line.strip()]
        return f": {lines[-1].strip().rstrip('.')}" if lines else ""

    def ask_to_leave(self) -> None:
        """Have it put its files away and end. Asked once: a second word would break that off."""
        asked, self._closed = self._closed, True
        if self.process is not None and not asked:
            with contextlib.suppress(OSError):
                self.process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """End it; asked first, if it was not asked yet."""
        self.ask_to_leave()
        process = self.process
        if process is None:
            return
        try:
            process.wait(LEAVING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._put_away()

    def _put_away(self) -> None:
        """Close what belonged to a process that is gone."""
        if self.process is not None:
            for pipe in (self.process.stdin, self.process.stdout, self._log):
                if pipe is not None:
                    # What it was not sent any more is lost with it.
                    with contextlib.suppress(OSError):
                        pipe.close()
            self.process = None


def sweep() -> None:
    """Remove the temporary files of graders that were killed."""
    start, end = SCRATCH.split("{}")
    for folder in Path(tempfile.gettempdir()).glob(f"{start}*{end}*"):
        number = folder.name.removeprefix(start).split(end)[0]
        if number.isdigit() and folder.is_dir() and not folder.is_symlink() and not psutil.pid_exists(int(number)):
            shutil.rmtree(folder, ignore_errors=True)

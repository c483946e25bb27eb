"""One notebook through a kernel: every cell, whatever happens to the ones before."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

from grader.assignment import Assignment
from grader.errors import KernelError
from grader.evidence import Note
from grader.printable import printable
from grader.run.client import WatchedClient, cells_on
from grader.run.enclosure import Enclosure
from grader.run.environment import font_list
from grader.run.execution import CellOutcome, CellStatus, Execution
from grader.run.isolation import Sandbox, choose
from grader.run.kernel import KernelStarter
from grader.run.limits import Watch
from grader.run.probing import SECONDS, prepare, probe_code
from grader.run.recorder.config import KernelConfig
from grader.run.workspace import Workspace, work_files

__all__ = ["RunRequest", "run_notebook"]

LEAVING = 5.0
"""Seconds that a kernel may take to be gone after `exit()`."""
STARTUP = 120
"""Seconds that a kernel may take to import TensorFlow and answer."""


@dataclass(frozen=True)
class RunRequest:
    """What to run and how.

    Args:
        notebook: the cells, cleaned (`grader.submission.clean_for_run`).
        assignment: gives the files and the limits.
        flavour: ``"2"`` or ``"3"``.
        training: ``"bounded"`` or ``"full"``.
        weights: folder of the weights store.
        progress: called with (cells done, cells) as the run goes on.
        probes: what the model under test is to be asked after the last cell.
        isolation: how strong the walls must be: ``auto``, ``strict``, ``none``, or the name of a tier.
    """

    notebook: NotebookNode
    assignment: Assignment
    flavour: Literal["2", "3"]
    training: Literal["bounded", "full"]
    weights: Path
    progress: Callable[[int, int], None]
    probes: frozenset[str] = frozenset()
    isolation: str = "auto"


def run_notebook(request: RunRequest, folders: Workspace, starter: KernelStarter) -> Execution:
    """Execute the notebook.

    Raises:
        KernelError: no kernel could be started, through no fault of the notebook's.
        IsolationError: strict walls were asked for, and cannot be had.
    """
    enclosure = enclose(request, folders)
    with contextlib.closing(enclosure):
        run = Run(request, starter.manager(enclosure, config_of(request, enclosure)), folders, enclosure)
        cells = asyncio.run(run.execute())
        behind = enclosure.take_home(folders.evidence)
    return Execution(
        notebook=request.notebook,
        evidence=folders.evidence,
        cells=tuple(cells),
        breaches=tuple(run.watch.breaches),
        died=run.died,
        isolation=enclosure.tier.name,
        seconds=run.seconds,
        notes=left_behind(behind),
    )


def left_behind(names: tuple[str, ...]) -> tuple[Note, ...]:
    """What staff should know of things among the evidence that the recorder did not put there."""
    if not names:
        return ()
    first = ", ".join(f"`{printable(name)[:40]}`" for name in names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    text = f"Left unread among the evidence, because the recorder makes only plain files: {first}{more}."
    return (Note(kind="integrity", text=text),)


def enclose(request: RunRequest, folders: Workspace) -> Enclosure:
    """The walls for this run, as yet only planned."""
    tier = choose(request.isolation).tier
    limits = request.assignment.limits
    sandbox = Sandbox(
        tier=tier.name,
        root=str(folders.root),
        files=work_files(request.assignment),
        weights=str(request.weights),
        fonts=str(font_list()),
        memory=limits.memory,
        processes=limits.processes,
        disk=limits.disk,
        inodes=limits.inodes,
    )
    return Enclosure(tier, sandbox)


def config_of(request: RunRequest, enclosure: Enclosure) -> KernelConfig:
    """What the kernel is told."""
    dataset = request.assignment.folder / request.assignment.files.dataset
    places = enclosure.places
    return KernelConfig(
        work=places.work,
        evidence=places.evidence,
        flavour=request.flavour,
        training=request.training,
        weights=places.weights,
        dataset=str(Path(places.work) / dataset.name),
        classes=tuple(sorted(path.name for path in dataset.iterdir() if path.is_dir())),
        image_size=request.assignment.base.input_shape[:2],
        output=request.assignment.limits.output,
    )


class Run:
    """The state of one run while it lasts."""

    def __init__(
        self, request: RunRequest, manager: AsyncKernelManager, folders: Workspace, enclosure: Enclosure
    ) -> None:
        self._request = request
        self._manager = manager
        self._folders = folders
        self._enclosure = enclosure
        self.watch = Watch(request.assignment.limits, manager, enclosure)
        self.died = ""
        self.seconds: dict[str, float] = {}
        self._client = WatchedClient(
            request.notebook,
            km=manager,
            allow_errors=True,
            timeout=None,
            startup_timeout=STARTUP,
            record_timing=False,
            # Nothing that a kernel would still do when asked politely is wanted.
            shutdown_kernel="immediate",
        )
        self._client.watch = self.watch
        self._client.on_cell_executed = self._replied
        self._reply: dict[str, Any] = {}

    async def execute(self) -> list[CellOutcome]:
        """Start the kernel, run all cells, end the kernel."""
        began = time.monotonic()
        log = (self._folders.root / "kernel.log").open("wb")
        # Files, not pipes: a pipe that nobody drains would stop a kernel that writes to its stderr.
        outputs = {"stdout": log, "stderr": log}
        with contextlib.closing(log):
            try:
                async with self._client.async_setup_kernel(cwd=str(self._folders.root), cleanup_kc=True, **outputs):
                    restore_signals()
                    self.seconds["kernel"] = time.monotonic() - began
                    self.watch.began = time.monotonic()
                    return await self._run_cells()
            except RuntimeError as exc:
                if "cells" in self.seconds:
                    raise
                # nbclient would try once more to stop the kernel that never was, when Python ends.
                atexit.unregister(self._client._cleanup_kernel)
                raise KernelError(self._startup_message(exc), "Run `grader doctor` to see what is missing.") from exc
            finally:
                self.seconds.setdefault("cells", time.monotonic() - self.watch.began)

    def _replied(self, cell: NotebookNode, cell_index: int, execute_reply: dict[str, Any] | None) -> None:
        self._reply = (execute_reply or {}).get("content", {})

    def _startup_message(self, error: Exception) -> str:
        lines = (self._folders.root / "kernel.log").read_text(errors="replace").strip().splitlines()
        words = self._enclosure.last_words() or (lines[-1] if lines else str(error))
        return f"No kernel could be started: {words}."

    async def _run_cells(self) -> list[CellOutcome]:
        cells = [
            (index, cell)
            for index, cell in enumerate(self._request.notebook.cells)
            if cell.cell_type == "code" and cell.source.strip()
        ]
        outcomes: list[CellOutcome] = []
        for done, (index, cell) in enumerate(cells):
            self._request.progress(done, len(cells))
            if self.died or self.watch.left <= 0:
                outcomes.append(CellOutcome(index + 1, "not_run"))
            else:
                outcomes.append(await self._run_cell(index, cell))
        self._request.progress(len(cells), len(cells))
        self.seconds["cells"] = time.monotonic() - self.watch.began
        if self._request.probes and not self.died:
            await self._probe()
        return outcomes

    async def _probe(self) -> None:
        """Have the kernel probe the model under test. What it cannot answer in time stays unanswered."""
        began = time.monotonic()
        request = prepare(self._request.assignment, self._enclosure, self._request.probes)
        allowed = max(SECONDS.get(probe, 60.0) for probe in self._request.probes)
        code = probe_code(request)
        answer = asyncio.ensure_future(
            self._client.kc.execute(code, silent=True, store_history=False, reply=True, timeout=allowed)
        )
        while not answer.done() and await self._manager.is_alive():
            await asyncio.wait([answer], timeout=1.0)
        answer.cancel()
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            await answer
        self.seconds["probe"] = time.monotonic() - began

    async def _run_cell(self, index: int, cell: NotebookNode) -> CellOutcome:
        began = time.monotonic()
        breaches = len(self.watch.breaches)
        guard = asyncio.ensure_future(self.watch.guard(index + 1))
        dead = False
        try:
            await self._client.async_execute_cell(cell, index)
            dead = not await self._still_alive()
        except DeadKernelError:
            dead = True
        finally:
            guard.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await guard
        error = next((out for out in cell.outputs if out.output_type == "error"), None)
        if error is not None:
            self.watch.note_full_disk(index + 1, error.evalue)
        if dead:
            self.died = await self._how_it_died()
        return self._outcome(index, cell, dead, len(self.watch.breaches) > breaches, time.monotonic() - began)

    async def _still_alive(self) -> bool:
        """Whether the kernel goes on after this cell; one that was asked to leave takes a moment to be gone."""
        leaving = any(part.get("source") == "ask_exit" for part in self._reply.get("payload", ()))
        deadline = time.monotonic() + (LEAVING if leaving else 0)
        while await self._manager.is_alive():
            if time.monotonic() >= deadline:
                return True
            await asyncio.sleep(0.1)
        return False

    async def _how_it_died(self) -> str:
        status = await self._manager.provisioner.poll()
        if self.watch.killed:
            return "killed by the grader for going beyond a limit"
        if status is not None and status < 0:
            try:
                return f"killed by signal {-status} ({signal.Signals(-status).name})"
            except ValueError:  # A signal without a name on this system.
                return f"killed by signal {-status}"
        return f"exited with status {status}"

    def _outcome(self, index: int, cell: NotebookNode, dead: bool, breached: bool, seconds: float) -> CellOutcome:
        error = next((out for out in cell.outputs if out.output_type == "error"), None)
        status: CellStatus = "ran"
        if dead:
            status = "killed"
        elif breached:
            status = "timed_out"
        elif error is not None:
            status = "failed"
        frames = cells_on(error.traceback) if error else ()
        return CellOutcome(
            cell=index + 1,
            status=status,
            count=cell.execution_count,
            ename=error.ename if error else "",
            evalue=error.evalue if error else "",
            line=next((line for count, line in frames if count == cell.execution_count), None),
            frames=frames,
            seconds=seconds,
        )


def restore_signals() -> None:
    """Let Ctrl-C end the grader. nbclient would end the kernel alone, and the cell would seem to have died."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Not on Windows, nor outside the main thread: there nbclient has set none either.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.remove_signal_handler(number)
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGTERM, stop)


def stop(number: int, frame: object) -> None:
    """SIGTERM is as good as Ctrl-C."""
    raise KeyboardInterrupt

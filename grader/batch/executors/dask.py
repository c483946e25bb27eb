"""On the workers of a Dask cluster: of this machine, or wherever its deployers put them (Slurm, Kubernetes, clouds)."""

from __future__ import annotations

import importlib
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from grader.assignment import Assignment
from grader.batch.executors._base import Executor
from grader.batch.executors._remote import Died, Errand, Lacking, run_errand
from grader.batch.fingerprint import versions
from grader.batch.parcels import Parcel, pack_folder
from grader.batch.work import Broke, Ran, Task
from grader.errors import ExecutorError, GraderError, WorkerDiedError
from grader.weights import WeightsStore

__all__ = ["DaskExecutor"]

LOCAL = "local:"
QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.tick.interval": "1s",
}
"""Dask looks at itself up to a hundred times a second, which on two cores is a fifteenth of what notebooks need."""
CONNECTING = 30
"""Seconds to wait for a scheduler, and for the first of its workers."""


class DaskExecutor(Executor):
    """Sends notebooks to a Dask cluster.

    Args:
        address: of the scheduler, e.g. ``tcp://head:8786``; ``local:N`` starts N workers here.
        assignment: what the workers need a copy of.
        weights: the same; the files of the assignment's base.

    Raises:
        ExecutorError: Dask is not installed, nothing answers at the address, or no worker is there.
    """

    def __init__(self, address: str, assignment: Assignment, weights: WeightsStore) -> None:
        try:
            distributed: Any = importlib.import_module("distributed")
        except ImportError:
            raise ExecutorError("--dask needs Dask.", "Install it: pip install 'grader[dask]'.") from None
        self._distributed = distributed
        self._address = address
        self._parcels = (pack_folder(assignment.folder), weights_parcel(assignment, weights))
        self._versions = versions()
        self._sent: list[Any] = []
        self._lock = threading.Lock()
        self._cluster: Any = None
        self._client = self._connect()

    def _connect(self) -> Any:
        address: Any = self._address
        try:
            if self._address.startswith(LOCAL):
                self._cluster = address = self._start(self._address.removeprefix(LOCAL))
            client = self._distributed.Client(address, timeout=CONNECTING, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as exc:
            raise ExecutorError(
                f"--dask {self._address}: no scheduler answers there: {exc}.", "Start one: dask scheduler."
            ) from exc
        try:
            client.wait_for_workers(1, timeout=CONNECTING)
        except TimeoutError:
            client.close()
            raise ExecutorError(
                f"--dask {self._address}: the scheduler has no workers.", "Start some: dask worker ADDRESS."
            ) from None
        return client

    def _start(self, number: str) -> Any:
        if not number.isdigit() or int(number) < 1:
            raise ExecutorError(f"--dask {self._address}: expected a number of workers.", "E.g. --dask local:2.")
        # For the whole process: the scheduler lives in it, and the workers inherit what is set here.
        importlib.import_module("dask").config.set(QUIET)
        return self._distributed.LocalCluster(
            n_workers=int(number),
            threads_per_worker=1,
            dashboard_address=None,
            silence_logs=50,
            # Dask would pause workers by what the machine has; the kernels' limits are the assignment's.
            memory_limit=0,
        )

    @property
    def slots(self) -> int:
        return sum(self._threads().values())

    @property
    def described(self) -> str:
        count = len(self._threads())
        return f"{count} Dask worker{'s' if count != 1 else ''}"

    def _threads(self) -> dict[str, int]:
        threads: dict[str, int] = self._client.nthreads()
        return threads

    def submit(self, task: Task) -> Future[Ran]:
        answer: Future[Ran] = Future()
        self._send(task, answer, parcels=False)
        return answer

    def _send(self, task: Task, answer: Future[Ran], *, parcels: bool) -> None:
        """Have it run; what the workers have not got goes along once one of them says so."""
        errand = Errand(
            task=task,
            assignment=(self._parcels[0].name, self._parcels[0].sha256),
            weights=(self._parcels[1].name, self._parcels[1].sha256),
            versions=self._versions,
            threads=max(self._threads().values(), default=1),
        )
        extra = self._sent_parcels() if parcels else []
        remote = self._client.submit(run_errand, errand, *extra, pure=False)
        remote.add_done_callback(lambda done: self._came(done, task, answer, parcels))

    def _sent_parcels(self) -> list[Any]:
        """The parcels, at the cluster. Where all workers that had them are gone, they are sent anew."""
        with self._lock:
            if not self._sent or any(future.status != "finished" for future in self._sent):
                self._sent = self._client.scatter(list(self._parcels), broadcast=True, hash=False)
            return self._sent

    def _came(self, remote: Any, task: Task, answer: Future[Ran], parcels: bool) -> None:
        """Something came back; called in a thread of Dask's."""
        try:
            told = remote.result() if remote.status == "finished" else None
            if isinstance(told, Ran):
                answer.set_result(told)
            elif isinstance(told, Lacking) and not parcels:
                self._send(task, answer, parcels=True)
            else:
                answer.set_exception(fault(told, remote))
        except Exception as error:
            answer.set_exception(WorkerDiedError(f"The Dask cluster failed: {error}".rstrip(".") + "."))

    def close(self) -> None:
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()


def fault(told: object, remote: Any) -> GraderError:
    """What kept a task from being run."""
    if isinstance(told, Broke):
        return GraderError(told.message, told.remedy)
    if isinstance(told, Died):
        return WorkerDiedError(told.message)
    if isinstance(told, Lacking):
        return WorkerDiedError("A worker lost what had been sent to it.")
    error = remote.exception() if remote.status == "error" else None
    what = f"{type(error).__name__}: {error}" if error else "it was cancelled"
    return WorkerDiedError(f"The Dask cluster did not run it: {what}".rstrip(".") + ".")


def weights_parcel(assignment: Assignment, store: WeightsStore) -> Parcel:
    """The files of the assignment's base; the store must have them (`WeightsStore.ensure`)."""
    application = assignment.base.application
    names = {Path(record.file).stem for record in store.list() if record.application == application}
    files = [path for path in store.folder.iterdir() if path.stem in names and not path.name.startswith(".")]
    return pack_folder(store.folder, [*files, store.folder / "requests.json"], name="weights")

"""What runs within a Dask worker. It needs nothing of the head's disk: what it lacks is sent to it, once."""

from __future__ import annotations

import threading

from grader.batch.capacity import cores
from grader.batch.executors._process import WorkerProcesses
from grader.batch.fingerprint import versions
from grader.batch.parcels import Parcel, kept, unpack_parcel
from grader.batch.work import Broke, Ran, Task, broke
from grader.errors import WorkerDiedError
from grader.evidence_base import Frozen

__all__ = ["Died", "Errand", "Lacking", "run_errand"]


class Errand(Frozen):
    """A task whose folders are named by their content."""

    task: Task
    assignment: tuple[str, str]
    """Name and SHA-256 of the assignment's parcel."""
    weights: tuple[str, str]
    """The same of the weights'."""
    versions: dict[str, str]
    """What runs notebooks at the head; here it must be the same, or one grade would hang on the machine."""
    threads: int
    """Notebooks that this worker runs at a time."""


class Lacking(Frozen):
    """The worker has not got what the errand names."""


class Died(Frozen):
    """The worker's process for this notebook died."""

    message: str


_workers: WorkerProcesses | None = None
_lock = threading.Lock()


def run_errand(errand: Errand, *parcels: Parcel) -> Ran | Broke | Lacking | Died:
    """Run a notebook in a process of this worker's."""
    try:
        for parcel in parcels:
            unpack_parcel(parcel)
        assignment, weights = kept(*errand.assignment), kept(*errand.weights)
        if assignment is None or weights is None:
            return Lacking()
        if other := differences(errand.versions):
            return Broke(message=f"A worker differs from the head: {other}.", remedy="Install the same there as here.")
        task = errand.task.model_copy(update={"assignment": str(assignment), "weights": str(weights)})
        return processes(errand.threads).run(task)
    except WorkerDiedError as died:
        return Died(message=str(died))
    except Exception as error:
        return broke(error)


def differences(head: dict[str, str]) -> str:
    """What is not here as it is there, as text."""
    here = versions()
    return ", ".join(
        f"{name} {here.get(name)} in place of {version}" for name, version in head.items() if here.get(name) != version
    )


def processes(count: int) -> WorkerProcesses:
    """The processes of this worker, which last as long as it does."""
    global _workers
    with _lock:
        if _workers is None:
            _workers = WorkerProcesses(count, threads=max(1, cores() // count))
        return _workers

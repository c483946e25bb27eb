"""On this machine: a pool of worker processes, each with warm kernels."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from grader.batch.capacity import cores
from grader.batch.executors._base import Executor
from grader.batch.executors._process import WorkerProcesses
from grader.batch.work import Ran, Task

__all__ = ["LocalExecutor"]


class LocalExecutor(Executor):
    """So many worker processes, which share the cores.

    Args:
        jobs: how many.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._workers = WorkerProcesses(jobs, threads=max(1, cores() // jobs))
        # Each thread does nothing but wait for its worker.
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="worker")

    @property
    def slots(self) -> int:
        return self._jobs

    @property
    def described(self) -> str:
        return f"{self._jobs} worker{'s' if self._jobs > 1 else ''}"

    def expect(self, flavour: str, training: str) -> None:
        """Such kernels will be asked for soon."""
        self._workers.expect(flavour, training)

    def submit(self, task: Task) -> Future[Ran]:
        return self._threads.submit(self._workers.run, task)

    def pids(self) -> list[int]:
        """Processes of the workers that there are now."""
        return self._workers.pids()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._workers.close()
        self._threads.shutdown(wait=True)

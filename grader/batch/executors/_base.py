"""The contract of an executor: notebooks go in, what they showed comes out, in whatever order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import Future
from types import TracebackType

from grader.batch.work import Ran, Task

__all__ = ["Executor"]


class Executor(ABC):
    """Runs tasks on workers. Used as a context: leaving it ends whatever still runs."""

    @property
    @abstractmethod
    def slots(self) -> int:
        """How many tasks run at a time, now."""

    @property
    @abstractmethod
    def described(self) -> str:
        """For people: ``2 workers``."""

    @abstractmethod
    def submit(self, task: Task) -> Future[Ran]:
        """Have a task run. The future raises a `GraderError` where that is the grader's or the machine's fault, a
        `WorkerDiedError` among them where its worker died over it.
        """

    @abstractmethod
    def close(self) -> None:
        """End all workers, at once."""

    def __enter__(self) -> Executor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

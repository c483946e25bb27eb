"""Where notebooks are run: one file a way."""

from grader.batch.executors._base import Executor

__all__ = ["Executor"]

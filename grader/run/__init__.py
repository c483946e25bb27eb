"""The only package that executes a student's code: a notebook goes in, an `Execution` comes out."""

from grader.run.execution import CellOutcome, Execution
from grader.run.notebook import RunRequest, run_notebook

__all__ = ["CellOutcome", "Execution", "RunRequest", "run_notebook"]

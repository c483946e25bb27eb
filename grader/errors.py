"""What can go wrong in the grader itself, and only there.

    GraderError                   shown as one line, exit status 2
    ├── AssignmentError           an assignment.toml is missing, malformed or says something impossible
    ├── SubmissionError           the file handed in is no notebook that can be read
    ├── WeightsError              the weights store lacks a file or holds a broken one
    ├── KernelError               no kernel could be started (not: one that the student's code killed)
    ├── IsolationError            strict walls were asked for, and this machine has none
    ├── ExamineError              what the recorder left on disk cannot be read as evidence
    ├── RenderError               a template is missing or broken
    ├── VariantError              a variants.toml is malformed, or does not fit its solution
    ├── StoreError                the store of a graded class cannot be read or written
    │   └── HeldError             another grader is at work on it
    ├── ExecutorError             workers cannot be had, or none can do the work
    │   └── WorkerDiedError       one died over a submission (not: a kernel that the student's code killed)
    └── AdjustmentError           an adjustment names a student or a check that there is not, or no points

A student's mistake is never an exception: it is a finding in a report.
"""

from __future__ import annotations

__all__ = [
    "AdjustmentError",
    "AssignmentError",
    "ExamineError",
    "ExecutorError",
    "GraderError",
    "HeldError",
    "IsolationError",
    "KernelError",
    "RenderError",
    "StoreError",
    "SubmissionError",
    "VariantError",
    "WeightsError",
    "WorkerDiedError",
]


class GraderError(Exception):
    """The grader could not do its work.

    Args:
        message: what is wrong, naming the file and the place in it.
        remedy: what the reader can do about it, as an imperative sentence; may be empty.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class AssignmentError(GraderError):
    """An assignment cannot be found or its ``assignment.toml`` cannot be used."""


class SubmissionError(GraderError):
    """The submitted file cannot be read as a notebook."""


class WeightsError(GraderError):
    """The weights store lacks a file, or holds one that cannot be read."""


class KernelError(GraderError):
    """The grader could not start a kernel."""


class IsolationError(GraderError):
    """The walls that were asked for cannot be had here."""


class ExamineError(GraderError):
    """What a run left on disk cannot be turned into evidence."""


class RenderError(GraderError):
    """A report could not be laid out."""


class VariantError(GraderError):
    """A reference's ``variants.toml`` is malformed, or does not fit its solution or assignment."""


class StoreError(GraderError):
    """The store of a graded class cannot be read or written."""


class HeldError(StoreError):
    """Another grader is at work on the same store."""


class ExecutorError(GraderError):
    """Workers cannot be had, or none of them can do the work."""


class WorkerDiedError(ExecutorError):
    """A worker died over a submission, through no fault of the submission's."""


class AdjustmentError(GraderError):
    """An adjustment names a student or a check that there is not, or points that cannot be given."""

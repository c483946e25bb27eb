"""Grades transfer-learning notebooks from evidence: what trained, what moved, and how BatchNorm was called."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("grader")

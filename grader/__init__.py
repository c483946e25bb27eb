"""Grades transfer-learning notebooks from evidence: what trained, what moved, and how BatchNorm was called."""

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    # Looking the version up takes longer than everything else that a kernel needs of the grader.
    if name == "__version__":
        from importlib.metadata import version

        return version("grader")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""What records of evidence are made of: immutability, places in the student's notebook, and drift."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Drift", "Frozen", "Place"]


class Frozen(BaseModel):
    """An immutable record that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Place(Frozen):
    """A line of the student's notebook."""

    cell: int
    """Counted from 1 over all cells, as a reader counts them."""
    line: int | None = None
    """Counted from 1 within the cell; None where only the cell is known."""
    code: str = ""
    """The text of that line, stripped, at most 200 characters."""


class Drift(Frozen):
    """How far the moving statistics of one BatchNorm layer went in one phase."""

    layer: int
    """Index in the base."""
    mean: float
    """Largest change of the moving mean over its channels, in standard deviations (square root of the
    moving variance as the phase began)."""
    variance: float
    """Largest change of the moving variance over its channels, as a fraction of its value before."""

"""What every record of evidence is made of: immutability, and places in the student's notebook."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Frozen", "Place"]


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

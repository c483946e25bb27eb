"""The code in a notebook's cells, read as Python."""

from __future__ import annotations

import ast
import functools
import re
import warnings
from collections.abc import Callable
from typing import TypeVar

__all__ = ["kept_for_cells", "parse_cell"]

CODE_CELL_MAGIC = re.compile(r"\s*%%(time|timeit|capture|prun|memit|wandb)\b")
CODE_CELL_LINE = re.compile(r"%%.*")
KEPT_LENGTH = 10_000
"""Characters of the longest cell of which anything is kept in memory."""
Made = TypeVar("Made")


def kept_for_cells(make: Callable[[str], Made]) -> Callable[[str], Made]:
    """Have a function keep what it makes of a cell: a class hands the same cells in again and again."""
    kept = functools.lru_cache(maxsize=128)(make)

    @functools.wraps(make)
    def of_cell(source: str) -> Made:
        return kept(source) if len(source) <= KEPT_LENGTH else make(source)

    return of_cell


@kept_for_cells
def parse_cell(source: str) -> ast.Module | None:
    """The syntax tree of a cell with magics and shell escapes; line numbers are the cell's own. None: no Python.

    Not to be changed: who asks for the same cell gets the same tree.
    """
    from IPython.core.inputtransformer2 import TransformerManager

    body = source.replace("\r\n", "\n")
    if CODE_CELL_MAGIC.match(body):
        # The magic runs its body as Python; a blank line in its place keeps the line numbers.
        body = CODE_CELL_LINE.sub("", body, count=1)
    blank = len(body) - len(body.lstrip("\n \t"))
    removed = body[:blank].count("\n")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree: ast.Module = ast.parse(TransformerManager().transform_cell(body))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if removed:
        ast.increment_lineno(tree, removed)
    return tree

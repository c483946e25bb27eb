"""What is kept compressed: evidence, reports, executed notebooks."""

from __future__ import annotations

import zlib
from typing import TypeVar

import nbformat
from nbformat import NotebookNode
from pydantic import BaseModel

__all__ = ["LARGEST_NOTEBOOK", "pack", "pack_notebook", "unpack", "unpack_notebook"]

LARGEST_NOTEBOOK = 8 * 10**6
"""Compressed bytes above which an executed notebook is kept without its outputs."""
LEVEL = 3

Model = TypeVar("Model", bound=BaseModel)


def pack(record: BaseModel) -> bytes:
    """A record as compressed JSON."""
    return zlib.compress(record.model_dump_json().encode(), LEVEL)


def unpack(kind: type[Model], body: bytes) -> Model:
    """The record of `pack`."""
    return kind.model_validate_json(zlib.decompress(body))


def pack_notebook(notebook: str) -> tuple[bytes, bool]:
    """A notebook's JSON compressed, and whether its outputs are in it."""
    body = zlib.compress(notebook.encode(), LEVEL)
    if len(body) <= LARGEST_NOTEBOOK:
        return body, True
    bare = nbformat.reads(notebook, as_version=4)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    return zlib.compress(nbformat.writes(bare).encode(), LEVEL), False


def unpack_notebook(body: bytes) -> NotebookNode:
    """The notebook of `pack_notebook`."""
    return nbformat.reads(zlib.decompress(body).decode(), as_version=4)

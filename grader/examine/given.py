"""Which cells are the course's own, and which errors are not the student's fault.

A cell is given where it is as in the starter and holds no exercise, where its grading metadata says so, or where it
does nothing but import and call test helpers.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from nbformat import NotebookNode

from grader.cells import parse_cell
from grader.examine.exercises import exercise_cells, without_comments

__all__ = ["excuse", "given_cells"]

HELPER_MODULE = re.compile(r"^(test_?utils?|public_?tests?|tests?|\w*unit_?tests?|\w*_tests?|outputs?|dlai_\w+)$")
HELPER_CALL = re.compile(
    r"^(summary|comparator|print|display|test_\w+|\w+_tests?|datatype_check|equation_output_check)$"
)
MISSING_PACKAGE = re.compile(r"The grader does not have the package '([\w.]+)'")
NETWORK_ERRORS = (
    "URLError",
    "HTTPError",
    "ConnectionError",
    "gaierror",
    "NewConnectionError",
    "MaxRetryError",
    "NameResolutionError",
    "DownloadError",
)
NETWORK_TEXT = re.compile(
    r"There is no network here|URL fetch failure|[Nn]ame resolution|Failed to resolve|Network is unreachable"
)
VERSION_ERRORS = ("ImportError", "ModuleNotFoundError")
VERSION_TEXT = re.compile(
    r"^module '[\w.]+' has no attribute|unexpected keyword argument|not recognized|[Dd]eprecated|[Uu]nrecognized"
)


def given_cells(notebook: NotebookNode, starter: NotebookNode | None) -> frozenset[int]:
    """Numbers (from 1 over all cells) of the code cells that are the course's own.

    Without a starter they are known by the other signs alone.
    """
    own_work = exercise_cells(starter) if starter is not None else frozenset()
    originals = {
        without_comments(cell.source)
        for number, cell in enumerate(starter.cells if starter is not None else (), start=1)
        if cell.cell_type == "code" and number not in own_work
    } - {""}
    return frozenset(
        number
        for number, cell in enumerate(notebook.cells, start=1)
        if cell.cell_type == "code"
        and cell.source.strip()
        and (is_graded_test(cell) or without_comments(cell.source) in originals or is_test(cell.source))
    )


def is_graded_test(cell: NotebookNode) -> bool:
    """Whether nbgrader's metadata call a cell a test."""
    metadata = cell.metadata.get("nbgrader")
    return isinstance(metadata, dict) and bool(metadata.get("grade")) and not metadata.get("solution")


def is_test(source: str) -> bool:
    """Whether a cell only imports and calls test helpers."""
    tree = parse_cell(source)
    if tree is None or not tree.body:
        return False
    return all(is_test_statement(node) for node in tree.body) and any(is_helper(node) for node in ast.walk(tree))


def is_test_statement(node: ast.stmt) -> bool:
    """Whether a statement may stand in a cell of tests."""
    if isinstance(node, (ast.Assert, ast.Import, ast.ImportFrom)):
        return True
    if isinstance(node, ast.Expr):
        return isinstance(node.value, (ast.Constant, ast.Name)) or bool(HELPER_CALL.match(called(node.value)))
    if isinstance(node, ast.Assign):
        return is_literal(node.value) or bool(HELPER_CALL.match(called(node.value)))
    if isinstance(node, (ast.For, ast.If)):
        return all(is_test_statement(inner) for inner in [*node.body, *node.orelse])
    return False


def is_helper(node: ast.AST) -> bool:
    """Whether a node imports or calls a test helper."""
    if isinstance(node, ast.ImportFrom):
        return bool(HELPER_MODULE.match((node.module or "").partition(".")[0]))
    if isinstance(node, ast.Import):
        return any(HELPER_MODULE.match(alias.name.partition(".")[0]) for alias in node.names)
    return (
        isinstance(node, ast.Call)
        and called(node) not in ("print", "display")
        and bool(HELPER_CALL.match(called(node)))
    )


def called(node: ast.AST) -> str:
    """The plain name that an expression calls; empty for a method or anything else."""
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def is_literal(node: ast.AST) -> bool:
    """Whether an expression is written out in full."""
    allowed: Iterable[type[ast.AST]] = (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.UnaryOp, ast.USub, ast.Load)
    return all(isinstance(part, tuple(allowed)) for part in ast.walk(node)) and not isinstance(node, ast.Constant)


def excuse(cell_is_given: bool, ename: str, evalue: str) -> str:
    """Why an error is not the student's fault, as a sentence; empty where it is.

    Args:
        cell_is_given: whether it happened in a cell of the course's (`given_cells`).
        ename: class of the exception.
        evalue: its text.
    """
    if missing := MISSING_PACKAGE.search(evalue):
        return f"The grader does not have the package `{missing[1]}`."
    if ename in NETWORK_ERRORS or NETWORK_TEXT.search(evalue):
        return "The grader has no network, so nothing can be downloaded."
    if ename == "StdinNotImplementedError" or (ename == "EOFError" and "keyboard" in evalue):
        return "In an automatic run nobody can answer at the keyboard."
    if not cell_is_given:
        return ""
    if ename in VERSION_ERRORS or VERSION_TEXT.search(evalue):
        return "This cell is the course's own, and does not work with the library versions used here."
    if ename == "AssertionError":
        return "This cell is a test of the course's: it fails because of cells before it."
    return "This cell is the course's own: its error follows from cells before it."

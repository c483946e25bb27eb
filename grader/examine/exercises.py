"""Which exercises of the starter were left as they were.

A placeholder of the starter is a statement with holes: `x = None(x)`, `base.trainable = None`, `layers[:None]`. It is
still open where the student's version has the same statement with at least one of its holes unfilled. So a `None`
that the student wrote is never mistaken for one that the course left.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from nbformat import NotebookNode

from grader.cells import kept_for_cells, parse_cell
from grader.evidence import Exercise, Place
from grader.examine.placeholders import Template, empty_regions, templates

__all__ = ["exercise_cells", "open_exercises", "without_comments"]

Function = ast.FunctionDef | ast.AsyncFunctionDef
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
ALIKE = 0.5
"""Least similarity (0 to 1) of two cells' text for one to be taken for the other's new version."""


@dataclass(frozen=True)
class Block:
    """The code of a function, or what a cell has outside functions."""

    cell: int
    """From 1 over all cells."""
    name: str
    """The function's; empty at top level."""
    lines: tuple[str, ...]
    """The whole cell's lines."""
    body: tuple[ast.stmt, ...]
    first: int
    last: int
    """Lines of the cell that the block takes."""

    @property
    def text(self) -> str:
        """The statements without comments."""
        return "\n".join(ast.unparse(node) for node in self.body)


@dataclass
class Task:
    """An exercise of the starter."""

    block: Block
    templates: list[Template] = field(default_factory=list)
    regions: int = 0
    """Marked places with nothing written in them."""


def open_exercises(notebook: NotebookNode, starter: NotebookNode | None) -> tuple[Exercise, ...]:
    """The exercises of ``starter`` that ``notebook`` has left open, in the starter's order.

    A notebook without any code has left all of them open, without places. An exercise whose function or cell is gone
    (written anew in some other way) does not count as open.
    """
    if starter is None:
        return ()
    tasks = list(tasks_of(starter))
    if not any(cell.cell_type == "code" and without_comments(cell.source) for cell in notebook.cells):
        return tuple(Exercise(name=name_of(task, starter), places=()) for task in tasks)
    blocks = list(blocks_of(notebook))
    found = []
    for task in tasks:
        block = counterpart(task.block, blocks, notebook, starter)
        places = open_places(task, block) if block is not None else places_by_text(task, notebook)
        if places:
            found.append(Exercise(name=name_of(task, starter), places=places))
    return tuple(found)


def exercise_cells(starter: NotebookNode) -> frozenset[int]:
    """Numbers (from 1 over all cells) of the starter's cells in which students have something to fill in."""
    return frozenset(task.block.cell for task in tasks_of(starter))


@kept_for_cells
def without_comments(source: str) -> str:
    """Code in a normal form: no comments, no layout. Cells that cannot be parsed: without comment lines and blanks."""
    tree = parse_cell(source)
    if tree is not None:
        return ast.unparse(tree)
    lines = (re.sub(r"\s+", " ", line).strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))


def blocks_of(notebook: NotebookNode) -> Iterator[Block]:
    """The functions of each code cell (methods too), then what it has outside them."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code":
            continue
        tree, lines = parse_cell(cell.source), tuple(cell.source.splitlines())
        if tree is None:
            continue
        top: list[ast.stmt] = []
        for node in tree.body:
            inner = [node, *node.body] if isinstance(node, ast.ClassDef) else [node]
            functions = [part for part in inner if isinstance(part, Function)]
            for function in functions:
                name = f"{node.name}.{function.name}" if isinstance(node, ast.ClassDef) else function.name
                yield Block(number, name, lines, tuple(function.body), function.lineno, last_line(function, lines))
            if not functions:
                top.append(node)
        if top or not tree.body:
            yield Block(number, "", lines, tuple(top), 1, len(lines))


def tasks_of(starter: NotebookNode) -> Iterator[Task]:
    """The exercises of a starter."""
    for block in blocks_of(starter):
        task = Task(block, templates(block.body, block.lines), len(list(regions_of(block))))
        if task.templates or task.regions:
            yield task


def regions_of(block: Block) -> Iterator[int]:
    """Lines of the markers in a block below which nothing is written."""
    written = [node for node in block.body if not is_docstring(node)]
    if block.name and written and all(isinstance(node, ast.Pass) for node in written):
        yield written[0].lineno
        return
    own = [line for node in block.body for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)]
    for line in empty_regions(block.lines, block.first, block.last):
        # A top-level block spans its cell, functions included: their markers are theirs.
        if block.name or not own or any(abs(line - mine) <= 2 for mine in own) or line not in function_lines(block):
            yield line


def is_docstring(node: ast.stmt) -> bool:
    """Whether a statement is a text that stands for itself."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def function_lines(block: Block) -> frozenset[int]:
    """Lines of a cell that belong to functions."""
    tree = parse_cell("\n".join(block.lines))
    nodes = [node for node in ast.walk(tree) if isinstance(node, Function)] if tree else []
    return frozenset(line for node in nodes for line in range(node.lineno, last_line(node, block.lines) + 1))


def last_line(function: Function, lines: tuple[str, ...]) -> int:
    """Line of a cell that a function ends in, with the comments that stand in it after its last statement."""
    last = function.end_lineno or function.lineno
    for number, line in enumerate(lines[last:], start=last + 1):
        indent = len(line) - len(line.lstrip())
        if line.strip() and (indent <= function.col_offset or not line.strip().startswith("#")):
            break
        last = number if line.strip() else last
    return last


def counterpart(block: Block, candidates: list[Block], notebook: NotebookNode, starter: NotebookNode) -> Block | None:
    """The student's version of a block of the starter: the last one, where a cell was run again in a new version."""
    if block.name:
        return next((other for other in reversed(candidates) if other.name == block.name), None)
    top = [other for other in candidates if not other.name]
    original = starter.cells[block.cell - 1]
    for other in top:
        if same_origin(original, notebook.cells[other.cell - 1]):
            return other
    if not block.body:
        wanted = [line.strip() for line in block.lines]
        return next((other for other in top if [line.strip() for line in other.lines] == wanted), None)
    targets = assigned(block)
    named = [other for other in top if targets and targets <= assigned(other)]
    rated = [(difflib.SequenceMatcher(None, block.text, other.text).ratio(), other) for other in named or top]
    best = max(rated, key=lambda pair: (pair[0], pair[1].cell), default=None)
    return best[1] if best and (named or best[0] >= ALIKE) else None


def same_origin(original: NotebookNode, cell: NotebookNode) -> bool:
    """Whether two cells are one by their identifier: nbgrader's, or the notebook's own unless it was made up."""
    told = (node.metadata.get("nbgrader") for node in (original, cell))
    ours, theirs = (about if isinstance(about, dict) else {} for about in told)
    if ours.get("grade_id"):
        return bool(ours["grade_id"] == theirs.get("grade_id"))
    identifier = original.get("id", "")
    return bool(identifier) and not identifier.startswith("cell-") and identifier == cell.get("id")


def assigned(block: Block) -> frozenset[str]:
    """What a block assigns to."""
    nodes = [node for statement in block.body for node in ast.walk(statement) if isinstance(node, ast.Assign)]
    return frozenset(ast.unparse(target) for node in nodes for target in node.targets)


def open_places(task: Task, block: Block) -> tuple[Place, ...]:
    """The lines of the student's block that still have what the starter had."""
    lines: list[int] = []
    statements = list(walk_statements(block.body))
    for template in task.templates:
        hit = next((node for node in statements if template.is_open_in(node)), None)
        if hit is not None:
            statements.remove(hit)
            lines.append(template.line_in(hit))
    if task.regions and not lines:
        lines.extend(list(regions_of(block))[: task.regions] if block.text == task.block.text else ())
    return tuple(Place(cell=block.cell, line=line, code=code_at(block.lines, line)) for line in sorted(set(lines)))


def places_by_text(task: Task, notebook: NotebookNode) -> tuple[Place, ...]:
    """As `open_places`, in a cell that cannot be parsed: the starter's very lines below the function's own."""
    if not task.block.name:
        return ()
    wanted = {bare(code_at(task.block.lines, template.node.lineno)) for template in task.templates} - {""}
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code" or parse_cell(cell.source) is not None:
            continue
        if re.search(rf"^\s*def {re.escape(task.block.name)}\b", cell.source, re.MULTILINE):
            lines = tuple(cell.source.splitlines())
            hits = [line for line, text in enumerate(lines, start=1) if bare(text) in wanted]
            return tuple(Place(cell=number, line=line, code=code_at(lines, line)) for line in hits)
    return ()


def bare(line: str) -> str:
    """A line without its comment."""
    return line.partition("#")[0].strip()


def walk_statements(body: tuple[ast.stmt, ...]) -> Iterator[ast.stmt]:
    """All statements of a block in the order of their lines, nested ones included."""
    nodes = [node for statement in body for node in ast.walk(statement) if isinstance(node, ast.stmt)]
    return iter(sorted(nodes, key=lambda node: (node.lineno, node.col_offset)))


def code_at(lines: tuple[str, ...], line: int) -> str:
    """A line's text, as a Place has it."""
    return lines[line - 1].strip()[:200] if 0 < line <= len(lines) else ""


def name_of(task: Task, starter: NotebookNode) -> str:
    """The function, or the nearest heading above the cell, or its number."""
    if task.block.name:
        return task.block.name
    for cell in reversed(starter.cells[: task.block.cell - 1]):
        headings = HEADING.findall(cell.source) if cell.cell_type == "markdown" else []
        if headings:
            return re.sub(r"[*_`]|<[^>]+>", "", headings[-1]).strip()
    return f"Cell {task.block.cell}"

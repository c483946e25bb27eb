"""Which submissions hold the same code: something for staff to look at, never a verdict.

Code is compared in a form in which comments, formatting, Markdown, outputs and the names of variables make no
difference. What the starter gave is left out, statement by statement; where too little of the student's own is left
to tell two people apart, there is nothing to compare.
"""

from __future__ import annotations

import ast
import builtins
import copy
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from nbformat import NotebookNode

from grader.cells import parse_cell
from grader.examine.given import given_cells

__all__ = ["SMALLEST", "fingerprint", "groups"]

SMALLEST = 80
"""Nodes of the syntax tree, without what the starter gave, below which code tells nothing about who wrote it."""

SMALL_GROUP = 5
"""Students who may share their code in any class, however small, and still be listed."""
Function = (ast.FunctionDef, ast.AsyncFunctionDef)


def fingerprint(notebook: NotebookNode, starter: NotebookNode | None = None) -> str:
    """Hash of the student's own code in its normal form; empty where there is too little of it, or none can be read.

    Args:
        notebook: as handed in.
        starter: the assignment's; its cells and statements are not the student's own.
    """
    given = given_cells(notebook, starter)
    code = Code(sources_of(notebook))
    # A given cell has used up the starter's statements that are in it.
    from_starter = Counter(shapes_of(sources_of(starter))) - Counter(code.shapes(given)) if starter else Counter()
    others = code.numbers - given
    own = [node for node in code.pieces(others) if not taken(code.shape(node), from_starter)]
    if sum(size(node) for node in own) < SMALLEST:
        return ""
    namer = code.namer()
    lines = [ast.dump(namer.visit(copy.deepcopy(node))) for node in own]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def sources_of(notebook: NotebookNode) -> tuple[tuple[int, str], ...]:
    """Number and text of each cell of code."""
    return tuple((number, cell.source) for number, cell in enumerate(notebook.cells, 1) if cell.cell_type == "code")


@lru_cache(maxsize=8)
def shapes_of(sources: tuple[tuple[int, str], ...]) -> tuple[str, ...]:
    """The shapes of all statements. Kept: a class has one starter."""
    return tuple(Code(sources).shapes())


class Code:
    """The syntax trees of a notebook's cells, and the names that were chosen in them."""

    def __init__(self, sources: Iterable[tuple[int, str]]) -> None:
        self.trees = {number: tree for number, source in sources if (tree := parse_cell(source)) is not None}
        self.numbers = frozenset(self.trees)
        trees = self.trees.values()
        self.bound = {name for tree in trees for name in bound_names(tree)} - set(dir(builtins))
        self.functions = {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, Function)}

    def pieces(self, cells: frozenset[int] | None = None) -> Iterator[ast.AST]:
        """The statements of some cells, or of all."""
        for number, tree in self.trees.items():
            if cells is None or number in cells:
                yield from pieces(tree.body)

    def namer(self) -> Namer:
        """One that has not seen a name yet."""
        return Namer(self.bound, self.functions)

    def shape(self, node: ast.AST) -> str:
        """A statement by itself, whatever its names."""
        return ast.dump(self.namer().visit(copy.deepcopy(node)))

    def shapes(self, cells: frozenset[int] | None = None) -> Iterator[str]:
        """The shapes of the statements of some cells, or of all."""
        return (self.shape(node) for node in self.pieces(cells))


def taken(statement: str, left: Counter[str]) -> bool:
    """Whether the starter gave this statement; each one that it gave accounts for one only."""
    if left[statement] <= 0:
        return False
    left[statement] -= 1
    return True


def groups(fingerprints: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Student -> the other students with the same fingerprint; students who share theirs with nobody are left out.

    What more than a tenth of a class wrote alike is how the exercise is solved, so such groups are left out too.
    """
    most = max(SMALL_GROUP, len(fingerprints) // 10)
    alike: dict[str, list[str]] = defaultdict(list)
    for student, value in fingerprints.items():
        if value:
            alike[value].append(student)
    return {
        student: tuple(other for other in students if other != student)
        for students in alike.values()
        if 1 < len(students) <= most
        for student in students
    }


def pieces(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Statements, the compound ones as their head and then what is in them; docstrings and bare names left out."""
    for statement in body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, (ast.Constant, ast.Name)):
            continue
        blocks = [(field, value) for field, value in ast.iter_fields(statement) if is_block(value)]
        if not blocks:
            yield statement
            continue
        head = copy.copy(statement)
        for field, _ in blocks:
            setattr(head, field, [])
        yield head
        for _, value in blocks:
            yield from pieces([inner for inner in value if isinstance(inner, ast.stmt)])
            for handler in value:
                if isinstance(handler, ast.ExceptHandler):
                    yield from pieces(handler.body)


def is_block(value: object) -> bool:
    """Whether a field of a statement holds statements."""
    return isinstance(value, list) and any(isinstance(one, (ast.stmt, ast.ExceptHandler)) for one in value)


def size(node: ast.AST) -> int:
    """Number of nodes that say something."""
    return sum(not isinstance(inner, (ast.expr_context, ast.alias)) for inner in ast.walk(node))


def bound_names(tree: ast.AST) -> Iterator[str]:
    """Names that the student's code chose."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, (*Function, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name


class Namer(ast.NodeTransformer):
    """Numbers chosen names by their first appearance."""

    def __init__(self, bound: set[str], functions: set[str]) -> None:
        self.bound = bound
        self.functions = functions
        self.numbers: dict[str, str] = {}

    def renamed(self, name: str) -> str:
        """The name's number, unless the student did not choose it."""
        return self.numbers.setdefault(name, f"v{len(self.numbers)}") if name in self.bound else name

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.renamed(node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg, node.annotation = self.renamed(node.arg), None
        return node

    def visit_alias(self, node: ast.alias) -> ast.AST:
        node.asname = self.renamed(node.asname) if node.asname else None
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        own = isinstance(node.func, ast.Name) and node.func.id in self.functions
        self.generic_visit(node)
        for keyword in node.keywords:
            if own and keyword.arg:
                keyword.arg = self.renamed(keyword.arg)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name, node.returns = self.renamed(node.name), None
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self.renamed(node.name)
        return self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        node.name = self.renamed(node.name) if node.name else None
        return self.generic_visit(node)

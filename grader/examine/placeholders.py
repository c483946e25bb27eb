"""The holes that a starter leaves in a statement, and whether another statement still has them.

A hole is `None` or `...` where a student is to write something. `return None`, default values, `is None`, new axes and
shapes such as `(None, 160, 160, 3)` are no holes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Template", "empty_regions", "templates"]

Step = tuple[str, int | str]
Path = tuple[Step, ...]

BEGIN = re.compile(r"#.*\b(START CODE|YOUR CODE|YOUR SOLUTION|TODO|WRITE YOUR)\b", re.IGNORECASE)
END = re.compile(r"#.*\b(END CODE|END YOUR CODE|END SOLUTION)\b", re.IGNORECASE)
MEANT = frozenset(
    {
        "weights",
        "activation",
        "classifier_activation",
        "name",
        "seed",
        "axis",
        "dtype",
        "pooling",
        "callbacks",
        "verbose",
        "label_mode",
        "cmap",
    }
)
"""Keywords for which `None` is a value that courses give."""
COMPOUND = (
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.If,
    ast.With,
    ast.AsyncWith,
    ast.Try,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
)


@dataclass(frozen=True)
class Template:
    """A statement of the starter with its holes."""

    node: ast.stmt
    holes: tuple[Path, ...]

    def is_open_in(self, other: ast.stmt) -> bool:
        """Whether ``other`` is this statement with at least one hole unfilled."""
        if not same(self.node, other, self.holes, ()):
            return False
        open_holes = [hole for hole in self.holes if is_blank(at(other, hole))]
        if len(open_holes) == len(self.holes):
            return True
        # With all else filled in, `activation=None` is an answer.
        return any(keyword_at(self.node, hole) != "activation" for hole in open_holes)

    def line_in(self, other: ast.stmt) -> int:
        """Line of the first unfilled hole of ``other``, which `is_open_in` holds for."""
        for hole in self.holes:
            node = at(other, hole)
            if is_blank(node):
                return int(getattr(node, "lineno", other.lineno))
        return other.lineno


def templates(body: tuple[ast.stmt, ...], lines: tuple[str, ...]) -> list[Template]:
    """The statements of a block that have holes, in the order of their lines.

    Args:
        body: the block's statements.
        lines: all lines of its cell; where they mark what is to be written, only what is marked counts.
    """
    marked = marked_lines(lines)
    statements = [node for statement in body for node in ast.walk(statement) if isinstance(node, ast.stmt)]
    found = []
    for node in sorted(statements, key=lambda node: (node.lineno, node.col_offset)):
        holes = tuple(holes_of(node))
        inside = any(line in marked for line in range(node.lineno, (node.end_lineno or node.lineno) + 1))
        if not holes or (marked and not inside and not is_stub(node)):
            continue
        if not inside and any(holes) and all(keyword_at(node, hole) in MEANT for hole in holes):
            continue
        found.append(Template(node, holes))
    return found


def holes_of(node: ast.stmt) -> Iterator[Path]:
    """Paths from a statement to its holes; the empty path for a statement that is a hole as a whole."""
    if is_stub(node):
        yield ()
    elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        if node.value is not None:
            yield from value_holes(node.value, (("value", ""),))
    elif isinstance(node, (ast.Expr, ast.Return)) and isinstance(node.value, ast.Call):
        yield from expression_holes(node.value, (("value", ""),))
    elif isinstance(node, (ast.For, ast.AsyncFor)):
        yield from value_holes(node.iter, (("iter", ""),))
    elif isinstance(node, (ast.If, ast.While)):
        yield from value_holes(node.test, (("test", ""),))


def is_stub(node: ast.stmt) -> bool:
    """Whether a statement stands for a whole solution: ``...`` or ``raise NotImplementedError``."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and node.value.value is Ellipsis
    if isinstance(node, ast.Raise) and node.exc is not None:
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    return False


def value_holes(node: ast.expr, path: Path) -> Iterator[Path]:
    """Holes of an expression that may itself be one, or a tuple of nothing else."""
    if is_blank(node):
        yield path
    elif isinstance(node, (ast.Tuple, ast.List)) and node.elts and all(is_blank(item) for item in node.elts):
        yield from ((*path, ("elts", index)) for index in range(len(node.elts)))
    else:
        yield from expression_holes(node, path)


def expression_holes(node: ast.AST, path: Path) -> Iterator[Path]:
    """Holes inside an expression: what is called, arguments, bounds of a slice, operands."""
    if isinstance(node, ast.Call):
        yield from value_holes(node.func, (*path, ("func", "")))
        for index, argument in enumerate(node.args):
            yield from value_holes(argument, (*path, ("args", index)))
        for keyword in node.keywords:
            if keyword.arg is not None:
                yield from value_holes(keyword.value, (*path, ("keywords", keyword.arg)))
    elif isinstance(node, ast.Slice):
        for name in ("lower", "upper", "step"):
            bound = getattr(node, name)
            if bound is not None:
                yield from value_holes(bound, (*path, (name, "")))
    elif isinstance(node, ast.Subscript):
        yield from expression_holes(node.value, (*path, ("value", "")))
        if isinstance(node.slice, ast.Slice):
            yield from expression_holes(node.slice, (*path, ("slice", "")))
    elif isinstance(node, ast.Attribute):
        yield from value_holes(node.value, (*path, ("value", "")))
    elif isinstance(node, ast.BinOp):
        for name in ("left", "right"):
            yield from value_holes(getattr(node, name), (*path, (name, "")))
    elif isinstance(node, (ast.List, ast.Tuple)):
        for index, item in enumerate(node.elts):
            yield from expression_holes(item, (*path, ("elts", index)))


def is_blank(node: ast.AST | None) -> bool:
    """Whether a node is one that stands for something to be written."""
    if isinstance(node, ast.stmt):
        return is_stub(node)
    return isinstance(node, ast.Constant) and (node.value is None or node.value is Ellipsis)


def at(node: ast.AST, path: Path) -> ast.AST | None:
    """The node at the end of a path; None where there is none."""
    current: ast.AST | None = node
    for name, key in path:
        value = getattr(current, name, None)
        if name == "keywords":
            current = next((each.value for each in value or () if each.arg == key), None)
        elif isinstance(value, list):
            current = value[key] if isinstance(key, int) and key < len(value) else None
        else:
            current = value
    return current


def keyword_at(node: ast.AST, path: Path) -> str:
    """The keyword argument that a path ends in; empty for any other place."""
    return str(path[-1][1]) if path and path[-1][0] == "keywords" else ""


def same(ours: object, theirs: object, holes: tuple[Path, ...], path: Path) -> bool:
    """Whether two trees are equal but for what stands in the holes. Bodies of loops and conditions do not count."""
    if path in holes:
        return theirs is not None and (bool(path) or is_blank(theirs if isinstance(theirs, ast.AST) else None))
    if not isinstance(ours, ast.AST) or not isinstance(theirs, ast.AST):
        return ours == theirs
    if type(ours) is not type(theirs):
        return False
    for name, value in ast.iter_fields(ours):
        other = getattr(theirs, name, None)
        if name in ("ctx", "kind", "type_comment") or (name in ("body", "orelse") and isinstance(ours, COMPOUND)):
            continue
        if name == "keywords":
            pairs = {each.arg: each.value for each in value}, {each.arg: each.value for each in other or ()}
            if pairs[0].keys() != pairs[1].keys():
                return False
            if not all(same(pairs[0][key], pairs[1][key], holes, (*path, ("keywords", key or ""))) for key in pairs[0]):
                return False
        elif isinstance(value, list):
            if not isinstance(other, list) or len(value) != len(other):
                return False
            if not all(
                same(mine, its, holes, (*path, (name, index)))
                for index, (mine, its) in enumerate(zip(value, other, strict=True))
            ):
                return False
        elif not same(value, other, holes, (*path, (name, ""))):
            return False
    return True


def marked_lines(lines: tuple[str, ...]) -> frozenset[int]:
    """Lines between a START and an END marker; empty where a cell has no such pair."""
    marked: set[int] = set()
    start: int | None = None
    for number, line in enumerate(lines, start=1):
        if END.search(line):
            marked.update(range(start, number) if start is not None else ())
            start = None
        elif BEGIN.search(line):
            start = number
    return frozenset(marked)


def empty_regions(lines: tuple[str, ...], first: int, last: int) -> Iterator[int]:
    """Lines of the markers between ``first`` and ``last`` below which nothing is written.

    A marker's region ends at its END marker, at the next one, or with the lines.
    """
    begin: int | None = None
    for number in range(first, last + 1):
        line = lines[number - 1] if number <= len(lines) else ""
        text = line.strip()
        if END.search(line):
            if begin is not None:
                yield begin
            begin = None
        elif BEGIN.search(line) and text.startswith("#"):
            begin = number if begin is None else begin
        elif text and not text.startswith("#") and text != "pass":
            begin = None
    if begin is not None:
        yield begin

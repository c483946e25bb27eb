"""The known-wrong variants of a reference solution: `variants.toml` -> validated objects and their notebooks.

A folder below `reference/` is named like its assignment and holds `solution.ipynb` and `variants.toml`. A variant is
the solution with one fault, declared as replacements in its code cells:

    [[variant]]
    name = "training-flag-forgotten"
    fault = "The base is called without `training=False`."
    fails = ["TL103", "TL203"]   # these fail; all others pass or warn
    skips = []                   # these cannot be judged in consequence
    [[variant.replace]]
    old = "x = base_model(x, training=False)"
    new = "x = base_model(x)"
    [variant.on.2]               # where Keras 2 truly differs: its own fails and skips
    fails = ["TL103"]

Two tables are for assignments whose solution or starter is not the usual one, and may be left out:

    [solution]
    skips = ["TL403"]            # nothing there to judge: these are skipped in the solution, starter and every variant
    [starter]
    earns = ["TL102"]            # what the starter gives away: these may pass in it
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import nbformat
from nbformat import NotebookNode

from grader.errors import VariantError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = [
    "Expected",
    "Flavour",
    "Reference",
    "Replacement",
    "Variant",
    "VariantError",
    "load_reference",
    "load_variants",
    "make_variant",
    "rendered",
]

Flavour = Literal["2", "3"]
FILE = "variants.toml"
KEYS = {"name", "fault", "fails", "skips", "replace", "on"}
TABLES = {"variant": None, "solution": {"skips"}, "starter": {"earns"}}
"""Tables of the file; for the single ones, their keys."""


@dataclass(frozen=True)
class Replacement:
    """A text of the solution's code cells that occurs exactly once, and what stands there instead."""

    old: str
    new: str


@dataclass(frozen=True)
class Expected:
    """What the grader must say: codes of checks. All other checks pass or warn."""

    fails: frozenset[str]
    skips: frozenset[str]


@dataclass(frozen=True)
class Variant:
    """The solution with one fault."""

    name: str
    fault: str
    """One sentence."""
    path: Path
    """Its notebook."""
    replacements: tuple[Replacement, ...]
    by_default: Expected
    by_flavour: dict[str, Expected] = field(default_factory=dict)

    def expected(self, flavour: Flavour) -> tuple[set[str], set[str]]:
        """Codes that fail and codes that are skipped on Keras 2 or 3."""
        expected = self.by_flavour.get(flavour, self.by_default)
        return set(expected.fails), set(expected.skips)


@dataclass(frozen=True)
class Reference:
    """All that a `variants.toml` declares."""

    folder: Path
    variants: tuple[Variant, ...]
    not_judged: frozenset[str]
    """Codes that have nothing to judge in this assignment, not even in the solution."""
    given_away: frozenset[str]
    """Codes that the starter may earn points for."""

    @property
    def slug(self) -> str:
        """Of the assignment that it belongs to."""
        return self.folder.name

    @property
    def file(self) -> Path:
        """The `variants.toml`."""
        return self.folder / FILE

    @property
    def solution(self) -> Path:
        """The notebook that has everything right."""
        return self.folder / "solution.ipynb"


def load_variants(folder: Path) -> list[Variant]:
    """The variants of `folder/variants.toml`, in its order; raises as `load_reference` does."""
    return list(load_reference(folder).variants)


def load_reference(folder: Path) -> Reference:
    """What `folder/variants.toml` declares.

    Raises:
        VariantError: the file cannot be read, a key is missing or unknown, a name occurs twice, or a flavour is
            neither 2 nor 3.
    """
    path = folder / FILE
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise VariantError(f"{path}: there is no such file.") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise VariantError(f"{path}: cannot be read: {exc}.") from None
    for name, table in data.items():
        if name not in TABLES:
            raise VariantError(f"{path}: unknown table {name}. Known are: {', '.join(TABLES)}.")
        if (keys := TABLES[name]) is not None and (unknown := sorted(set(table) - keys)):
            raise VariantError(f"{path}: {name}: unknown key {unknown[0]}.")
    variants = tuple(read_variant(table, path) for table in data.get("variant", []))
    names = [variant.name for variant in variants]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise VariantError(f"{path}: two variants are called {doubled[0]!r}.")
    return Reference(
        folder=folder,
        variants=variants,
        not_judged=frozenset(data.get("solution", {}).get("skips", ())),
        given_away=frozenset(data.get("starter", {}).get("earns", ())),
    )


def read_variant(table: dict[str, Any], path: Path) -> Variant:
    """One `[[variant]]`."""
    name = table.get("name", "without a name")
    if unknown := sorted(set(table) - KEYS):
        raise VariantError(f"{path}: variant {name}: unknown key {unknown[0]}.")
    if missing := sorted(KEYS - set(table) - {"on", "skips"}):
        raise VariantError(f"{path}: variant {name}: {missing[0]} is missing.")
    if strange := sorted(set(table.get("on", {})) - {"2", "3"}):
        raise VariantError(f"{path}: variant {name}: on.{strange[0]}: allowed are 2 and 3.")
    return Variant(
        name=name,
        fault=table["fault"],
        path=path.parent / "variants" / f"{name}.ipynb",
        replacements=tuple(read_replacement(replacement, name, path) for replacement in table["replace"]),
        by_default=read_expected(table),
        by_flavour={flavour: read_expected(expected) for flavour, expected in table.get("on", {}).items()},
    )


def read_replacement(table: dict[str, Any], name: str, path: Path) -> Replacement:
    """One `[[variant.replace]]`; the line break before the closing quotes belongs to neither text."""
    if set(table) != {"old", "new"}:
        raise VariantError(f"{path}: variant {name}: a replacement has old and new, not {', '.join(sorted(table))}.")
    return Replacement(table["old"].removesuffix("\n"), table["new"].removesuffix("\n"))


def read_expected(table: dict[str, Any]) -> Expected:
    """`fails` and `skips` of a table; what is not given is empty."""
    return Expected(frozenset(table.get("fails", ())), frozenset(table.get("skips", ())))


def make_variant(solution: NotebookNode, variant: Variant) -> NotebookNode:
    """A copy of the solution with the variant's replacements.

    Raises:
        VariantError: an `old` text does not occur exactly once in the code cells.
    """
    notebook = copy.deepcopy(solution)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for replacement in variant.replacements:
        count = sum(cell.source.count(replacement.old) for cell in cells)
        if count != 1:
            raise VariantError(
                f"variant {variant.name}: {replacement.old!r} occurs {count} times in the solution, not once."
            )
        for cell in cells:
            # Lines that are taken out leave no empty line behind.
            source = cell.source.replace(replacement.old + "\n", "") if not replacement.new else cell.source
            cell.source = source.replace(replacement.old, replacement.new).strip("\n")
    return notebook


def as_text(notebook: NotebookNode) -> str:
    """The notebook's file."""
    return str(nbformat.writes(notebook, indent=1)).rstrip("\n") + "\n"


def rendered(folder: Path) -> Iterator[tuple[Path, str]]:
    """Path and text of every variant's notebook."""
    solution = nbformat.read(folder / "solution.ipynb", as_version=4)
    for variant in load_variants(folder):
        yield variant.path, as_text(make_variant(solution, variant))

"""Make the known-wrong variants of each reference solution, and tell what each must fail.

    python reference/make_variants.py           # write variants/*.ipynb and the tables of README.md
    python reference/make_variants.py --check   # write nothing; exit status 1 if anything would change

A folder below `reference/` holds `solution.ipynb` and `variants.toml`. A variant is the solution with one
fault, declared as replacements in its code cells:

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
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import nbformat

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Expected", "Replacement", "Variant", "VariantError", "load_variants", "make_variant", "rendered"]

Flavour = Literal["2", "3"]
HERE = Path(__file__).resolve().parent
KEYS = {"name", "fault", "fails", "skips", "replace", "on"}


class VariantError(Exception):
    """A `variants.toml` is malformed, or does not fit its solution."""


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


def load_variants(folder: Path) -> list[Variant]:
    """The variants of `folder/variants.toml`, in its order.

    Raises:
        VariantError: a key is missing or unknown, a name occurs twice, or a flavour is neither 2 nor 3.
    """
    path = folder / "variants.toml"
    tables = tomllib.loads(path.read_text(encoding="utf-8")).get("variant", [])
    variants = [read_variant(table, path) for table in tables]
    names = [variant.name for variant in variants]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise VariantError(f"{path}: two variants are called {doubled[0]!r}.")
    return variants


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


def make_variant(solution: nbformat.NotebookNode, variant: Variant) -> nbformat.NotebookNode:
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


def as_text(notebook: nbformat.NotebookNode) -> str:
    """The notebook's file."""
    return str(nbformat.writes(notebook, indent=1)).rstrip("\n") + "\n"


def folders() -> list[Path]:
    """Every folder with variants."""
    return sorted(path.parent for path in HERE.glob("*/variants.toml"))


def rendered(folder: Path) -> Iterator[tuple[Path, str]]:
    """Path and text of every variant's notebook."""
    solution = nbformat.read(folder / "solution.ipynb", as_version=4)
    for variant in load_variants(folder):
        yield variant.path, as_text(make_variant(solution, variant))


def table(folder: Path) -> str:
    """The variants as a Markdown table."""
    lines = ["| variant | what is wrong | fails | skipped in consequence |", "|---|---|---|---|"]
    for variant in load_variants(folder):
        (fails2, skips2), (fails3, skips3) = variant.expected("2"), variant.expected("3")
        lines.append(f"| `{variant.name}` | {variant.fault} | {codes(fails2, fails3)} | {codes(skips2, skips3)} |")
    return "\n".join(lines)


def codes(on2: set[str], on3: set[str]) -> str:
    """Codes for a cell of the table; by Keras where they differ."""
    if on2 == on3:
        return " ".join(sorted(on2)) or "none"
    return f"Keras 2: {codes(on2, on2)}; Keras 3: {codes(on3, on3)}"


def readme(text: str) -> str:
    """README.md with its tables made anew: they stand between `<!-- variants: FOLDER -->` and `<!-- end -->`."""
    for folder in folders():
        start, end = f"<!-- variants: {folder.name} -->\n", "\n<!-- end -->"
        if start not in text or end not in text.split(start, 1)[1]:
            raise VariantError(
                f"README.md has no place for the table of {folder.name}: {start.strip()} ... {end.strip()}"
            )
        before, rest = text.split(start, 1)
        text = before + start + table(folder) + end + rest.split(end, 1)[1]
    return text


def everything() -> dict[Path, str]:
    """Path and text of all that this script writes."""
    files = {path: text for folder in folders() for path, text in rendered(folder)}
    path = HERE / "README.md"
    return {**files, path: readme(path.read_text(encoding="utf-8"))}


def main() -> int:
    """The command line; the exit status."""
    parser = argparse.ArgumentParser(description="Make the known-wrong variants of the reference solutions.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 if anything would change")
    args = parser.parse_args()
    files = everything()
    stale = sorted(set(HERE.glob("*/variants/*.ipynb")) - set(files))
    changed = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in [*changed, *stale]:
        print(path.relative_to(HERE))
    if args.check:
        return 1 if changed or stale else 0
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], encoding="utf-8")
    for path in stale:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())

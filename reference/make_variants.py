"""Make the known-wrong variants of each reference solution, and tell what each must fail.

    python reference/make_variants.py           # write variants/*.ipynb and the tables of README.md
    python reference/make_variants.py --check   # write nothing; exit status 1 if anything would change

A folder below `reference/` holds `solution.ipynb` and `variants.toml`, whose keys `grader.verify.variants` explains.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from grader.verify.variants import (
    Expected,
    Replacement,
    Variant,
    VariantError,
    load_variants,
    make_variant,
    rendered,
)

__all__ = ["Expected", "Replacement", "Variant", "VariantError", "load_variants", "make_variant", "rendered"]

HERE = Path(__file__).resolve().parent


def folders() -> list[Path]:
    """Every folder with variants."""
    return sorted(path.parent for path in HERE.glob("*/variants.toml"))


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
    try:
        sys.exit(main())
    except VariantError as error:
        sys.exit(f"make_variants: {error}")

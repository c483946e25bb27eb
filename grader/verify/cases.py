"""What there is to verify: each notebook of a reference on each Keras that its assignment is meant for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from grader.assignment import Assignment, assignment_roots, did_you_mean, find_assignment
from grader.errors import AssignmentError, VariantError
from grader.verify.variants import FILE, Expected, Flavour, Reference, load_reference

__all__ = ["Case", "assignment_of", "cases_of", "find_references"]

Kind = Literal["solution", "starter", "variant"]


@dataclass(frozen=True)
class Case:
    """One notebook on one Keras, and what is declared of it."""

    assignment: Assignment
    kind: Kind
    name: str
    """Of the variant; ``solution`` and ``starter`` otherwise."""
    path: Path
    keras: Flavour
    claim: str
    """What is declared, as a sentence."""
    expected: Expected
    """Codes that must fail and that must be skipped. The starter's are not declared one by one."""
    given_away: frozenset[str] = frozenset()
    """Codes that the starter may earn points for."""

    @property
    def key(self) -> tuple[str, Flavour]:
        """Name and Keras: what tells it from the other cases of its assignment."""
        return self.name, self.keras

    @property
    def id(self) -> str:
        """As pytest shows it, e.g. ``training-flag-forgotten[keras3]``."""
        return f"{self.name}[keras{self.keras}]"

    @property
    def is_wrong(self) -> bool:
        """Whether it is a variant with a fault on this Keras."""
        return self.kind == "variant" and bool(self.expected.fails)


def cases_of(reference: Reference) -> list[Case]:
    """The solution, the starter and every variant, each on every Keras of the assignment.

    Raises:
        AssignmentError: the assignment cannot be found or used.
        VariantError: a notebook is missing, or a variant names a check that the assignment has not.
    """
    assignment = assignment_of(reference)
    flavours: tuple[Flavour, ...] = get_args(Flavour) if assignment.keras == "auto" else (assignment.keras,)
    require_known_codes(reference, assignment)
    nothing = Expected(frozenset(), reference.not_judged)
    cases = [
        Case(assignment, "solution", "solution", reference.solution, keras, "It has everything right.", nothing)
        for keras in flavours
    ]
    claim = "It earns nothing for what it leaves undone."
    cases += [
        Case(assignment, "starter", "starter", assignment.starter, keras, claim, nothing, reference.given_away)
        for keras in flavours
    ]
    for variant in reference.variants:
        for keras in flavours:
            fails, skips = variant.expected(keras)
            expected = Expected(frozenset(fails), frozenset(skips) | (reference.not_judged - fails))
            cases.append(Case(assignment, "variant", variant.name, variant.path, keras, variant.fault, expected))
    for case in cases:
        if not case.path.is_file():
            raise VariantError(f"{case.path}: there is no such notebook.", "Make it with reference/make_variants.py.")
    return cases


def require_known_codes(reference: Reference, assignment: Assignment) -> None:
    """Refuse codes of checks that the assignment does not ask for."""
    known = [check.code for check in assignment.checks]
    declared: dict[str, set[str]] = {
        "solution": set(reference.not_judged),
        "starter": set(reference.given_away),
    }
    for variant in reference.variants:
        expectations = (variant.by_default, *variant.by_flavour.values())
        declared[f"variant {variant.name}"] = {code for each in expectations for code in each.fails | each.skips}
    for place, codes in declared.items():
        for code in sorted(codes - set(known)):
            raise VariantError(
                f"{reference.file}: {place}: {assignment.slug} has no check {code}.{did_you_mean(code, known)}"
            )


def assignment_of(reference: Reference) -> Assignment:
    """The assignment that a reference belongs to: beside it in the same tree, or wherever it is found."""
    beside = reference.folder.resolve().parent.parent / "assignments" / reference.slug
    return Assignment.load(beside) if (beside / "assignment.toml").is_file() else find_assignment(reference.slug)


def find_references(names: list[str], folder: Path | None = None) -> list[Reference]:
    """The references of these assignments, or all of a folder.

    Args:
        names: slugs, or folders of assignments.
        folder: where to look: a folder of references, or one reference. Without it, the `reference` folders of
            here and above and those beside each folder of assignments; without names, only the nearest of them.

    Raises:
        VariantError: there is none, or not for one of the names.
        AssignmentError: a name looks like a path, and no assignment is there.
    """
    roots = [folder] if folder is not None else reference_roots(names)
    found: dict[str, Path] = {}
    for root in roots:
        for path in (root / FILE, *sorted(root.glob(f"*/{FILE}"))):
            if path.is_file():
                found.setdefault(path.resolve().parent.name, path.parent)
        # All that are here are wanted then, not all that there are in the world.
        if found and not names:
            break
    if not found:
        where = f" in {folder}" if folder is not None else ""
        raise VariantError(
            f"There is no reference{where}: no folder with a {FILE}.", "Name the folder with --reference FOLDER."
        )
    wanted = [slug_of(name) for name in names] or list(found)
    for slug in wanted:
        if slug not in found:
            raise VariantError(f"There is no reference for {slug!r}.{did_you_mean(slug, sorted(found))}")
    return [load_reference(found[slug]) for slug in dict.fromkeys(wanted)]


def slug_of(name: str) -> str:
    """The slug of an assignment that is named by its slug or its folder."""
    if Path(name).name == name:
        return name
    if not (Path(name) / "assignment.toml").is_file():
        raise AssignmentError(f"{name}: there is no assignment.toml.")
    return Path(name).resolve().name


def reference_roots(names: list[str]) -> list[Path]:
    """Folders of references, nearest first."""
    roots = [Path(name).resolve().parent.parent / "reference" for name in names if Path(name).name != name]
    roots += [folder / "reference" for folder in (Path.cwd(), *Path.cwd().parents)]
    roots += [root.parent / "reference" for root in assignment_roots()]
    return [root for root in dict.fromkeys(roots) if root.is_dir()]

"""Checks against known-wrong variants: what catches what, and whether every check is worth having."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from grader.verify.cases import Case, cases_of
from grader.verify.records import Record, Records
from grader.verify.variants import Flavour, Reference

__all__ = ["Bar", "Matrix", "Row", "bars"]


@dataclass(frozen=True)
class Row:
    """A variant on one Keras, with what the last run kept of it."""

    case: Case
    record: Record

    @property
    def caught(self) -> bool:
        """Whether any check failed."""
        return bool(self.record.failed)


@dataclass(frozen=True)
class Matrix:
    """All variants of one assignment that there are records of."""

    slug: str
    codes: tuple[str, ...]
    """Its checks, in the assignment's order."""
    rows: tuple[Row, ...]
    """Variants only."""
    missing: tuple[Case, ...]
    """Notebooks without a record, or with one of another version of them or from before checks were added."""

    @classmethod
    def of(cls, reference: Reference, records: Records) -> Matrix:
        """From the records of the last run.

        Raises:
            AssignmentError: the assignment cannot be found or used.
            VariantError: the declarations do not fit it.
        """
        cases, kept = cases_of(reference), records.of(reference.slug)
        codes = tuple(check.code for check in cases[0].assignment.checks)
        found = {
            case.key: record
            for case in cases
            if (record := kept.get(case.key)) and record.is_of(case) and set(record.outcomes) == set(codes)
        }
        return cls(
            slug=reference.slug,
            codes=codes,
            rows=tuple(Row(c, found[c.key]) for c in cases if c.kind == "variant" and c.key in found),
            missing=tuple(case for case in cases if case.key not in found),
        )

    @property
    def flavours(self) -> tuple[Flavour, ...]:
        """The Kerases that there are rows of."""
        return tuple(sorted({row.case.keras for row in self.rows}))

    def on(self, keras: Flavour) -> list[Row]:
        """The rows of one Keras."""
        return [row for row in self.rows if row.case.keras == keras]

    def wrong(self) -> list[Row]:
        """Rows of variants with a fault."""
        return [row for row in self.rows if row.case.is_wrong]


@dataclass(frozen=True)
class Bar:
    """Something that must hold of all variants together."""

    claim: str
    met: bool
    exceptions: tuple[str, ...] = ()
    """What does not hold to it."""


def bars(matrices: Sequence[Matrix]) -> list[Bar]:
    """The bars, over all assignments: a check is the same one in each of them."""
    return [all_caught(matrices), none_marked_down(matrices), all_needed(matrices), none_equal(matrices)]


def all_caught(matrices: Sequence[Matrix]) -> Bar:
    """Every wrong variant is caught."""
    wrong = [(matrix, row) for matrix in matrices for row in matrix.wrong()]
    missed = tuple(f"{matrix.slug}::{row.case.id}" for matrix, row in wrong if not row.caught)
    share = (len(wrong) - len(missed)) / len(wrong) if wrong else 0.0
    claim = f"wrong variants caught: {len(wrong) - len(missed)} of {len(wrong)} ({floored(share)})"
    return Bar(claim, bool(wrong) and not missed, missed)


def none_marked_down(matrices: Sequence[Matrix]) -> Bar:
    """No right answer in another form fails a check."""
    right = [(matrix, row) for matrix in matrices for row in matrix.rows if not row.case.is_wrong]
    failed = tuple(f"{matrix.slug}::{row.case.id}" for matrix, row in right if row.caught)
    claim = f"right answers in another form that fail nothing: {len(right) - len(failed)} of {len(right)}"
    return Bar(claim, not failed, failed)


def all_needed(matrices: Sequence[Matrix]) -> Bar:
    """Every check is one that catches some variant."""
    caught = catches(matrices)
    idle = tuple(code for code, keys in caught.items() if not keys)
    return Bar(f"checks that catch some variant: {len(caught) - len(idle)} of {len(caught)}", not idle, idle)


def none_equal(matrices: Sequence[Matrix]) -> Bar:
    """No two checks fail on just the same variants."""
    caught = catches(matrices)
    equal = tuple(f"{a} = {b}" for a, b in combinations(caught, 2) if caught[a] and caught[a] == caught[b])
    return Bar("no two checks fail on just the same variants", not equal, equal)


def catches(matrices: Sequence[Matrix]) -> dict[str, set[tuple[str, str, str]]]:
    """For each check, the wrong variants (assignment, name, Keras) that it fails on."""
    caught: dict[str, set[tuple[str, str, str]]] = {code: set() for m in matrices for code in m.codes}
    for matrix, row in pairs(matrices):
        for code in row.record.failed & set(matrix.codes):
            caught[code].add((matrix.slug, *row.case.key))
    return dict(sorted(caught.items()))


def pairs(matrices: Sequence[Matrix]) -> Iterator[tuple[Matrix, Row]]:
    """Every wrong variant with its matrix."""
    for matrix in matrices:
        for row in matrix.wrong():
            yield matrix, row


def floored(share: float) -> str:
    """A percentage that says 100 only where all are meant."""
    return f"{int(share * 100)} %"

"""A graded class in figures: what was misunderstood, how scores lie, what each row of the class page shows."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from grader.batch.closing import needs_a_person
from grader.batch.gradebook import Gradebook, Row
from grader.feedback.diagnosis import rules
from grader.feedback.wording import joined, outcome_word, plural, points_text
from grader.results import CheckResult, Outcome, Report

__all__ = ["Bar", "Filter", "Line", "Misunderstanding", "Overview"]

SHARES = (
    (1.0, "The whole class"),
    (0.85, "Nearly the whole class"),
    (0.7, "Three quarters of the class"),
    (0.6, "Two thirds of the class"),
    (0.45, "Half of the class"),
    (0.29, "A third of the class"),
    (0.22, "A quarter of the class"),
    (0.17, "A fifth of the class"),
    (0.08, "A tenth of the class"),
)
MOST_SHOWN = 8
MOST_FILTERS = 6
MOST_BINS = 20
GLYPHS = {"failed": "✕", "warned": "!", "skipped": "–", "error": "?", "passed": ""}


@dataclass(frozen=True)
class Misunderstanding:
    """One mistake that several students made."""

    title: str
    lead: str
    """As the end of a sentence that begins with how many made it."""
    codes: tuple[str, ...]
    count: int


@dataclass(frozen=True)
class Bar:
    """One bar of the histogram, in units of its drawing."""

    label: str
    count: int
    x: float
    height: float


@dataclass(frozen=True)
class Filter:
    """A choice of rows."""

    name: str
    """Also a class of the rows that stay."""
    label: str
    count: int


@dataclass(frozen=True)
class Cell:
    """One check of one student."""

    outcome: str
    glyph: str
    text: str


@dataclass(frozen=True)
class Line:
    """One student."""

    name: str
    key: str
    """Empty where it is the name."""
    link: str
    score: str
    cells: tuple[Cell, ...]
    notes: tuple[str, ...]
    marks: tuple[str, ...] = field(default=())
    """Names of the filters that keep it."""


class Overview:
    """All that the class page shows of a gradebook."""

    def __init__(self, gradebook: Gradebook, links: Mapping[str, str]) -> None:
        self.gradebook = gradebook
        self.links = links
        self.reports = [row.report for row in gradebook.rows if row.report and row.score is not None]
        self.scores = [row.score for row in gradebook.rows if row.score is not None]
        self.names = {row.student.key: row.student.name or row.student.key for row in gradebook.rows}

    @cached_property
    def checks(self) -> list[CheckResult]:
        """One result of each check, for its code, name and title; in the order of the assignment."""
        every = [check for row in self.gradebook.rows if row.report for check in row.report.checks]
        return list({check.code: check for check in reversed(every)}.values())[::-1]

    @property
    def median(self) -> str:
        """Of the scores there are; a dash for none."""
        return points_text(statistics.median(self.scores)) if self.scores else "–"

    @property
    def facts(self) -> list[str]:
        """How many were graded, and on what."""
        graded, total = len(self.scores), len(self.gradebook.rows)
        without = f", {total - graded} without a grade" if total > graded else ""
        kerases = Counter(report.environment.keras_flavour for report in self.reports)
        versions = ", ".join(f"Keras {flavour}: {count}" for flavour, count in sorted(kerases.items()))
        source = f"layout: {self.gradebook.source}" if self.gradebook.source else ""
        return [part for part in (f"{graded} graded{without}", versions, source) if part]

    @cached_property
    def misunderstood(self) -> list[Misunderstanding]:
        """Diagnoses and failed checks that no diagnosis accounts for, the most frequent first."""
        found: dict[str, Misunderstanding] = {}
        counts: Counter[str] = Counter()
        for report in self.reports:
            for one in mistakes_of(report):
                known = found.setdefault(one.title, one)
                if len(one.codes) > len(known.codes):
                    found[one.title] = one
                counts[one.title] += 1
        return [
            Misunderstanding(found[title].title, found[title].lead, found[title].codes, count)
            for title, count in counts.most_common()
        ]

    @property
    def lead(self) -> str:
        """The one thing to know about this class."""
        if not self.reports:
            return "Nothing has been graded yet."
        if not self.misunderstood:
            return "Nothing was misunderstood: every check holds for everyone."
        first = self.misunderstood[0]
        return f"{share(first.count, len(self.reports))}: {first.lead}."

    @property
    def shown(self) -> list[Misunderstanding]:
        """The most frequent ones."""
        return self.misunderstood[:MOST_SHOWN]

    @property
    def bars(self) -> list[Bar]:
        """The histogram of scores, 372 wide and 100 high."""
        most = self.gradebook.max_score
        if most <= 0:
            return []
        width = max(1, round(most / 10)) if most > MOST_BINS else 1
        bins = int(most // width) + 1
        counts = Counter(min(int(score // width), bins - 1) for score in self.scores)
        highest = max(counts.values(), default=1)
        step = 372 / bins
        return [
            Bar(str(place * width), counts[place], place * step, 100 * counts[place] / highest) for place in range(bins)
        ]

    @cached_property
    def lines(self) -> list[Line]:
        """All students."""
        return [self.line(row) for row in self.gradebook.rows]

    def line(self, row: Row) -> Line:
        """One student."""
        results = {check.code: check for check in row.report.checks} if row.report else {}
        cells = tuple(cell_of(check, results.get(check.code)) for check in self.checks)
        failed = tuple(f"f-{check.code}" for check in results.values() if check.outcome is Outcome.FAILED)
        marks = {
            "person": bool(needs_a_person(row)),
            "same": bool(row.same_code),
            "weights": bool(row.same_weights),
            "adjusted": bool(row.adjustments),
            "late": row.late,
        }
        student = row.student
        return Line(
            name=student.name or student.key,
            key=student.key if student.name else "",
            link=self.links.get(student.key, ""),
            score="–" if row.score is None else points_text(row.score),
            cells=cells,
            notes=tuple(self.notes(row)),
            marks=(*failed, *(name for name, is_set in marks.items() if is_set)),
        )

    def notes(self, row: Row) -> list[str]:
        """What there is to say beside the checks."""
        notes = []
        if why := needs_a_person(row):
            notes.append(why)
        for one in row.adjustments:
            what = one.check or "score"
            notes.append(f"{what} set from {points_text(one.given)} to {points_text(one.points)} by {one.by}")
        if row.same_code:
            notes.append(f"same code as {joined([self.names.get(key, key) for key in row.same_code])}")
        if row.same_weights:
            notes.append(f"same trained weights as {joined([self.names.get(key, key) for key in row.same_weights])}")
        if row.late:
            notes.append("late")
        if row.attempts > 1:
            notes.append(f"attempt {row.attempt} of {row.attempts}")
        return notes

    @cached_property
    def filters(self) -> list[Filter]:
        """What rows can be chosen by; only what some row has."""
        counts = Counter(mark for line in self.lines for mark in line.marks)
        failed = sorted((mark for mark in counts if mark.startswith("f-")), key=lambda mark: -counts[mark])
        groups = len({frozenset((row.student.key, *row.same_code)) for row in self.gradebook.rows if row.same_code})
        labels = {mark: f"failed {mark[2:]} · {counts[mark]}" for mark in failed[:MOST_FILTERS]}
        labels["person"] = f"needs a person · {counts['person']}"
        labels["same"] = f"same code · {plural(groups, 'group')}"
        labels["weights"] = f"same weights · {plural(counts['weights'], 'student')}"
        labels["adjusted"] = f"adjusted · {counts['adjusted']}"
        labels["late"] = f"late · {counts['late']}"
        return [Filter(mark, label, counts[mark]) for mark, label in labels.items() if counts[mark]]


def mistakes_of(report: Report) -> list[Misunderstanding]:
    """What one student got wrong, each mistake once."""
    found = []
    explained: set[str] = set()
    for diagnosis in report.diagnoses:
        outcomes = {check.code: check.outcome for check in report.checks}
        if not any(outcomes.get(code) is Outcome.FAILED for code in diagnosis.checks):
            continue
        explained.update(diagnosis.checks)
        rule = rules().get(diagnosis.code)
        lead = (rule.clause if rule else "") or diagnosis.title[:1].lower() + diagnosis.title[1:]
        found.append(Misunderstanding(diagnosis.title, lead, diagnosis.checks, 1))
    for check in report.checks:
        if check.outcome is Outcome.FAILED and check.code not in explained:
            lead = f"{check.code} does not hold (“{check.title}”)"
            found.append(Misunderstanding(f"Not met: {check.title}", lead, (check.code,), 1))
    return found


def cell_of(check: CheckResult, result: CheckResult | None) -> Cell:
    """One field of the table; a check that a student has no result of is left open."""
    if result is None:
        return Cell("none", "", f"{check.code}: no result")
    outcome = result.outcome.value
    return Cell(outcome, GLYPHS[outcome], f"{check.code}: {outcome_word(result)}")


def share(count: int, total: int) -> str:
    """How much of a class, in words where it is near enough to a simple part."""
    part = count / total
    if count == 1 or total < 8 or part < SHARES[-1][0]:
        return f"{count} of {plural(total, 'student')}"
    return next(words for least, words in SHARES if part >= least)

"""The page of a class, and the folder of feedback: what they hold, and what they must not let through."""

from __future__ import annotations

import re
from pathlib import Path

import html5lib
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from grader.batch.entries import Student
from grader.batch.gradebook import Gradebook
from grader.batch.overview import Overview, share
from grader.batch.pages import class_page, write_feedback
from tests.class_samples import gradebook, large

CLASS = gradebook()


def strictly_parsed(page: str) -> None:
    html5lib.HTMLParser(strict=True).parse(page)


def renamed(book: Gradebook, name: str) -> Gradebook:
    first = book.rows[0]
    student = first.student.model_copy(update={"name": name, "key": name})
    return book.model_copy(update={"rows": (first.model_copy(update={"student": student}), *book.rows[1:])})


def test_the_page_is_valid_self_contained_and_without_scripts() -> None:
    page = class_page(CLASS, {"101": "feedback/Ada Lovelace.html"})
    strictly_parsed(page)
    assert "<script" not in page and not re.search(r'(src|href)="(https?:)?//', page) and "url(" not in page
    assert 'href="feedback/Ada%20Lovelace.html"' in page


def test_names_of_students_are_text_and_nothing_else() -> None:
    evil = '"><script>alert(1)</script>\x1b[31m\u202e{{ 7*7 }}'
    page = class_page(renamed(CLASS, evil), {evil: "javascript:alert(1)"})
    strictly_parsed(page)
    assert "<script" not in page and "\u202e" not in page and "\x1b" not in page and "{{ 7*7 }}" in page
    assert 'href="javascript:' not in page


def test_each_submission_has_its_checks_in_words_beside_the_colours() -> None:
    page = class_page(CLASS, {})
    assert page.count("TL103: passed</i>") == 4 and page.count("TL103: failed</i>") == 1
    assert "TL203: grader error</i>" in page
    assert page.count(">TL103: no result</i>") == 1


def test_what_needs_looking_at_is_marked() -> None:
    notes = {line.name: line.notes for line in Overview(CLASS, {}).lines}
    assert notes["Ada Lovelace"] == ("same code as Charles Babbage",)
    assert notes["Charles Babbage"] == ("same code as Ada Lovelace", "attempt 2 of 2")
    assert notes["Alan Turing"] == ("hw.ipynb: the file is empty.",)
    assert notes["Grace Hopper"] == ("The grader failed on TL203.",)
    assert notes['=HYPERLINK("http://evil.example")'] == ("TL204 set from 0 to 0.5 by ta",)
    assert notes["Mary O'Neil-Łuk, Jr."] == ("late",)
    assert [line.score for line in Overview(CLASS, {}).lines if line.name in ("Grace Hopper", "Alan Turing")] == [
        "–",
        "–",
    ]


def test_filters_name_what_they_keep_and_work_by_style_alone() -> None:
    view = Overview(CLASS, {})
    assert [one.label for one in view.filters][-4:] == [
        "needs a person · 2",
        "same code · 1 group",
        "adjusted · 1",
        "late · 1",
    ]
    page = class_page(CLASS, {})
    for one in view.filters:
        assert f"main:has(#{one.name}:checked) .matrix tbody tr:not(.{one.name}){{display:none}}" in page
        assert sum(one.name in line.marks for line in view.lines) == one.count


def test_figures_are_of_those_who_have_a_grade() -> None:
    view = Overview(CLASS, {})
    assert view.median == "8.5"
    assert view.facts == ["4 graded, 2 without a grade", "Keras 2: 4", "layout: moodle"]
    assert sum(bar.count for bar in view.bars) == 4
    assert view.misunderstood[0].codes[0] == "TL103" and view.misunderstood[0].count == 1
    assert view.lead == "1 of 4 students: BatchNorm was left free to overwrite the statistics it learned from ImageNet."


def test_a_class_is_summed_up_by_its_most_frequent_mistake() -> None:
    view = Overview(large(), {})
    assert view.lead == "A quarter of the class: " + view.misunderstood[0].lead + "."
    assert [one.count for one in view.misunderstood] == sorted((one.count for one in view.misunderstood), reverse=True)


@pytest.mark.parametrize(
    ("count", "total", "words"),
    [
        (20, 20, "The whole class"),
        (19, 20, "Nearly the whole class"),
        (58, 241, "A quarter of the class"),
        (1, 241, "1 of 241 students"),
        (3, 4, "3 of 4 students"),
    ],
)
def test_shares_are_said_in_words(count: int, total: int, words: str) -> None:
    assert share(count, total) == words


def test_an_empty_class_and_a_perfect_one_have_a_page() -> None:
    empty = CLASS.model_copy(update={"rows": (), "max_score": 0.0})
    perfect = CLASS.model_copy(update={"rows": CLASS.rows[:2]})
    for book, lead in (
        (empty, "Nothing has been graded yet."),
        (perfect, "Nothing was misunderstood: every check holds for everyone."),
    ):
        page = class_page(book, {})
        strictly_parsed(page)
        assert lead in page


def test_feedback_is_named_as_the_system_wants_it_back(tmp_path: Path) -> None:
    notebook = new_notebook(cells=[new_code_cell("x = 1")])
    links = write_feedback(CLASS, tmp_path / "new", lambda row: notebook if row.student.key == "101" else None)
    assert links["101"] == "Ada Lovelace_101_assignsubmission_file_feedback.html"
    assert "105" not in links
    written = {path.name for path in (tmp_path / "new").iterdir()}
    assert written == {*links.values(), "Ada Lovelace_101_assignsubmission_file_feedback.ipynb"}
    ada = CLASS.rows[0]
    canvas = ada.model_copy(
        update={"student": Student(key="34", ids={"canvas": "34"}), "file": "lovelaceada_34_208_hw.ipynb"}
    )
    plain = ada.model_copy(update={"student": Student(key="../../ada")})
    links = write_feedback(CLASS.model_copy(update={"rows": (canvas, plain)}), tmp_path / "canvas")
    assert list(links.values()) == ["lovelaceada_34_208_hw.html", "_.._ada.html"]
    assert {path.name for path in tmp_path.rglob("*.html")} >= set(links.values())


def test_two_students_never_share_a_file(tmp_path: Path) -> None:
    ada = CLASS.rows[0]
    rows = tuple(
        ada.model_copy(update={"student": Student(key=key)}) for key in ("a/b", "a\\b", "A_b", "..", ".", "CON")
    )
    links = write_feedback(CLASS.model_copy(update={"rows": rows}), tmp_path)
    assert "_CON.html" in links.values()
    assert len({link.casefold() for link in links.values()}) == len(rows) == len(list(tmp_path.iterdir()))

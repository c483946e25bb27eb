"""Exports: each is read back by the rules that its system documents, and nobody gets a zero for want of a grade."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import JUnitXml
from typer.testing import CliRunner

from grader.batch.exports import Exported, Given, exports, find_export
from grader.batch.exports._table import Table
from grader.batch.gradebook import Adjustment, Gradebook
from grader.cli import export as command
from grader.cli.app import app
from grader.errors import GraderError
from tests.class_samples import WHEN, gradebook

CLASS = gradebook()
SCORES = {row.student.key: row.score for row in CLASS.rows}
GRADED = {key: score for key, score in SCORES.items() if score is not None}
UNGRADED = {"104", "105"}

CANVAS = (
    "\ufeffStudent;ID;SIS User ID;SIS Login ID;Section;Quiz (11);Alpaca or not (12);Final Score\n"
    "    Points Possible;;;;;5;20;(read only)\n"
    '"Lovelace, Ada";9101;s1;ada;A;4,5;;80\n'
    '"Babbage, Charles";777;s2;102;A;3;1,5;70\n'
    '"Hopper, Grace";9104;s4;grace;A;3;7;70\n'
    '"O\'Neil, Mary";9106;s6;mary;A;;EX;\n'
)
MOODLE = (
    "Kennung,Vollständiger Name,E-Mail-Adresse,Status,Bewertung,Bestwertung,Bewertung kann geändert werden,"
    "Zuletzt geändert (Abgabe),Zuletzt geändert (Bewertung),Feedback als Kommentar\r\n"
    'Teilnehmer/in101,Ada Lovelace,ada@example.org,Abgegeben,,"10,00",Ja,"Sonntag, 1. Februar 2026, 23:58",-,\r\n'
    'Teilnehmer/in106,Mary,m@example.org,Abgegeben,,"10,00",Ja,-,-,\r\n'
    'Teilnehmer/in104,Grace,g@example.org,Abgegeben,,"10,00",Ja,-,-,\r\n'
)


def made(name: str, given: str = "", book: Gradebook = CLASS, column: str = "") -> Exported:
    return find_export(name).export(book, Given("mine.csv", given.encode(), column) if given else None)


def only(exported: Exported) -> bytes:
    (data,) = exported.files.values()
    return data


def rows_of(data: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def canvas_reads(data: bytes, assignments: dict[str, int]) -> tuple[dict[str, float], list[str]]:
    """By lib/gradebook_importer.rb: scores by Canvas ID, and titles that would become new assignments."""
    text = data.decode("utf-8-sig")
    delimiter = ";" if ";" in text.split("\n")[0] else ","
    table = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    header = table[0]
    assert "Student" in header[0] and "ID" in header[1] and len(header) > 3
    last = max(place for place, heading in enumerate(header) if "Section" in heading)
    titles = header[last + 1 :]
    new = [title for title in titles if not re.search(r" \((\d+)\)$", title)]
    assert all(int(title.rsplit("(")[-1][:-1]) in assignments.values() for title in titles if title not in new)
    scores = {}
    for row in table[1:]:
        if "Points Possible" in row[0] or row[last + 1] in ("", "EX"):
            continue
        scores[row[1]] = round(float(row[last + 1].replace(",", ".")), 2)
    return scores, new


def moodle_reads(data: bytes, columns: tuple[int, int, int] = (0, 4, 5)) -> dict[str, float]:
    """By offline/importgradeslib.php: grades by participant; blank ones and those out of range are skipped."""
    identifier, grade, most = columns
    table = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    grades = {}
    for row in table[1:]:
        number = re.search(r"\d+$", row[identifier])
        assert number
        if row[grade] in ("", "-"):
            continue
        value = float(row[grade].replace(",", "."))
        assert 0 <= value <= float(row[most].replace(",", "."))
        grades[number[0]] = value
    return grades


def test_canvas_export_is_filled_in_and_keeps_its_own_form() -> None:
    exported = made("canvas", CANVAS)
    data = only(exported)
    assert data.startswith(b"\xef\xbb\xbf") and b"\r" not in data
    scores, new = canvas_reads(data, {"Alpaca or not": 12})
    assert new == []
    # Babbage is found by login. A blank cell would take a grade away, so that whoever gets none has no row.
    assert scores == {"9101": 10.0, "777": 10.0}
    assert [line.split(";")[0] for line in data.decode("utf-8-sig").splitlines()] == [
        "Student",
        "    Points Possible",
        "Lovelace, Ada",
        "Babbage, Charles",
    ]
    assert "Quiz" not in data.decode()
    told = {(remark.kind, remark.who): remark.text for remark in exported.remarks}
    assert told["skipped", "O'Neil, Mary"] == "Excused in Canvas; left so."
    assert told["not found", '=HYPERLINK("http://evil.example")'] == (
        f"Not in the file; the score of {SCORES['103']:g} is not exported."
    )
    assert told["note", ""] == (
        "Canvas has 20 points for this assignment, the rubric has 10; scores are exported as they are."
    )
    assert {who for kind, who in told if kind == "no grade"} == {"Grace Hopper", "Alan Turing"}
    assert exported.written == 2


def test_canvas_names_in_two_columns_and_columns_that_cannot_be_changed() -> None:
    text = (
        "LastName,FirstName,ID,SIS Login ID,Section,Alpaca or not (12)\n"
        "Points Possible,,,,,10\n"
        "Lovelace,Ada,9101,x,A,\nBabbage,Charles,1,y,A,\n"
    )
    exported = made("canvas", text)
    assert only(exported).decode().splitlines()[2:] == ["Lovelace,Ada,9101,x,A,10", "Babbage,Charles,1,y,A,10"]
    with pytest.raises(GraderError, match="Canvas lets nobody change the column “Alpaca or not"):
        made("canvas", text.replace(",,10", ",,(read only)"))


def test_canvas_decimal_commas_are_kept() -> None:
    half = CLASS.rows[0].model_copy(
        update={"adjustments": (Adjustment(check="", points=8.25, given=10, reason="r", by="b", when=WHEN),)}
    )
    data = only(made("canvas", CANVAS, CLASS.model_copy(update={"rows": (half,)})))
    assert '"Lovelace, Ada";9101;s1;ada;A;8,25' in data.decode() or "Lovelace, Ada;9101;s1;ada;A;8,25" in data.decode()


def test_canvas_without_a_file_says_that_an_assignment_is_made() -> None:
    exported = made("canvas")
    scores, new = canvas_reads(only(exported), {})
    assert scores == {f"9{key}": score for key, score in GRADED.items()}
    assert new == ["Alpaca or not"]
    assert exported.remarks[0].text == (
        "Canvas will make a new assignment “Alpaca or not”: use --into to fill in yours."
    )


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("a,b\n1,2\n", "", "mine.csv: not the export of a Canvas gradebook: its headings begin with a, b."),
        (
            CANVAS.replace("Alpaca or not", "Homework"),
            "",
            "mine.csv: there is no column “Alpaca or not”. Assignments in it: Quiz; Homework.",
        ),
        (CANVAS, "Quizz", "mine.csv: there is no column “Quizz”. Assignments in it: Quiz; Alpaca or not."),
        ("x", "", "mine.csv: there is no table in it."),
        ("a,b\n1,2,3\n", "", "mine.csv, row 2: 3 cells below 2 headings."),
    ],
)
def test_what_is_no_canvas_export_is_told_in_one_line(text: str, column: str, message: str) -> None:
    with pytest.raises(GraderError) as caught:
        made("canvas", text, column=column)
    assert caught.value.message == message and caught.value.remedy


def test_canvas_matches_by_name_where_only_that_is_known() -> None:
    ada = CLASS.rows[0]
    student = ada.student.model_copy(update={"key": "x", "ids": {}, "email": "", "name": "lovelaceada"})
    book = CLASS.model_copy(update={"rows": (ada.model_copy(update={"student": student}),)})
    assert made("canvas", CANVAS, book).written == 1


def test_a_localised_moodle_worksheet_is_filled_in_by_what_stands_in_it() -> None:
    exported = made("moodle", MOODLE)
    assert moodle_reads(only(exported)) == {"101": 10.0, "106": SCORES["106"]}
    rows = rows_of(only(exported))
    assert rows[0]["Feedback als Kommentar"] == CLASS.rows[0].report.summary.replace("`", "")  # type: ignore[union-attr]
    assert rows[2]["Bewertung"] == rows[2]["Feedback als Kommentar"] == ""
    assert [remark.who for remark in exported.remarks if remark.kind == "no grade"] == ["Grace Hopper", "Alan Turing"]
    assert only(exported).decode().startswith("Kennung,Vollständiger Name")


def test_moodle_keeps_decimal_commas_gets_delimiters_it_reads_and_locked_or_impossible_grades() -> None:
    text = (
        "Identifier;Full name;Email address;Status;Grade;Maximum Grade;Grade can be changed;Feedback comments\n"
        "Participant 101;Ada;a@x;s;;9,50;Yes;\nParticipant 106;Mary;m@x;s;1,25;9,50;Yes;\n"
        "Participant 102;C;c@x;s;;9,50;No;\n"
    )
    exported = made("moodle", text)
    told = {remark.who: remark.text for remark in exported.remarks if remark.kind == "skipped"}
    assert told == {
        "Ada Lovelace": "The score 10 is above Moodle's maximum of 9.5; left as it was.",
        "Charles Babbage": "The score 10 is above Moodle's maximum of 9.5; left as it was.",
    }
    cells = rows_of(only(exported))
    assert [row["Grade"] for row in cells] == ["", f"{SCORES['106']:g}".replace(".", ","), ""]
    assert exported.remarks[-1].text == "mine.csv has no commas between its cells, which Moodle needs; put in."
    locked = made("moodle", text.replace("9,50", "10,00"))
    assert [(remark.who, remark.text) for remark in locked.remarks if remark.kind == "skipped"] == [
        ("Charles Babbage", "Moodle does not let this grade be changed; left as it was.")
    ]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)


@settings(max_examples=120, deadline=None)
@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=4),
    delimiter=st.sampled_from(",;\t"),
    line_end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_a_file_that_is_filled_in_keeps_every_other_cell(
    rows: list[list[str]], delimiter: str, line_end: str, encoding: str
) -> None:
    header = ["Student", "ID", "Section"]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    table = Table.read("theirs.csv", text.getvalue().encode(encoding))
    again = Table.read("ours.csv", table.write())
    assert (table.header, table.rows, table.delimiter, table.encoding) == (header, rows, delimiter, encoding)
    assert (again.header, again.rows, again.delimiter, again.encoding) == (header, rows, delimiter, encoding)


def test_moodle_without_a_file_and_its_errors() -> None:
    exported = made("moodle")
    assert moodle_reads(only(exported)) == GRADED
    assert rows_of(only(exported))[2]["Full name"] == '\'=HYPERLINK("http://evil.example")'
    with pytest.raises(GraderError, match="no column has identifiers like “Participant 12345”"):
        made("moodle", "a,b,c\n1,2,3\n")
    with pytest.raises(GraderError, match="no column of grades with a maximum after it"):
        made("moodle", "a,b,c,d,e\nParticipant 1,n,m,Good,Scale\nParticipant 2,n,m,Bad,Scale\n")


def test_moodle_feedback_names_split_into_five_parts() -> None:
    exported = made("moodle-feedback")
    with zipfile.ZipFile(io.BytesIO(only(exported))) as archive:
        names = archive.namelist()
        pages = [archive.read(name).decode() for name in names]
    parts = [name.split("_", 4) for name in names]
    assert [part[1] for part in parts] == list(GRADED)
    assert all(part[2:] == ["assignsubmission", "file", "feedback.html"] for part in parts)
    assert all("/" not in name for name in names) and all(page.startswith("<!doctype html>") for page in pages)
    assert only(made("moodle-feedback")) == only(exported)


def test_gradescope_results_follow_the_specification() -> None:
    files = made("gradescope").files
    assert set(files) == {f"{key}/results.json" for key in GRADED}
    for path, data in files.items():
        results = json.loads(data)
        assert results["score"] == GRADED[path.split("/")[0]]
        assert results["output_format"] in {"text", "html", "simple_format", "md", "ansi"}
        assert results["visibility"] in {"hidden", "after_due_date", "after_published", "visible"}
        for test in results["tests"]:
            assert test["visibility"] == "visible" and test.get("status", "passed") in {"passed", "failed"}
            assert test.get("score", 0) <= test.get("max_score", 0)


def test_prairielearn_scores_are_fractions_and_no_grade_costs_no_attempt() -> None:
    exported = made("prairielearn")
    for path, data in exported.files.items():
        key, results = path.split("/")[0], json.loads(data)
        assert len(data) <= 10**6 and results["gradable"] is (key in GRADED)
        assert results.get("score") == (GRADED[key] / 10 if key in GRADED else None)
    assert exported.written == len(GRADED)


def test_prairielearn_shortens_what_is_too_large() -> None:
    row = CLASS.rows[2]
    assert row.report
    findings = tuple(
        finding.model_copy(update={"message": "x" * 900_000})
        for check in row.report.checks
        for finding in check.findings[:1]
    )
    checks = tuple(check.model_copy(update={"findings": findings[:1]}) for check in row.report.checks)
    report = row.report.model_copy(update={"checks": checks})
    book = CLASS.model_copy(update={"rows": (row.model_copy(update={"report": report}),)})
    data = only(made("prairielearn", book=book))
    assert len(data) <= 10**6 and json.loads(data)["tests"][0]["output"].endswith("[shortened]")


def test_coursera_has_a_fraction_and_a_text() -> None:
    files = made("coursera").files
    assert set(files) == {f"{key}/feedback.json" for key in GRADED}
    for path, data in files.items():
        record = json.loads(data)
        assert set(record) == {"fractionalScore", "feedback"} and isinstance(record["feedback"], str)
        assert record["fractionalScore"] == GRADED[path.split("/")[0]] / 10


def test_fractions_of_no_points_are_refused() -> None:
    book = CLASS.model_copy(update={"max_score": 0.0})
    with pytest.raises(GraderError, match="an assignment without points has no fraction of them"):
        made("coursera", book=book)
    assert all(json.loads(data)["gradable"] is False for data in made("prairielearn", book=book).files.values())


def test_nbgrader_has_its_columns_and_a_folder_of_feedback() -> None:
    files = dict(made("nbgrader").files)
    rows = rows_of(files.pop("grades.csv"))
    assert {row["student_id"]: row["score"] for row in rows if row["score"]} == {
        key: f"{score:g}" for key, score in GRADED.items()
    }
    assert {row["student_id"] for row in rows if not row["score"]} == UNGRADED
    assert (rows[0]["first_name"], rows[0]["last_name"], rows[0]["max_score"]) == ("Ada", "Lovelace", "10")
    assert set(files) == {f"feedback/{key}/alpaca-mobilenetv2/hw-{key}.html" for key in GRADED}


def test_junit_is_read_back_with_counts() -> None:
    xml = JUnitXml.fromstring(only(made("junit")))
    suites = {suite.name: suite for suite in xml}
    assert set(suites) == set(SCORES)
    assert suites["101"].failures == 0 and suites["103"].failures > 0
    assert suites["104"].errors > 0 and suites["105"].errors == 1


def test_tables_leave_the_score_of_the_ungraded_blank() -> None:
    rows = rows_of(only(made("csv")))
    assert {row["student"] for row in rows if row["score"] == ""} == UNGRADED
    assert rows[2]["name"] == '\'=HYPERLINK("http://evil.example")' and rows[0]["same_code"] == "102"
    lines = [json.loads(line) for line in only(made("jsonl")).decode().splitlines()]
    assert {line["student"]["key"]: line["score"] for line in lines} == SCORES
    frame = pd.read_parquet(io.BytesIO(only(made("parquet"))))
    assert {key for key, score in zip(frame["student"], frame["score"], strict=True) if pd.isna(score)} == UNGRADED
    assert str(frame["score"].dtype) == "Float64"


@pytest.mark.parametrize("name", exports())
def test_every_export_names_whoever_gets_no_grade_and_takes_scores_set_by_hand(name: str) -> None:
    exported = made(name)
    told = {remark.who: remark.text for remark in exported.remarks if remark.kind == "no grade"}
    assert told == {
        "Grace Hopper": "The grader could not judge this submission.",
        "Alan Turing": "hw.ipynb: the file is empty.",
    }
    by_hand = Adjustment(check="", points=3, given=0, reason="Seen on paper.", by="ta", when=WHEN)
    turing = CLASS.rows[4].model_copy(update={"adjustments": (by_hand,)})
    book = CLASS.model_copy(update={"rows": (turing,)})
    alone = made(name, book=book)
    assert [remark for remark in alone.remarks if remark.kind == "no grade"] == []
    assert alone.written == (0 if name == "moodle-feedback" else 1)


def test_an_unknown_export_is_answered_with_the_nearest() -> None:
    with pytest.raises(GraderError, match=r"There is no export 'canvass'\. Did you mean canvas\?"):
        find_export("canvass")


def test_the_command_looks_first_and_then_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.batch.store.read_gradebook", lambda out: CLASS)
    theirs = tmp_path / "theirs.csv"
    theirs.write_text(CANVAS, encoding="utf-8")
    wanted = tmp_path / "new" / "canvas.csv"
    call = ["export", str(tmp_path), "--format", "canvas", "--into", str(theirs), "-o", str(wanted)]
    assert command.export
    looked = CliRunner().invoke(app, [*call, "--dry-run"])
    assert looked.exit_code == 0 and not wanted.exists()
    assert looked.output.startswith("Grades of 2 students would be written (nothing was).\n")
    assert "2 without a grade, exported as none (never as 0):\n" in looked.output
    assert "  Alan Turing: hw.ipynb: the file is empty.\n" in looked.output
    assert CliRunner().invoke(app, call).exit_code == 0
    assert wanted.read_bytes() == only(made("canvas", CANVAS))
    with pytest.raises(GraderError, match="this is the file to be filled in"):
        CliRunner().invoke(app, [*call[:-1], str(theirs)], catch_exceptions=False)
    with pytest.raises(GraderError, match="does not fill in a file"):
        CliRunner().invoke(app, ["export", str(tmp_path), "-f", "csv", "--into", str(theirs)], catch_exceptions=False)
    with pytest.raises(GraderError, match="no place to write to"):
        CliRunner().invoke(app, ["export", str(tmp_path), "-f", "csv"], catch_exceptions=False)
    folder = tmp_path / "folder"
    assert CliRunner().invoke(app, ["export", str(tmp_path), "-f", "coursera", "-o", str(folder)]).exit_code == 0
    assert (folder / "101" / "feedback.json").is_file()

"""Regrading and adjusting: stored evidence by a new rubric, and what people set over it."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from grader.assignment import Assignment
from grader.batch.adjusting import Wish, entries_csv, keep_wishes, read_overrides
from grader.batch.changes import changes_csv, print_changes
from grader.batch.regrading import changes_of, regrade
from grader.batch.store import Store, read_gradebook, working_on
from grader.batch.store.adjustments import entries
from grader.checks import all_checks
from grader.errors import AdjustmentError, AssignmentError, GraderError
from tests.notebooks import grader
from tests.recorded_class import RIGHT, WRONG, Recorded, found, grade

TL103 = 'code = "TL103"                   # the base is called with training=False\npoints = '


@pytest.fixture
def assignment(tmp_path: Path, alpaca: Assignment) -> Assignment:
    """A copy of the alpaca assignment, to be changed."""
    shutil.copytree(alpaca.folder, tmp_path / alpaca.slug, ignore=shutil.ignore_patterns("__pycache__"))
    return Assignment.load(tmp_path / alpaca.slug)


@pytest.fixture
def out(tmp_path: Path, assignment: Assignment) -> Path:
    """Ada is right, Bob is wrong, and Cy handed in Ada's code."""
    with working_on(tmp_path / "out", "testing", make=True) as store:
        grade(
            store,
            assignment,
            found(tmp_path / "in", {"ada": "right = 1", "bob": "wrong = 1", "cy": "right = 1"}),
        )
    return tmp_path / "out"


@pytest.fixture
def store(out: Path) -> Iterator[Store]:
    with working_on(out, "testing") as opened:
        yield opened


def change(assignment: Assignment, old: str, new: str) -> Assignment:
    toml = assignment.folder / "assignment.toml"
    text = toml.read_text()
    assert old in text
    toml.write_text(text.replace(old, new))
    return Assignment.load(assignment.folder)


def scores(out: Path) -> list[float | None]:
    return [row.score for row in read_gradebook(out).rows]


def test_new_points_are_shown_before_they_are_kept_and_the_old_scores_stay_in_the_history(
    out: Path, assignment: Assignment, tmp_path: Path
) -> None:
    change(assignment, f"{TL103}1.5", f"{TL103}3")
    shown = grader("regrade", out, "--dry-run", "--csv", tmp_path / "changes.csv")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.splitlines()[0] == "3 of 3 change"
    assert "Ada       8.25 / 9.25   9.75 / 10.75   TL103 1.5 to 3" in shown.stdout
    assert "Bob       6.75 / 9.25   6.75 / 10.75   TL103 0 of 1.5 to 0 of 3" in shown.stdout
    assert scores(out) == [RIGHT, WRONG, RIGHT]
    with (tmp_path / "changes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["student"], row["check"], row["points before"], row["points after"]) for row in rows[:2]] == [
        ("ada", "", "8.25", "9.75"),
        ("ada", "TL103", "1.5", "3.0"),
    ]
    refused = grader("regrade", out)
    assert (refused.returncode, refused.stderr) == (
        2,
        "grader: Nothing was kept. Keep the new grades with --yes.\n",
    )
    kept = grader("regrade", out, "--yes")
    assert kept.returncode == 0
    assert scores(out) == [RIGHT + 1.5, WRONG, RIGHT + 1.5]
    cy = read_gradebook(out).rows[2].report
    assert cy is not None
    assert any(note.kind == "reused" for note in cy.notes)
    history = grader("regrade", out, "--history").stdout.splitlines()
    assert [line.split()[2] for line in history[2:]] == ["grade", "regrade"]
    assert [line.split()[-2:] for line in history[2:]] == [["3", "7.75"], ["3", "8.75"]]
    assert grader("regrade", out).stdout == "0 of 3 change\n"


def test_a_regrade_runs_nothing_and_several_processes_come_to_the_same(
    store: Store, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.batch.regrading.FEW", 0)
    monkeypatch.setattr("grader.batch.regrading.CHUNK", 1)
    changed = change(assignment, "points = 0.75", "points = 2")
    together, alone = regrade(store, changed, jobs=2), regrade(store, changed, jobs=1)
    assert together == alone
    assert [result.score for result in alone.results] == [9.5, 8.0, 9.5]


def test_a_check_that_newly_fails_by_its_own_fault_overwrites_no_grade(
    store: Store, out: Path, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(all_checks()["TL103"], "judge", broken)
    with pytest.raises(GraderError) as refused:
        regrade(store, assignment)
    assert str(refused.value) == (
        "TL103 failed on 3 submissions, e.g. ada.ipynb: nothing was changed. Mend the check or its parameters."
    )
    assert scores(out) == [RIGHT, WRONG, RIGHT]


def test_a_check_that_needs_what_was_not_asked_is_refused_and_a_changed_data_set_is_told(
    tmp_path: Path, assignment: Assignment
) -> None:
    with working_on(tmp_path / "other", "testing", make=True) as store:
        grade(store, assignment, found(tmp_path / "in", {"ada": "right = 1"}), conditions={"probes": []})
        with pytest.raises(AssignmentError) as refused:
            regrade(store, assignment)
    number = [spec.code for spec in assignment.checks].index("TL301") + 1
    assert str(refused.value) == (
        f"{assignment.folder / 'assignment.toml'}: checks[{number}]: TL301 needs what 1 of the runs were not asked "
        "for. Run them again: grader grade SOURCE --rerun."
    )


def test_what_changes_is_shown_by_check_and_by_student(store: Store, assignment: Assignment) -> None:
    changed = change(assignment, "points = 0.75", "points = 2")
    changes = changes_of(regrade(store, change(changed, f"{TL103}1.5", f"{TL103}0")))
    console = Console(width=80, color_system=None)
    with console.capture() as captured:
        print_changes(changes, 3, console)
    assert [line.rstrip() for line in captured.get().splitlines()] == [
        "3 of 3 change",
        "check   students   points in all",
        "────────────────────────────────",
        "TL103          3              -3",
        "TL203          3           +3.75",
        "",
        "student        before   after   checks",
        "─────────────────────────────────────────────────────────────────────────",
        "Ada       8.25 / 9.25   8 / 9   TL103 1.5 to 0, TL203 0.75 to 2",
        "Bob       6.75 / 9.25   8 / 9   TL103 0 of 1.5 to 0 of 0, TL203 0.75 to 2",
        "Cy        8.25 / 9.25   8 / 9   TL103 1.5 to 0, TL203 0.75 to 2",
    ]
    assert changes_csv(changes).splitlines()[0] == (
        "student,name,check,outcome before,points before,of before,outcome after,points after,of after"
    )


def test_an_adjustment_shows_in_the_report_and_survives_a_regrade(out: Path, assignment: Assignment) -> None:
    arguments = ("Bob", "--check", "tl103", "--points", "1", "--reason", "Shown later.")
    done = grader("adjust", out, *arguments, GRADER_USER="Dr. X")
    assert (done.returncode, done.stdout) == (0, "Bob: TL103 is 1 now: Shown later.\n")
    page, others = out / "feedback" / "bob.html", out / "feedback" / "ada.html"
    assert "Shown later." in page.read_text()
    assert "Shown later." not in others.read_text()
    assert (out / "overrides.csv").read_text().splitlines()[1].startswith("bob,TL103,1,Shown later.,Dr. X,20")
    assert "bob.html" in (out / "index.html").read_text()
    change(assignment, "points = 0.75", "points = 2")
    assert grader("regrade", out, "--yes").returncode == 0
    bob = read_gradebook(out).rows[1]
    assert bob.score == WRONG + 1.25 + 1
    assert bob.report is not None
    assert bob.report.score == bob.score
    note = next(note.text for note in bob.report.notes if note.kind == "adjusted")
    day = bob.adjustments[0].when.astimezone().strftime("%Y-%m-%d")
    assert note == f"TL103 was set from 0 to 1 by Dr. X on {day}: Shown later."
    assert (bob.adjustments[0].given, bob.adjustments[0].points) == (0, 1)
    listed = grader("adjust", out, "--list").stdout
    assert "Bob       TL103        1   Dr. X" in listed
    taken = grader("adjust", out, "bob", "--check", "TL103", "--remove")
    assert taken.stdout == "bob: what the grader gave for TL103 counts again\n"
    assert "Shown later." not in page.read_text()
    assert scores(out)[1] == WRONG + 1.25
    assert grader("adjust", out, "--list").stdout == "There are no adjustments.\n"


def test_the_whole_score_can_be_set_also_where_the_grader_failed(tmp_path: Path, assignment: Assignment) -> None:
    def act(source: str) -> None:
        raise GraderError("The machine is on fire.")

    with working_on(tmp_path / "out", "testing", make=True) as store:
        grade(store, assignment, found(tmp_path / "in", {"ada": "right = 1"}), Recorded(act))
        assert scores(tmp_path / "out") == [None]
        with store.session() as session:
            keep_wishes(session, [Wish("ada", "", 7, "Looked at by hand.", "Dr. X")])
    assert scores(tmp_path / "out") == [7]


def test_who_or_what_is_not_there_is_told_with_what_is(store: Store) -> None:
    def refusal(student: str, check: str = "TL103", points: float = 1, reason: str = "why") -> str:
        with pytest.raises(AdjustmentError) as refused, store.session() as session:
            keep_wishes(session, [Wish(student, check, points, reason, "me")])
        return str(refused.value)

    assert refusal("bobb") == "There is no student 'bobb'. Did you mean bob?"
    assert refusal("bob", "TL10") == "The class has no check 'TL10'. Did you mean TL103?"
    assert refusal("s-bob", "inference-mod") == "The class has no check 'inference-mod'. Did you mean TL103?"
    assert refusal("bob@example.org", points=-1) == "-1 points cannot be given. Give 0 or more."
    assert refusal("bob", reason=" ") == "No reason is given. Say why: the student reads it."


def test_overrides_csv_is_taken_whole_or_not_at_all_and_comes_out_as_it_went_in(
    tmp_path: Path, store: Store, out: Path
) -> None:
    file = tmp_path / "overrides.csv"
    file.write_text(
        "\ufeffstudent;check;points;reason;by;when\nbob;TL103;1,5;Shown; ;2026-03-01\n;;;;;\nada;;9;Bonus;Dr. Y;\n"
    )
    with store.session() as session:
        assert [changed for *_, changed in keep_wishes(session, read_overrides(file, "me"))] == [True, True]
        assert [changed for *_, changed in keep_wishes(session, read_overrides(file, "me"))] == [False, False]
    assert scores(out) == [9, WRONG + 1.5, RIGHT]
    with store.session() as session:
        written = entries_csv(entries(session))
        assert [(one.by, one.student.key) for one in entries(session)] == [("Dr. Y", "ada"), ("me", "bob")]
    file.write_text(written)
    with store.session() as session:
        assert [changed for *_, changed in keep_wishes(session, read_overrides(file, "me"))] == [False, False]
    file.write_text("student,check,points,reason\nada,TL101,0,first\nbob,TL103,many,second\n")
    with pytest.raises(AdjustmentError) as refused:
        read_overrides(file, "me")
    assert str(refused.value) == f"{file}:3: points = 'many': expected a number."
    file.write_text("student,check,points,reason\nada,TL101,0,first\nzoe,TL103,1,second\n")
    with pytest.raises(AdjustmentError, match=":3: There is no student 'zoe'"), store.session() as session:
        keep_wishes(session, read_overrides(file, "me"))
    assert scores(out)[0] == 9
    file.write_text("who,points\n")
    with pytest.raises(AdjustmentError) as refused:
        read_overrides(file, "me")
    assert str(refused.value) == (
        f"{file}: the first line lacks student, check, reason. It must name the columns student, check, points, reason."
    )

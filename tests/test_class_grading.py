"""Grading a class: each submission once, whatever dies on the way, and nobody pays for what the grader did."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from rich.console import Console

from grader.assignment import Assignment
from grader.batch import capacity
from grader.batch.closing import exit_status, print_closing
from grader.batch.entries import Attempt, Found, Refused, Student
from grader.batch.fingerprint import changed, code_hash, conditions_of, rubric_hash
from grader.batch.grading import FROM_OUTSIDE, Watcher
from grader.batch.overview import Overview
from grader.batch.plan import Item
from grader.batch.store import read_gradebook, working_on
from grader.errors import ExecutorError, KernelError, StoreError, WorkerDiedError
from grader.evidence import Evidence
from grader.grade import Options
from grader.submission import load_submission
from grader.weights import WeightsStore
from tests.evidence_samples import notebook
from tests.recorded_class import CONDITIONS, RIGHT, WRONG, Recorded, evidence_for, found, grade, write


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def scores(out: Path) -> dict[str, float | None]:
    return {row.student.key: row.score for row in read_gradebook(out).rows}


def test_each_student_has_a_row_and_the_same_code_is_run_once_and_says_so(
    tmp_path: Path, out: Path, alpaca: Assignment
) -> None:
    # So much that it says something about who wrote it.
    shared = f"right = {list(range(100))}"
    given = found(tmp_path / "in", {"ada": shared, "bob": "wrong = 1", "cy": shared})
    executor = Recorded()
    with working_on(out, "testing", make=True) as store:
        grade(store, alpaca, given, executor)
    assert sorted(executor.ran) == [shared, "wrong = 1"]
    assert scores(out) == {"ada": RIGHT, "bob": WRONG, "cy": RIGHT}
    ada, _, cy = read_gradebook(out).rows
    assert (ada.same_code, cy.same_code) == (("cy",), ("ada",))
    assert ada.report is not None
    assert cy.report is not None
    assert [note.text for note in ada.report.notes if note.kind == "reused"] == []
    assert [note.text for note in cy.report.notes if note.kind == "reused"] == [
        "The same code was run before, for this assignment and under the same conditions. What it showed then was "
        "used again; this notebook was not run anew."
    ]
    assert (cy.report.submission.name, cy.report.submission.student) == ("cy.ipynb", "Cy")
    assert cy.report.submission.sha256 == hashlib.sha256((tmp_path / "in" / "cy.ipynb").read_bytes()).hexdigest()


def test_other_code_with_the_same_trained_weights_is_shown_as_something_to_look_at(
    tmp_path: Path, out: Path, alpaca: Assignment, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = f"seeded = {list(range(100))}"
    sources = {
        "ada": shared,
        "bob": f"seeded = {list(range(120))}",
        "cy": shared,
        "dee": "right = 1",
        "eve": "wrong = 1",
    }
    with working_on(out, "testing", make=True) as store:
        grade(store, alpaca, found(tmp_path / "in", sources), Recorded())
    rows = {row.student.key: row for row in read_gradebook(out).rows}
    assert {key: row.same_weights for key, row in rows.items()} == {
        "ada": ("bob",),  # Cy's code is the same, which is said already.
        "bob": ("ada", "cy"),
        "cy": ("bob",),
        "dee": (),
        "eve": (),
    }
    assert Overview(read_gradebook(out), {}).line(rows["bob"]).notes == ("same trained weights as Ada and Cy",)
    print_closing(read_gradebook(out), Console())
    printed = capsys.readouterr().out.splitlines()
    assert "3 students trained to the same weights by other code: worth a look." in printed


def test_the_same_command_again_runs_nothing_and_a_changed_file_is_run(
    tmp_path: Path, out: Path, alpaca: Assignment
) -> None:
    with working_on(out, "testing", make=True) as store:
        grade(store, alpaca, found(tmp_path / "in", {"ada": "right = 1", "bob": "wrong = 1"}))
        again = Recorded()
        plan = grade(store, alpaca, found(tmp_path / "in", {"ada": "right = 1", "bob": "wrong = 1"}), again)
        assert (plan.done, plan.waiting, again.ran) == (2, 0, [])
        grade(store, alpaca, found(tmp_path / "in", {"ada": "wrong = 1", "bob": "right = 2"}), again)
    # Ada's new code is Bob's old one, whose run is still there.
    assert again.ran == ["right = 2"]
    assert scores(out) == {"ada": WRONG, "bob": RIGHT}


def test_what_was_run_under_other_conditions_stands_until_it_is_asked_for_anew(
    tmp_path: Path, out: Path, alpaca: Assignment
) -> None:
    given, newer, executor = found(tmp_path / "in", {"ada": "right = 1"}), {**CONDITIONS, "grader": "2"}, Recorded()
    with working_on(out, "testing", make=True) as store:
        grade(store, alpaca, given)
        plan = grade(store, alpaca, given, executor, conditions=newer)
        assert (plan.done, plan.outdated, executor.ran) == (1, 1, [])
        grade(store, alpaca, given, executor, conditions=newer, rerun=True)
        assert executor.ran == ["right = 1"]
        assert grade(store, alpaca, given, executor, conditions=newer).outdated == 0


class Told(Watcher):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def failed(self, item: Item, reason: str) -> None:
        self.lines.append(f"failed {item.handed.student.key}: {reason}")

    def postponed(self, item: Item, reason: str) -> None:
        self.lines.append(f"postponed {item.handed.student.key}: {reason}")


def test_what_dies_through_the_grader_is_tried_once_more_and_then_is_an_error_and_no_zero(
    tmp_path: Path, out: Path, alpaca: Assignment
) -> None:
    tries: list[str] = []

    def act(source: str) -> None:
        tries.append(source)
        if "cursed" in source or ("unlucky" in source and tries.count(source) == 1):
            raise WorkerDiedError("A worker was killed by SIGKILL.")

    given = found(tmp_path / "in", {"ada": "right = 'cursed'", "bob": "right = 'unlucky'", "cy": "right = 3"})
    told = Told()
    with working_on(out, "testing", make=True) as store:
        grade(store, alpaca, given, Recorded(act), watcher=told)
        assert tries == [
            "right = 'cursed'",
            "right = 'unlucky'",
            "right = 3",
            "right = 'cursed'",
            "right = 'unlucky'",
        ]
        gradebook = read_gradebook(out)
        assert scores(out) == {"ada": None, "bob": RIGHT, "cy": RIGHT}
        assert gradebook.rows[0].trouble == "A worker was killed by SIGKILL."
        assert exit_status(gradebook) == 2
        assert told.lines == [
            "postponed ada: A worker was killed by SIGKILL.",
            "postponed bob: A worker was killed by SIGKILL.",
            "failed ada: A worker was killed by SIGKILL.",
        ]
        # The same command tries an error again.
        grade(store, alpaca, given, Recorded())
    assert scores(out) == {"ada": RIGHT, "bob": RIGHT, "cy": RIGHT}
    assert read_gradebook(out).rows[0].trouble == ""


def test_a_kernel_that_is_killed_from_outside_may_be_the_machines_fault_once(
    tmp_path: Path, out: Path, alpaca: Assignment
) -> None:
    killed = evidence_for("right").model_copy(
        update={"notebook": notebook(died="killed by signal 9 (SIGKILL)"), "phases": ()}
    )
    told = Told()

    def act(source: str) -> Evidence | None:
        return killed if "always" in source or told.lines == [] else None

    given = found(tmp_path / "in", {"ada": "right = 1", "bob": "always = 1"})
    with working_on(out, "testing", make=True) as store:
        grade(store, alpaca, given, Recorded(act), watcher=told)
    assert told.lines == [f"postponed ada: {FROM_OUTSIDE}", f"postponed bob: {FROM_OUTSIDE}"]
    rows = read_gradebook(out).rows
    assert rows[0].score == RIGHT
    assert rows[1].report is not None
    assert rows[1].report.outcome.value == "failed"


def test_where_nothing_can_be_run_at_all_it_stops_early_and_marks_nobody(
    tmp_path: Path, out: Path, alpaca: Assignment
) -> None:
    def act(source: str) -> None:
        raise KernelError("No kernel could be started: no TensorFlow.")

    executor = Recorded(act)
    with working_on(out, "testing", make=True) as store, pytest.raises(ExecutorError) as stopped:
        grade(store, alpaca, found(tmp_path / "in", {f"s{n}": f"right = {n}" for n in range(50)}), executor)
    assert str(stopped.value) == (
        "3 submissions were tried, and not one could be run. The last said: No kernel could be started: no "
        "TensorFlow. Mend that; the same command goes on."
    )
    assert len(executor.ran) <= 6
    assert {row.trouble for row in read_gradebook(out).rows} == {
        "Not graded yet. Give the same grader grade command again."
    }


def test_stopped_at_any_result_it_goes_on_and_runs_nothing_twice(tmp_path: Path, out: Path, alpaca: Assignment) -> None:
    given = found(tmp_path / "in", {f"s{n}": f"right = {n}" for n in range(6)})

    class Stops(Watcher):
        def graded(self, item: Item, report: object) -> None:
            raise KeyboardInterrupt

    done: set[str] = set()
    for number in range(6):
        executor = Recorded()
        with working_on(out, "testing", make=True) as store, pytest.raises(KeyboardInterrupt):
            grade(store, alpaca, given, executor, watcher=Stops())
        assert not done & set(executor.ran)
        done = {f"right = {key[1:]}" for key, score in scores(out).items() if score is not None}
        assert len(done) == number + 1
    assert set(scores(out).values()) == {RIGHT}


def test_what_killed_the_grader_twice_is_run_last_and_alone(tmp_path: Path, out: Path, alpaca: Assignment) -> None:
    given = found(tmp_path / "in", {"ada": "right = 'bomb'", "bob": "right = 2", "cy": "right = 3"})

    class Killed(BaseException):
        pass

    class Bomb(Recorded):
        def submit(self, task: object) -> object:  # type: ignore[override]
            answer = super().submit(task)  # type: ignore[arg-type]
            if "bomb" in self.ran[-1]:
                raise Killed
            return answer

    order: list[list[str]] = []
    with working_on(out, "testing", make=True) as store:
        for _ in range(2):
            executor = Bomb()
            with pytest.raises(Killed):
                grade(store, alpaca, given, executor)
            order.append(executor.ran)
        # The first time it stood first; the second time the others had their turn before it.
        last = Recorded()
        grade(store, alpaca, given, last)
    assert order[1][-1] == "right = 'bomb'"
    assert last.ran[-1] == "right = 'bomb'"
    assert scores(out) == {"ada": RIGHT, "bob": RIGHT, "cy": RIGHT}


def test_the_latest_attempt_counts_and_what_cannot_be_read_needs_a_person(
    tmp_path: Path, out: Path, alpaca: Assignment
) -> None:
    ada, bob, cy = (Student(key=key) for key in ("ada", "bob", "cy"))
    broken = tmp_path / "in" / "broken.ipynb"
    broken.parent.mkdir()
    broken.write_text("%PDF-1.4")
    given = Found(
        source="flat",
        attempts=(
            Attempt(student=ada, path=write(tmp_path / "in" / "1.ipynb", "wrong = 1"), name="1.ipynb", number=1),
            Attempt(student=ada, path=write(tmp_path / "in" / "2.ipynb", "right = 1"), name="2.ipynb", number=2),
            Attempt(student=bob, path=broken, name="broken.ipynb"),
        ),
        refused=(
            Refused(what="notes.txt", reason="This is no notebook."),
            Refused(what="cy.zip", reason="It is damaged.", student=cy),
        ),
    )
    executor = Recorded()
    with working_on(out, "testing", make=True) as store:
        grade(store, alpaca, given, executor)
    assert executor.ran == ["right = 1"]
    gradebook = read_gradebook(out)
    first, second, third = gradebook.rows
    assert (first.score, first.attempt, first.attempts, first.file) == (RIGHT, 2, 2, "2.ipynb")
    assert (second.score, second.trouble) == (
        None,
        "broken.ipynb: this is a PDF, not a notebook. Hand in the .ipynb file itself, as Jupyter or Colab saves it.",
    )
    assert (third.student.key, third.score, third.trouble) == ("cy", None, "cy.zip: It is damaged.")
    assert [refused.what for refused in gradebook.refused] == ["notes.txt"]


def test_who_is_no_longer_in_the_source_is_kept_but_not_shown(tmp_path: Path, out: Path, alpaca: Assignment) -> None:
    with working_on(out, "testing", make=True) as store:
        grade(store, alpaca, found(tmp_path / "in", {"ada": "right = 1", "bob": "wrong = 1"}))
        grade(store, alpaca, found(tmp_path / "in", {"bob": "wrong = 1"}))
        assert scores(out) == {"bob": WRONG}
        back = Recorded()
        grade(store, alpaca, found(tmp_path / "in", {"ada": "right = 1", "bob": "wrong = 1"}), back)
    assert (scores(out), back.ran) == ({"ada": RIGHT, "bob": WRONG}, [])


def test_a_folder_with_grades_of_another_assignment_is_refused(tmp_path: Path, out: Path, alpaca: Assignment) -> None:
    other = alpaca.model_copy(update={"folder": alpaca.folder.parent / "flowers-efficientnetv2b0"})
    with working_on(out, "testing", make=True) as store:
        grade(store, alpaca, found(tmp_path / "in", {"ada": "right = 1"}))
        with pytest.raises(StoreError) as refused:
            grade(store, other, found(tmp_path / "in", {"ada": "right = 1"}))
    assert str(refused.value) == (
        f"{out}: holds grades of alpaca-mobilenetv2, not of flowers-efficientnetv2b0. Name another folder with -o."
    )


def test_a_fault_of_the_graders_in_scoring_costs_one_submission(
    tmp_path: Path, out: Path, alpaca: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    from grader.batch import scoring

    build = scoring.build_report

    def broken(evidence: Evidence, *rest: object) -> object:
        if evidence.notebook.name == "ada.ipynb":
            raise ZeroDivisionError("division by zero")
        return build(evidence, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(scoring, "build_report", broken)
    with working_on(out, "testing", make=True) as store:
        grade(store, alpaca, found(tmp_path / "in", {"ada": "right = 1", "bob": "right = 2"}))
    ada, bob = read_gradebook(out).rows
    assert (ada.score, ada.trouble) == (None, "The grader failed: ZeroDivisionError: division by zero.")
    assert bob.score == RIGHT


def test_code_is_the_same_whatever_its_outputs_and_names(tmp_path: Path) -> None:
    first, second, other = (
        load_submission(write(tmp_path / f"{n}.ipynb", source)).notebook
        for n, source in enumerate(["x = 1", "x = 1", "x = 2"])
    )
    second.cells[0].id = "another"
    second.metadata["kernelspec"] = {"name": "colab"}
    assert code_hash(first) == code_hash(second) != code_hash(other)
    second.cells[0].metadata["nbgrader"] = {"grade": True}
    assert code_hash(first) != code_hash(second)


def test_points_make_no_other_run_but_a_dataset_a_limit_or_a_probe_does(tmp_path: Path, alpaca: Assignment) -> None:
    import shutil

    shutil.copytree(alpaca.folder, tmp_path / alpaca.slug)
    toml = tmp_path / alpaca.slug / "assignment.toml"
    text = toml.read_text()
    store = WeightsStore(tmp_path / "weights")
    before = conditions_of(alpaca, Options(), store)

    def after(old: str, new: str) -> list[str]:
        assert old in text
        toml.write_text(text.replace(old, new))
        return changed(before, conditions_of(Assignment.load(toml.parent), Options(), store))

    assert after("points = 1.5", "points = 3") == []
    assert rubric_hash(Assignment.load(toml.parent)) != rubric_hash(alpaca)
    assert after('cell = "60 s"', 'cell = "61 s"') == ["settings"]
    without = (
        '[[checks]]\ncode = "TL402"                   # an image\'s prediction does not depend on its batch-mates\n'
    )
    assert after(f"{without}points = 0.25", "") == ["probes"]
    toml.write_text(text)
    next((toml.parent / "dataset").rglob("*.*")).write_bytes(b"other")
    assert changed(before, conditions_of(Assignment.load(toml.parent), Options(), store)) == ["dataset"]
    options = Options(keras="2", training="full", replay="always")
    assert changed(before, conditions_of(alpaca, options, store)) == ["keras option", "training", "replay"]
    assert after('replay = "auto"', 'replay = "never"') == ["replay", "dataset"]


@pytest.mark.parametrize(("free", "jobs"), [(1, 1), (2.7, 1), (4, 2), (8, 6), (64, 8)])
def test_there_are_as_many_workers_as_there_is_memory_for_and_no_more_than_cores(
    monkeypatch: pytest.MonkeyPatch, free: float, jobs: int
) -> None:
    monkeypatch.setattr(capacity, "cores", lambda: 8)
    monkeypatch.setattr(capacity, "free_memory", lambda: free * 10**9)
    assert capacity.default_jobs() == jobs

"""Feedback of a class on disk: what is missing or out of date is written, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from grader.assignment import Assignment
from grader.batch.adjusting import Wish, keep_wishes
from grader.batch.publishing import publish
from grader.batch.store import Store, gradebook_of, working_on
from tests.recorded_class import found, grade


def lay_out(store: Store, assignment: Assignment) -> None:
    publish(store, gradebook_of(store), assignment)


def age(folder: Path) -> None:
    """As if a minute had passed since; what is written from here on is younger."""
    for path in folder.iterdir():
        os.utime(path, (path.stat().st_mtime + 60,) * 2)


def test_pages_are_written_where_they_are_missing_or_out_of_date(tmp_path: Path, alpaca: Assignment) -> None:
    feedback = tmp_path / "out" / "feedback"
    with working_on(tmp_path / "out", "testing", make=True) as store:
        grade(store, alpaca, found(tmp_path / "in", {"ada": "right = 1", "bob": "wrong = 1"}))
        lay_out(store, alpaca)
        assert sorted(path.name for path in feedback.iterdir()) == ["ada.html", "ada.ipynb", "bob.html", "bob.ipynb"]
        age(feedback)
        (feedback / "ada.html").write_text("mine")
        age(feedback)
        (feedback / "bob.html").unlink()
        lay_out(store, alpaca)
        assert (feedback / "ada.html").read_text() == "mine"
        assert "TL103" in (feedback / "bob.html").read_text()
        for path in feedback.iterdir():
            os.utime(path, (1, 1))
        with store.session() as session:
            keep_wishes(session, [Wish("ada", "TL103", 1, "Because.", "Dr. X")])
        lay_out(store, alpaca)
    assert "Because." in (feedback / "ada.html").read_text()
    assert 'href="feedback/ada.html"' in (tmp_path / "out" / "index.html").read_text()

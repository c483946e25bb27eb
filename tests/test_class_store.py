"""The store of a class: durable, one grader at a time, and never read by a grader that is too old for it."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from grader.assignment import Assignment
from grader.batch.store import FILE, open_store, read_gradebook, working_on
from grader.batch.store.packing import LARGEST_NOTEBOOK, pack_notebook, unpack_notebook
from grader.batch.store.runs import notebook_of
from grader.batch.store.schema import Tables
from grader.errors import HeldError, StoreError
from tests.recorded_class import RIGHT, found, grade


def test_the_migrations_make_the_very_tables_that_the_code_speaks_of(tmp_path: Path) -> None:
    with working_on(tmp_path, "testing", make=True) as store, store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Tables.metadata) == []


def test_every_commit_is_on_the_disk_before_it_returns(tmp_path: Path) -> None:
    with working_on(tmp_path, "testing", make=True) as store, store.engine.connect() as connection:
        pragmas = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]


def test_a_database_of_a_newer_grader_is_refused_in_one_line(tmp_path: Path) -> None:
    with working_on(tmp_path, "testing", make=True):
        pass
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(StoreError) as refused:
        open_store(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path / FILE}: written by a newer grader (schema 0999; this one knows up to 0001). "
        "Use that version of the grader, or a later one."
    )
    with pytest.raises(StoreError, match="written by a newer grader"), working_on(tmp_path, "testing"):
        pass


def test_a_database_that_is_not_migrated_yet_is_when_it_is_read(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / FILE).close()
    (tmp_path / FILE).touch()
    with open_store(tmp_path).session() as session:
        assert session.execute(text("SELECT count(*) FROM attempt")).scalar() == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "holds no graded class: there is no grades.db."), (b"x" * 5000, "grades.db: it is no database.")],
)
def test_what_is_no_store_is_said_in_one_line(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(StoreError, match=message.replace(".", r"\.")):
        read_gradebook(tmp_path)


def test_the_second_grader_is_told_who_holds_the_class(tmp_path: Path) -> None:
    with (
        working_on(tmp_path, "grading", make=True),
        pytest.raises(HeldError) as refused,
        working_on(tmp_path, "regrading"),
    ):
        pass
    assert str(refused.value).startswith(
        f"{tmp_path}: grading is under way in process {os.getpid()} on {socket.gethostname()}, since 20"
    )
    assert str(refused.value).endswith("Wait until it is done, or stop it.")


def test_the_lock_of_a_killed_grader_is_taken_over(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom grader.batch.store import working_on\n"
        "with working_on(Path(sys.argv[1]), 'grading', make=True):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)])
    assert killed.returncode != 0
    assert (tmp_path / ".holder.json").exists()
    with working_on(tmp_path, "grading"):
        pass
    assert not (tmp_path / ".holder.json").exists()


def test_a_full_disk_is_one_line_and_what_was_kept_before_stands(tmp_path: Path, alpaca: Assignment) -> None:
    given = found(tmp_path / "in", {"ada": "right = 1"})
    with working_on(tmp_path / "out", "testing", make=True) as store:
        grade(store, alpaca, given)

        def no_more_pages(connection: object, record: object) -> None:
            connection.execute("PRAGMA max_page_count = 1")  # type: ignore[attr-defined]

        from sqlalchemy import event

        event.listen(store.engine, "connect", no_more_pages)
        more = found(tmp_path / "in", {"ada": "right = 1", **{f"s{n}": f"right = {n + 2}" for n in range(40)}})
        with pytest.raises(StoreError) as refused:
            grade(store, alpaca, more)
    assert str(refused.value) == (
        f"{tmp_path / 'out' / FILE}: the disk is full. Make room; the same command goes on where it stood."
    )
    rows = {row.student.key: row for row in read_gradebook(tmp_path / "out").rows}
    assert rows["ada"].score == RIGHT


def test_an_executed_notebook_is_kept_and_without_its_outputs_where_they_are_too_large(
    tmp_path: Path, alpaca: Assignment
) -> None:
    import nbformat

    with working_on(tmp_path / "out", "testing", make=True) as store:
        grade(store, alpaca, found(tmp_path / "in", {"ada": "right = 1"}))
        with store.session() as session:
            kept = notebook_of(session, "ada")
            assert notebook_of(session, "bob") is None
    assert kept is not None
    assert kept.cells[0].source == "right = 1"
    picture = nbformat.v4.new_output("display_data", {"image/png": os.urandom(LARGEST_NOTEBOOK).hex()})
    large = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("draw()", outputs=[picture])])
    body, whole = pack_notebook(nbformat.writes(large))
    assert (whole, unpack_notebook(body).cells[0].outputs) == (False, [])
    small, whole = pack_notebook(nbformat.writes(kept))
    assert (whole, unpack_notebook(small)) == (True, kept)

"""What was run: evidence by content hash, and what a killed grader was at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode
from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from grader.batch.store.packing import pack, pack_notebook, unpack, unpack_notebook
from grader.batch.store.schema import AttemptRow, NotebookRow, ResultRow, RunRow, StartedRow, StudentRow, now
from grader.evidence import Evidence

__all__ = ["Made", "begin_run", "end_run", "evidence_of", "find_run", "interrupted", "keep_run", "notebook_of"]


def begin_run(session: Session, key: str) -> None:
    """Note that a run is begun. If nothing notes its end, the grader was killed over it."""
    row = insert(StartedRow).values(key=key, times=1, made=now())
    session.execute(row.on_conflict_do_update(["key"], set_={"times": StartedRow.times + 1, "made": now()}))


def end_run(session: Session, key: str) -> None:
    """Note that a run ended, whatever came of it."""
    session.execute(delete(StartedRow).where(StartedRow.key == key))


def interrupted(session: Session) -> dict[str, int]:
    """How often each run was begun that never ended."""
    return {row.key: row.times for row in session.scalars(select(StartedRow))}


@dataclass(frozen=True)
class Made:
    """What came of a run.

    Args:
        evidence: without a word of who handed it in.
        notebook: JSON of the notebook as executed.
        worker: who ran it.
    """

    evidence: Evidence
    notebook: str
    worker: str


def keep_run(session: Session, key: str, code: str, conditions: dict[str, Any], made: Made) -> int:
    """Keep what a run showed; gives its number."""
    evidence = made.evidence
    seconds = sum(value for stage, value in evidence.timing.items() if stage != "weights")
    row = RunRow(
        key=key,
        code=code,
        conditions=conditions,
        evidence=pack(evidence),
        made=now(),
        seconds=round(seconds, 3),
        worker=made.worker,
    )
    session.add(row)
    session.flush()
    body, whole = pack_notebook(made.notebook)
    session.add(NotebookRow(run_id=row.id, body=body, whole=whole))
    return row.id


def find_run(session: Session, key: str) -> int | None:
    """The number of the run of this key, if it was made."""
    return session.scalar(select(RunRow.id).where(RunRow.key == key))


def evidence_of(session: Session, run: int) -> Evidence:
    """What a run showed."""
    return unpack(Evidence, session.scalars(select(RunRow.evidence).where(RunRow.id == run)).one())


def notebook_of(session: Session, student: str) -> NotebookNode | None:
    """The notebook of a student as executed; None where none was."""
    query = (
        select(NotebookRow.body)
        .join(ResultRow, ResultRow.run_id == NotebookRow.run_id)
        .join(AttemptRow, AttemptRow.id == ResultRow.attempt_id)
        .join(StudentRow, StudentRow.id == AttemptRow.student_id)
        .where(StudentRow.key == student, ResultRow.counts, AttemptRow.present)
        .order_by(AttemptRow.number.desc())
    )
    body = session.scalars(query).first()
    return None if body is None else unpack_notebook(body)

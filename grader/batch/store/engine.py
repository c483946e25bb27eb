"""A connection to the database of a class: durable, and with errors in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DatabaseError

from grader.errors import StoreError

__all__ = ["connect", "told"]

BUSY_SECONDS = 30
"""How long to wait for another process that is writing."""
REASONS = {
    "disk is full": ("the disk is full", "Make room; the same command goes on where it stood."),
    "readonly": ("it may not be written", "Check the permissions of the folder."),
    "unable to open": ("it cannot be opened", "Check that the folder is there and may be written."),
    "malformed": ("it is damaged", "Restore it from a copy, or name another folder with -o."),
    "not a database": ("it is no database", "Name another folder with -o."),
    "locked": ("another process is writing to it", "Wait for it and try again."),
    "disk I/O error": ("the disk fails or is full", "See to the disk; the same command goes on where it stood."),
}
"""What SQLite says, and what a person needs to know."""


def connect(path: Path) -> Engine:
    """An engine on the database, which is made where there is none."""
    engine = create_engine(
        f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}
    )
    event.listen(engine, "connect", set_up)
    event.listen(engine, "begin", begin)
    return engine


def set_up(connection: Any, record: object) -> None:
    """What holds for each connection. FULL: a commit is on the disk before it returns, whatever happens next."""
    # Python's sqlite3 would begin transactions when it thinks fit, and none around changes of the schema.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def begin(connection: Connection) -> None:
    """Begin for real."""
    connection.exec_driver_sql("BEGIN")


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what SQLite says into one line.

    Raises:
        StoreError: the database cannot be read or written.
    """
    try:
        yield
    except DatabaseError as exc:
        said = str(exc.orig)
        known = next((value for key, value in REASONS.items() if key in said), (f"SQLite says: {said}", ""))
        raise StoreError(f"{path}: {known[0]}.", known[1]) from exc

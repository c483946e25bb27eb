"""The database of a class, open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from grader.batch.store.engine import connect, told
from grader.batch.store.lock import held
from grader.batch.store.migrate import bring_up_to_date, is_up_to_date
from grader.errors import StoreError

__all__ = ["FILE", "Store", "open_store", "working_on"]

FILE = "grades.db"


class Store:
    """A database whose schema is this grader's.

    Args:
        folder: of the class.
        engine: on its database.
    """

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder = folder
        self.path = folder / FILE
        self.engine = engine

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction: all of it is on the disk when this ends, or none.

        Raises:
            StoreError: the database cannot be read or written.
        """
        with told(self.path), Session(self.engine) as session, session.begin():
            yield session


def open_store(folder: Path) -> Store:
    """Open what a folder holds, to read it. Others may be writing.

    Raises:
        StoreError: there is none, it cannot be read, or a newer grader wrote it.
    """
    path = folder / FILE
    if not path.is_file():
        raise StoreError(f"{folder}: holds no graded class: there is no {FILE}.", "Make one: grader grade SOURCE -o.")
    store = Store(folder, connect(path))
    with told(path), store.engine.connect() as connection:
        current = is_up_to_date(connection, path)
    if not current:
        with working_on(folder, "bringing the store up to date"):
            pass
    return store


@contextmanager
def working_on(folder: Path, doing: str, *, make: bool = False) -> Iterator[Store]:
    """Open a class to work on it; nobody else can while this lasts.

    Args:
        folder: of the class.
        doing: what for, as a participle.
        make: whether to make what is missing.

    Raises:
        HeldError: somebody else does.
        StoreError: there is none and none is to be made, or it cannot be written.
    """
    if not make and not (folder / FILE).is_file():
        open_store(folder)
    with held(folder, doing):
        store = Store(folder, connect(folder / FILE))
        try:
            with told(store.path), store.engine.begin() as connection:
                bring_up_to_date(connection, store.path)
            yield store
        finally:
            store.engine.dispose()

"""Bring a database to the schema of this grader."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from grader.errors import StoreError

__all__ = ["bring_up_to_date", "is_up_to_date"]

SCRIPTS = Path(__file__).resolve().parent / "migrations"


def settings() -> Config:
    """Alembic's, without an ini file."""
    config = Config()
    # A percent sign in the path would be taken for an interpolation.
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return config


def is_up_to_date(connection: Connection, path: Path) -> bool:
    """Whether the schema is this grader's.

    Raises:
        StoreError: a newer grader wrote it.
    """
    scripts = ScriptDirectory.from_config(settings())
    revision = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in scripts.walk_revisions()}
    if revision is not None and revision not in known:
        latest = scripts.get_current_head()
        raise StoreError(
            f"{path}: written by a newer grader (schema {revision}; this one knows up to {latest}).",
            "Use that version of the grader, or a later one.",
        )
    return revision == scripts.get_current_head()


def bring_up_to_date(connection: Connection, path: Path) -> None:
    """Run the migrations that are still to come, within the transaction that is open.

    Raises:
        StoreError: a newer grader wrote it.
    """
    if not is_up_to_date(connection, path):
        config = settings()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

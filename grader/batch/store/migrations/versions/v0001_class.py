"""The tables of a class."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """From an empty database."""
    people()
    runs()
    results()
    op.create_table(
        "adjustment",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("student_id", sa.Integer, sa.ForeignKey("student.id"), nullable=False),
        sa.Column("check", sa.String, nullable=False),
        sa.Column("points", sa.Double, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("made", sa.DateTime, nullable=False),
        sa.Column("entered", sa.DateTime, nullable=False),
        sa.Column("removed", sa.DateTime),
        sa.Column("removed_by", sa.String, nullable=False),
    )


def people() -> None:
    """The class, its students, and what they handed in."""
    op.create_table(
        "class",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("assignment", sa.String, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("folder", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("max_score", sa.Double, nullable=False),
        sa.Column("made", sa.DateTime, nullable=False),
    )
    op.create_table(
        "student",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String, nullable=False, unique=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("email", sa.String, nullable=False),
        sa.Column("ids", sa.JSON, nullable=False),
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("student_id", sa.Integer, sa.ForeignKey("student.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("submitted", sa.DateTime),
        sa.Column("late", sa.Boolean, nullable=False),
        sa.Column("present", sa.Boolean, nullable=False),
        sa.Column("sha256", sa.String, nullable=False),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("likeness", sa.String, nullable=False),
        sa.Column("repairs", sa.JSON, nullable=False),
        sa.Column("fault", sa.String, nullable=False),
        sa.Column("trouble", sa.String, nullable=False),
        sa.UniqueConstraint("student_id", "number"),
    )
    op.create_index("ix_attempt_code", "attempt", ["code"])
    op.create_table(
        "refused",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("student", sa.String, nullable=False),
    )


def runs() -> None:
    """What was run, and what was begun and not ended."""
    op.create_table(
        "run",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String, nullable=False, unique=True),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("conditions", sa.JSON, nullable=False),
        sa.Column("evidence", sa.LargeBinary, nullable=False),
        sa.Column("made", sa.DateTime, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("worker", sa.String, nullable=False),
    )
    op.create_table(
        "notebook",
        sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("whole", sa.Boolean, nullable=False),
    )
    op.create_table(
        "started",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("made", sa.DateTime, nullable=False),
    )


def results() -> None:
    """What was given, when, and by which rubric."""
    op.create_table(
        "scoring",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("made", sa.DateTime, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("rubric", sa.String, nullable=False),
        sa.Column("toml", sa.String, nullable=False),
        sa.Column("grader", sa.String, nullable=False),
    )
    op.create_table(
        "result",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("attempt_id", sa.Integer, sa.ForeignKey("attempt.id"), nullable=False),
        sa.Column("scoring_id", sa.Integer, sa.ForeignKey("scoring.id"), nullable=False),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
        sa.Column("counts", sa.Boolean, nullable=False),
        sa.Column("reused", sa.Boolean, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("max_score", sa.Double, nullable=False),
        sa.Column("checks", sa.JSON, nullable=False),
        sa.Column("report", sa.LargeBinary),
        sa.Column("made", sa.DateTime, nullable=False),
    )
    op.create_index("one_result_counts", "result", ["attempt_id"], unique=True, sqlite_where=sa.text("counts"))

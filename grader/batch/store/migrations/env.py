"""Run by Alembic: on the connection and in the transaction that `grader.batch.store.migrate` hands over."""

from alembic import context

from grader.batch.store.schema import Tables

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Tables.metadata, render_as_batch=True
)
context.run_migrations()

"""Alembic's migrations of the database of a class; `grader.batch.store.migrate` runs them."""

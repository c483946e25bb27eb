"""What is kept of a class: a SQLite database in its folder, durable at every moment."""

from grader.batch.store._store import FILE, Store, open_store, working_on
from grader.batch.store.reading import gradebook_of, read_gradebook

__all__ = ["FILE", "Store", "gradebook_of", "open_store", "read_gradebook", "working_on"]

"""`pytest reference/` verifies every assignment: see `grader.verify.plugin`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# The store of the project's own tests: the user's may hold real weights, and making stand-ins takes a while.
os.environ.setdefault("GRADER_WEIGHTS", str(Path(__file__).resolve().parent.parent / "build" / "test-weights"))


def pytest_configure(config: pytest.Config) -> None:
    """Not by `pytest_plugins`, which pytest refuses here when this folder is not among its arguments."""
    if not config.pluginmanager.has_plugin("grader.verify.plugin"):
        config.pluginmanager.import_plugin("grader.verify.plugin")

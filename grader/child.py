"""Starting the grader's own modules as processes."""

from __future__ import annotations

import sys

__all__ = ["python_module"]

# What `python -m` does, without the current folder among the places that modules are looked for in: submissions may
# lie there, and one of their files may be called `json.py`. (`-P` says the same, from Python 3.11 on.)
RUN = (
    "import sys; sys.path[:] = filter(None, sys.path); import runpy; del sys.argv[0];"
    " runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
)


def python_module(name: str, *arguments: str) -> list[str]:
    """The command that runs this module, with this Python; it may be started in any folder."""
    return [sys.executable, "-c", RUN, name, *arguments]

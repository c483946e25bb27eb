"""From a forked, walled-in process to a kernel."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

__all__ = ["start_cold_kernel", "start_kernel"]


def start_kernel(request: dict[str, Any]) -> None:
    """Be the kernel that the request describes, until it is shut down; or measure a model, if it asks for that."""
    if "replay" in request:
        from grader.run.replay.child import serve as measure

        measure(request["replay"]["folder"], request["replay"]["target"])
        return
    from grader.run.recorder.config import KernelConfig
    from grader.run.recorder.launch import serve

    connection = Path(os.environ["HOME"]) / "connection.json"
    connection.write_text(json.dumps(request["connection"]), encoding="utf-8")
    serve(KernelConfig.from_json(request["config"]), str(connection))


def start_cold_kernel(request: dict[str, Any]) -> None:
    """As `start_kernel`, where nothing is imported yet: what starts threads must not be imported before the walls."""
    if "replay" in request:
        from grader.run.replay.child import import_needed as import_little

        import_little(request["replay"]["flavour"])
    else:
        from grader.run.recorder.launch import import_needed

        import_needed(request["config"]["flavour"])
    start_kernel(request)

"""The process of a kernel. Without a monitor: `python -m grader.run.recorder.launch CONFIG -f CONNECTION_FILE`."""

from __future__ import annotations

import faulthandler
import importlib
import os
import sys
from pathlib import Path

from grader.run.recorder.config import KernelConfig
from grader.run.recorder.figures import draw_figures_once
from grader.run.recorder.imports import collector_at_rest, keras_in_little_time, leave_debugger_out
from grader.run.recorder.introspection import answer_quickly
from grader.run.recorder.outputs import bound_output, pipe_without_network

__all__ = ["import_common", "import_needed", "main", "serve"]

COMMON = ("ipykernel.kernelapp", "IPython.core.magics", "matplotlib.pyplot")
"""What takes long to import, and nearly every notebook needs, whichever Keras it uses."""


def serve(config: KernelConfig, connection_file: str) -> None:
    """Start IPython's kernel with the recorder in it, and serve until the kernel is shut down."""
    faulthandler.enable()
    # What a notebook imports from its own folder goes first; the grader's own folder is none of its business.
    here = os.getcwd()
    os.chdir(config.work)
    sys.path[:] = [config.work, *(folder for folder in sys.path if folder not in ("", here))]
    leave_debugger_out()
    from ipykernel.kernelapp import IPKernelApp

    from grader.run.recorder.install import install_recorder

    pipe_without_network()
    draw_figures_once()
    answer_quickly()
    app = IPKernelApp.instance()
    app.initialize(["-f", connection_file, "--HistoryManager.enabled=False"])
    install_recorder(app.shell, config)
    bound_output(config.output)
    app.start()


def import_common() -> None:
    """Import what takes long and has nothing to do with TensorFlow."""
    with collector_at_rest():
        for name in COMMON:
            importlib.import_module(name)


def import_needed(flavour: str) -> None:
    """Import what takes long, in as little time as it can be done."""
    import_common()
    with keras_in_little_time():
        for name in ("tensorflow", f"grader.run.recorder.keras{flavour}"):
            importlib.import_module(name)


def main(argv: list[str]) -> None:
    """``CONFIG -f CONNECTION_FILE``."""
    config = KernelConfig.read(Path(argv[0]))
    import_needed(config.flavour)
    serve(config, argv[2])


if __name__ == "__main__":
    main(sys.argv[1:])

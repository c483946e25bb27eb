"""The process of a kernel. Without a monitor: `python -m grader.run.recorder.launch CONFIG -f CONNECTION_FILE`."""

from __future__ import annotations

import faulthandler
import os
import sys
from pathlib import Path

from grader.run.recorder.config import KernelConfig
from grader.run.recorder.install import install_recorder
from grader.run.recorder.outputs import bound_output, pipe_without_network

__all__ = ["main", "serve"]


def serve(config: KernelConfig, connection_file: str) -> None:
    """Start IPython's kernel with the recorder in it, and serve until the kernel is shut down."""
    faulthandler.enable()
    # What a notebook imports from its own folder goes first; the grader's own folder is none of its business.
    here = os.getcwd()
    os.chdir(config.work)
    sys.path[:] = [config.work, *(folder for folder in sys.path if folder not in ("", here))]
    from ipykernel.kernelapp import IPKernelApp

    pipe_without_network()
    app = IPKernelApp.instance()
    app.initialize(["-f", connection_file, "--HistoryManager.enabled=False"])
    install_recorder(app.shell, config)
    bound_output(config.output)
    app.start()


def main(argv: list[str]) -> None:
    """``CONFIG -f CONNECTION_FILE``."""
    serve(KernelConfig.read(Path(argv[0])), argv[2])


if __name__ == "__main__":
    main(sys.argv[1:])

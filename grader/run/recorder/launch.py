"""The process of a cold kernel: `python -m grader.run.recorder.launch CONFIG -f CONNECTION_FILE`."""

from __future__ import annotations

import faulthandler
import os
import sys
from pathlib import Path

from grader.run.isolation import strongest
from grader.run.recorder.config import KernelConfig
from grader.run.recorder.install import install_recorder
from grader.run.recorder.outputs import bound_output

__all__ = ["main"]


def main(argv: list[str]) -> None:
    """Start IPython's kernel with the recorder in it, and serve until the kernel is shut down."""
    faulthandler.enable()
    config = KernelConfig.read(Path(argv[0]))
    os.chdir(config.work)
    # What a notebook imports from its own folder goes first; the grader's own folder is none of its business.
    sys.path[:] = [config.work, *(folder for folder in sys.path if folder not in ("", os.getcwd()))]
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.initialize([*argv[1:], "--HistoryManager.enabled=False"])
    install_recorder(app.shell, config)
    bound_output(config.output)
    strongest().confine(config.memory)
    app.start()


if __name__ == "__main__":
    main(sys.argv[1:])

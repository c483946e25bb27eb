"""Putting the recorder into a kernel: before the imports, after them, and between cells."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

from grader.run.compat import CompatContext, install
from grader.run.recorder.adapter import KerasAdapter
from grader.run.recorder.applications import Applications
from grader.run.recorder.bounded import Bounded
from grader.run.recorder.calls import Calls
from grader.run.recorder.cells import Cells
from grader.run.recorder.config import KernelConfig
from grader.run.recorder.frames import CellFrames
from grader.run.recorder.inputs import Inputs
from grader.run.recorder.journal import Journal
from grader.run.recorder.kept import Kept
from grader.run.recorder.layer_calls import LayerCalls
from grader.run.recorder.models import ModelBook
from grader.run.recorder.probe import Prober
from grader.run.recorder.training import Training
from grader.run.recorder.validation import Validation
from grader.run.recorder.variables import make_variables_quickly

__all__ = ["install_recorder"]


def load_adapter(flavour: str) -> KerasAdapter:
    """The adapter of this Keras; imports it and TensorFlow."""
    if flavour == "2":
        from grader.run.recorder.keras2 import Keras2

        return Keras2()
    from grader.run.recorder.keras3 import Keras3

    return Keras3()


def install_recorder(shell: Any, config: KernelConfig) -> None:
    """Make this IPython shell a recorded one. To be called before the first cell, in the notebook's work folder."""
    journal = Journal(Path(config.evidence))
    context = CompatContext(
        shell=shell,
        work=Path(config.work),
        dataset=Path(config.dataset),
        classes=config.classes,
        image_size=config.image_size,
        flavour=config.flavour,
        note=lambda text: journal.note("compat", text),
    )
    install(context, "before_imports")
    import tensorflow as tf

    adapter = load_adapter(config.flavour)
    install(context, "after_imports")
    make_variables_quickly()
    frames = CellFrames(shell, config.work)
    book = ModelBook(adapter, journal)
    seen = Journal(Path(config.evidence), "probes.jsonl")
    shortened = config.training == "bounded"
    inputs = Inputs(adapter, seen, book, frames, graph_mode=not shortened)
    bounded = Bounded(adapter, journal, book, Validation(adapter, book, inputs)) if shortened else None
    training = Training(adapter, journal, book, frames, bounded)
    prober = Prober(adapter, seen, book, training, inputs, config)
    inputs.install_calls()
    Applications(adapter, journal, book, frames, Path(config.weights), prober).install()
    LayerCalls(adapter, journal, book).install()
    Calls(adapter, journal, book, frames).install()
    training.install()
    Kept(adapter, book).install()
    inputs.install_runs()
    prober.install()
    Cells(adapter, journal, book, frames, training).install(shell)
    journal.event(
        "environment",
        python=platform.python_version(),
        tensorflow=str(tf.__version__),
        keras=adapter.version,
        keras_flavour=adapter.flavour,
    )

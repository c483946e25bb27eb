"""The least that a notebook can cost: its cells in a process forked after the imports, with nothing of the grader.

    python -m tests.bench.floor NOTEBOOK FOLDER FLAVOUR

Imports, says `ready`, and for each line on stdin forks a child that runs the cells in FOLDER and prints its seconds.
`fit`, `evaluate` and `predict` see the two images that the grader gives them too, eagerly; nothing is recorded.
Figures are drawn as in any notebook: a shell without a kernel would leave them out, unless told otherwise.
"""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys
import time
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import nbformat

IMAGES = 2
IMPORTED = ("IPython", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "pandas", "tensorflow")


def shorten(model_class: Any) -> None:
    """Make the methods of this class short by the plainest means."""
    import numpy as np
    import tensorflow as tf

    fit, evaluate, predict = model_class.fit, model_class.evaluate, model_class.predict

    def few(data: Any) -> Any:
        return data.unbatch().take(IMAGES).batch(IMAGES) if isinstance(data, tf.data.Dataset) else data[:IMAGES]

    def short_fit(model: Any, x: Any, epochs: int = 1, initial_epoch: int = 0, validation_data: Any = None) -> Any:
        model.run_eagerly = True
        history = fit(model, few(x), epochs=1, validation_data=few(validation_data), verbose=0)
        history.epoch = list(range(initial_epoch, epochs))
        history.history = {name: values * len(history.epoch) for name, values in history.history.items()}
        return history

    def short_evaluate(model: Any, x: Any = None, **kwargs: Any) -> Any:
        # `fit` calls it too, with arguments of its own.
        model.run_eagerly = True
        return evaluate(model, x if x is None else few(x), **{**kwargs, "verbose": 0})

    def short_predict(model: Any, x: Any, **kwargs: Any) -> Any:
        model.run_eagerly = True
        outputs = predict(model, x[:IMAGES], verbose=0)
        return np.resize(outputs, (len(x), *outputs.shape[1:]))

    model_class.fit, model_class.evaluate, model_class.predict = short_fit, short_evaluate, short_predict


def run(cells: list[str], folder: Path) -> float:
    """Seconds of the cells; ends the process where one of them fails."""
    from IPython.core.interactiveshell import InteractiveShell
    from matplotlib_inline.backend_inline import configure_inline_support

    os.chdir(folder)
    sys.path.insert(0, str(folder))
    began = time.monotonic()
    import tensorflow as tf

    shorten(tf.keras.Model)
    shell = InteractiveShell.instance()
    configure_inline_support(shell, "inline")
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        results = [shell.run_cell(source) for source in cells]
    seconds = time.monotonic() - began
    failed = next((result for result in results if not result.success), None)
    if failed is not None:
        sys.exit(f"a cell failed: {failed.error_in_exec or failed.error_before_exec!r}")
    return seconds


def main(notebook: str, folder: str, flavour: str) -> None:
    """Import, then serve."""
    gc.disable()
    for name in (*IMPORTED, "tf_keras" if flavour == "2" else "keras"):
        importlib.import_module(name)
    gc.freeze()
    gc.enable()
    cells = [cell.source for cell in nbformat.read(notebook, 4).cells if cell.cell_type == "code"]
    print("ready", flush=True)
    for _ in sys.stdin:
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                run(cells, Path(folder))
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        _, ended = os.waitpid(child, 0)
        print(f"{time.monotonic() - began:.3f}" if ended == 0 else "failed", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

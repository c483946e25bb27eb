"""One Keras, many notebooks: run each in a fork and let the usual course test look at what it leaves.

    TF_USE_LEGACY_KERAS=1 python -m tests.bench.course_run WORK_FOLDER NOTEBOOK...

One line of JSON a notebook: its path, whether any of its cells raised, and the facts that a course test goes by.
`fit` does nothing, since no course test looks at what training does.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat

SECONDS = 120
"""For one notebook."""


def summary(model: Any, shape_of: Callable[[Any], Any]) -> list[list[Any]]:
    """A row a layer: class name, output shape, number of parameters, and the setting that matters for its kind."""
    rows = []
    for layer in model.layers:
        row = [type(layer).__name__, shape_of(layer), layer.count_params()]
        if row[0] == "Dropout":
            row.append(layer.rate)
        elif row[0] == "Dense":
            row.append(layer.activation.__name__)
        rows.append(row)
    return rows


def shape_as_written(layer: Any) -> Any:
    """As such a helper was written for Keras 2; Keras 3 has no such attribute."""
    return layer.output_shape


def shape_as_ported(layer: Any) -> Any:
    """As one would write it for Keras 3."""
    return layer.output.shape


def about_augmenter(names: dict[str, Any]) -> Any:
    """Which layers it has, and how they are set."""
    layers = names["data_augmenter"]().layers
    settings = [[getattr(layer, key, None) for key in ("mode", "factor")] for layer in layers]
    return [[type(layer).__name__ for layer in layers], settings]


def about_base(names: dict[str, Any]) -> Any:
    """Whether it is unfrozen, and how many layers it has."""
    return [names["base_model"].trainable, len(names["base_model"].layers)]


def about_compile(names: dict[str, Any]) -> Any:
    """Optimizer and rate, loss and what it expects, and the metrics, as compiled for fine-tuning."""
    model = names["model2"]
    rate = float(f"{float(model.optimizer.learning_rate):.3g}")
    loss = model.loss
    # By name, not by class: `metrics=["accuracy"]` and a metric object that is called so are as good.
    config = model.get_compile_config() if hasattr(model, "get_compile_config") else {}
    return [
        type(model.optimizer).__name__,
        rate,
        type(loss).__name__,
        loss.get_config()["from_logits"],
        metrics(config),
    ]


def metrics(config: dict[str, Any]) -> list[str]:
    """Names of the metrics that were asked for."""
    asked = config.get("metrics") or []
    return [each if isinstance(each, str) else each.get("config", {}).get("name", "?") for each in asked]


def told(question: Callable[[], Any]) -> Any:
    """The answer; where there is none, what was raised."""
    try:
        return json.loads(json.dumps(question(), default=str))
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]


def run(path: Path) -> dict[str, Any]:
    """Run the cells and ask the course test's questions at the places where it asks them."""
    notebook = nbformat.read(path, as_version=4)
    names: dict[str, Any] = {"__name__": "__main__"}
    found: dict[str, Any] = {"notebook": str(path), "errors": []}
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        try:
            exec(compile(cell.source, "cell", "exec"), names)
        except Exception as error:
            found["errors"].append(f"{type(error).__name__}: {error}"[:200])
        if "model2" in names and "as written" not in found:
            found["as written"] = told(lambda: summary(names["model2"], shape_as_written))
            found["ported"] = told(lambda: summary(names["model2"], shape_as_ported))
    for question in (about_augmenter, about_base, about_compile):
        found[question.__name__] = told(lambda question=question: question(names))  # type: ignore[misc]
    return found


class Nothing:
    """The history of a training that was left out."""

    def __init__(self, epochs: int, initial_epoch: int) -> None:
        self.epoch = list(range(initial_epoch, epochs))
        self.history = {key: [0.5] * len(self.epoch) for key in ("loss", "accuracy", "val_loss", "val_accuracy")}


def no_fit(self: Any, *_: Any, epochs: int = 1, initial_epoch: int = 0, **__: Any) -> Nothing:
    """In place of `fit`."""
    return Nothing(epochs, initial_epoch)


def in_a_fork(path: Path) -> dict[str, Any]:
    """Run it in a child: no notebook sees what another one left."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        quiet = io.StringIO()
        with os.fdopen(writing, "w") as pipe, contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
            json.dump(run(path), pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {"notebook": str(path), "errors": [f"stopped after {SECONDS} s"]}


def main() -> None:
    """Import once, then fork for each notebook."""
    folder, *paths = map(Path, sys.argv[1:])
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot
    import tensorflow as tf

    # No TensorFlow operation may run before the fork: its threads do not survive one.
    tf.keras.Model.fit = no_fit
    matplotlib.pyplot.show = lambda *_, **__: matplotlib.pyplot.close("all")
    paths = [path.resolve() for path in paths]
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    for path in paths:
        print(json.dumps(in_a_fork(path)), flush=True)


if __name__ == "__main__":
    main()

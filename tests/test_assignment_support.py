"""The modules that assignments put beside a notebook: they advise and draw, and never stop it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

ASSIGNMENTS = Path(__file__).resolve().parent.parent / "assignments"


def load(slug: str, name: str) -> ModuleType:
    """A support module of an assignment."""
    path = ASSIGNMENTS / slug / "support" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"support_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


helpers = load("alpaca-mobilenetv2", "test_utils")
outputs = load("alpaca-mobilenetv2", "outputs")
plots = load("cats-and-dogs-mobilenetv2", "plots")
garden = load("flowers-efficientnetv2b0", "garden")


class Hostile:
    """Raises at whatever it is asked."""

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return super().__getattribute__(name)
        raise RuntimeError(name)


class Layer:
    """As much of a layer as the helpers read."""

    def __init__(self, name: str, trainable: bool = True, weights: int = 1, **more: Any) -> None:
        self.name, self.trainable, self.weights = name, trainable, [0] * weights
        self.__dict__.update(more)


class Dropout(Layer):
    pass


class Named(Layer):
    """A layer whose name cannot be printed."""

    def __init__(self) -> None:
        super().__init__("")
        self.name = Unprintable()


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Hidden(Layer):
    def count_params(self) -> int:
        raise ValueError("not built")


STRANGE: tuple[Any, ...] = (
    None,
    3,
    "model",
    [],
    [1, None],
    {},
    object(),
    Hostile(),
    Layer("a", layers=[None, Hostile(), Hidden("b")]),
    Layer("c", layers=[Named()]),
    [Unprintable()],
    np.zeros(3),
)


@pytest.mark.parametrize("thing", STRANGE, ids=lambda thing: type(thing).__name__)
def test_helpers_cope_with_anything(thing: Any) -> None:
    assert isinstance(helpers.summary(thing), list)
    assert helpers.comparator(thing, outputs.alpaca_summary) is False
    helpers.comparator(outputs.alpaca_summary, thing)
    helpers.advise_augmenter(thing)
    helpers.advise_model(thing)
    helpers.advise_finetuning(thing, thing)
    helpers.advise_labels(thing, thing)


def test_summary_has_a_row_a_layer() -> None:
    model = Layer("m", layers=[Dropout("d", rate=0.2, output_shape=(None, 1280), count_params=lambda: 0), Hidden("h")])
    assert helpers.summary(model) == [["Dropout", (None, 1280), 0, 0.2], ["Hidden", None, 0]]


def test_comparator_tells_the_difference(capsys: pytest.CaptureFixture[str]) -> None:
    assert helpers.comparator([["Dropout", (None, 4), 0, 0.2]], [["Dropout", [(None, 4)], 0, 0.2]])
    assert capsys.readouterr().out == "Your summary agrees with the example.\n"
    assert not helpers.comparator(
        [["Dropout", (None, 4), 0, 0.5]], [["Dropout", (None, 4), 0, 0.2], ["Dense", (None, 1), 5]]
    )
    assert capsys.readouterr().out.splitlines() == [
        "Layer 1: yours is ('Dropout', (None, 4), 0, 0.5), the example has ('Dropout', (None, 4), 0, 0.2).",
        "Yours has 1 layers, the example has 2.",
        "A difference is no fault in itself: there is more than one good model.",
    ]


@pytest.mark.parametrize(
    ("frozen", "text"),
    [
        (2, "The base says: frozen up to 2, trainable from there. Has the model been compiled since?\n"),
        (0, "* Layers before 2 still train: 2 of them, the first is 0.\n"),
        (4, "* Layers from 2 on are still frozen: 2 of them, the first is 2.\n"),
    ],
)
def test_advice_on_fine_tuning(capsys: pytest.CaptureFixture[str], frozen: int, text: str) -> None:
    base = Layer("mobilenetv2_1.00_160", layers=[Layer(str(i), trainable=i >= frozen) for i in range(4)])
    helpers.advise_finetuning(Layer("m", layers=[Layer("input"), base]), 2)
    assert capsys.readouterr().out == text


# --- cats and dogs ------------------------------------------------------------------------------------------


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many axes each figure had that was shown."""
    counts: list[int] = []

    def show() -> None:
        counts.append(len(plt.gcf().axes))
        plt.close("all")

    monkeypatch.setattr(plt, "show", show)
    return counts


@pytest.mark.parametrize("thing", STRANGE, ids=lambda thing: type(thing).__name__)
def test_plots_cope_with_anything(shown: list[int], thing: Any) -> None:
    plots.show_images(thing)
    plots.show_images(np.zeros((2, 4, 4, 3)), thing)
    plots.plot_history(thing)
    plots.plot_history(SimpleNamespace(history={"loss": [1.0]}), thing)
    assert shown == [2, 2]


def test_pictures_are_shown_nine_at_most_with_their_titles(shown: list[int]) -> None:
    plots.show_images(np.full((12, 4, 4, 3), 300.0), ["cat"] * 12)
    assert shown == [9]


def test_what_cannot_be_drawn_yet_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    plots.show_images(None)
    plots.show_images([])
    plots.plot_history(None, None)
    assert capsys.readouterr().out.splitlines() == [
        "These are no pictures yet.",
        "There is no picture to show yet.",
        "There is no training to plot yet.",
    ]


# --- flowers ------------------------------------------------------------------------------------------------


class BatchNormalization(Layer):
    pass


@pytest.mark.parametrize("thing", STRANGE, ids=lambda thing: type(thing).__name__)
def test_garden_says_of_anything_what_it_sees(thing: Any, capsys: pytest.CaptureFixture[str]) -> None:
    layers = thing.layers if isinstance(thing, Layer) else []
    row = "{:<24} {:>4} of {:>4} tensors train"
    rows = [row.format(type(layer).__name__, 0, len(garden.weights_of(layer))) for layer in layers]
    garden.inspect_model(thing)
    sums = ["Together 0. With the base frozen it is the two of the last layer."]
    assert capsys.readouterr().out.splitlines() == ([*rows, *sums] if layers else ["There is no model to look at yet."])
    nothing = ["There is no base to look at yet, or no number to start at."]
    garden.inspect_layers(thing, 1)
    told = capsys.readouterr().out.splitlines()
    assert told == nothing if not layers else told[-1] == "Has the model been compiled since?"
    garden.inspect_layers(Layer("b", layers=[Layer("a")]), thing)
    counted = [
        "Layers that say they are trainable: 0 from 3 on, 1 before that.",
        "Has the model been compiled since?",
    ]
    assert capsys.readouterr().out.splitlines() == (counted if isinstance(thing, int) else nothing)


def test_garden_counts_what_would_train(capsys: pytest.CaptureFixture[str]) -> None:
    base = Layer("base", layers=[Layer("a"), Layer("b", trainable=False), BatchNormalization("c"), Layer("d")])
    garden.inspect_layers(base, 2)
    garden.inspect_layers(None, 2)
    assert capsys.readouterr().out.splitlines() == [
        "Layers that say they are trainable: 1 from 2 on, 1 before that.",
        "Beside these, BatchNormalization layers: 1, the first at 2.",
        "Has the model been compiled since?",
        "There is no base to look at yet, or no number to start at.",
    ]

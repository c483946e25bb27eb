"""Figures of the notebook's that are drawn once: the pictures have to be the same as Matplotlib's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from grader.run.recorder.figures import is_plain, printing

KINDS: dict[str, Callable[[Figure], object]] = {}


def kind(draw: Callable[[Figure], object]) -> Callable[[Figure], object]:
    """Have this kind of figure compared."""
    KINDS[draw.__name__] = draw
    return draw


def chance(*shape: int) -> np.ndarray:
    """The same numbers each time."""
    return np.random.default_rng(0).random(shape)


@kind
def images(figure: Figure) -> None:
    for number in range(1, 5):
        axes = figure.add_subplot(2, 2, number)
        axes.imshow(chance(40, 40, 3))
        axes.set_title("alpaca")
        axes.axis("off")


@kind
def curves(figure: Figure) -> None:
    axes = figure.add_subplot(2, 1, 1)
    axes.plot([0.1, 0.5, 0.7], label="Training accuracy")
    axes.legend(loc="lower right")
    figure.add_subplot(2, 1, 2).set_xlabel("epoch")


@kind
def legend_beside(figure: Figure) -> None:
    axes = figure.add_subplot()
    axes.plot([1, 2], label="a curve")
    axes.legend(bbox_to_anchor=(1.4, 1))
    axes.tick_params(axis="x", rotation=60)


@kind
def text_far_away(figure: Figure) -> None:
    figure.add_subplot().text(1.8, 0.5, "far away")


@kind
def colour_bar(figure: Figure) -> None:
    figure.colorbar(figure.add_subplot().imshow(chance(4, 4)))


@kind
def matrix(figure: Figure) -> None:
    figure.add_subplot().matshow(chance(3, 3))
    figure.suptitle("Confusion")


@kind
def pie(figure: Figure) -> None:
    figure.add_subplot().pie([1, 2, 3], labels=["a", "b", "c"])


@kind
def three_dimensions(figure: Figure) -> None:
    figure.add_subplot(projection="3d").plot([1, 2], [1, 2], [1, 2])


@kind
def polar(figure: Figure) -> None:
    figure.add_subplot(projection="polar").plot([1, 2])


@kind
def inset(figure: Figure) -> None:
    figure.add_subplot().inset_axes([0.5, 0.5, 0.3, 0.3])


@kind
def worked_out_layout(figure: Figure) -> None:
    figure.set_layout_engine("constrained")
    figure.add_subplot().plot([1, 2])


@kind
def nothing(figure: Figure) -> None:
    """An empty figure."""


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    with matplotlib.rc_context():
        yield


@pytest.mark.parametrize("name", KINDS)
def test_the_picture_is_the_same_to_the_pixel(name: str) -> None:
    def shown(print_figure: Callable[..., object]) -> tuple[tuple[int, int], dict[object, object], bytes]:
        figure, file = Figure(), BytesIO()
        canvas = FigureCanvasAgg(figure)
        KINDS[name](figure)
        print_figure(canvas, file, format="png", bbox_inches="tight", dpi=figure.dpi)
        with Image.open(file) as picture:
            return picture.size, picture.info, picture.tobytes()

    original = FigureCanvasAgg.print_figure
    assert shown(printing(original)) == shown(original)


def test_only_figures_that_stand_as_they_are_are_measured_without_drawing() -> None:
    def plain(name: str, **keywords: object) -> bool:
        figure = Figure()
        KINDS[name](figure)
        return is_plain(figure, {"format": "png", "dpi": figure.dpi, **keywords})

    assert plain("images") and plain("curves") and plain("three_dimensions")
    assert not plain("inset")
    assert not plain("worked_out_layout")
    assert not plain("images", format="svg")
    assert not plain("images", dpi=200)
    assert not plain("images", pad_inches=1)


def test_a_plain_figure_is_drawn_once() -> None:
    drawn = []

    class Counting(Figure):
        def draw(self, renderer: object) -> None:
            drawn.append(renderer)
            super().draw(renderer)

    figure = Counting()
    figure.add_subplot()
    canvas = FigureCanvasAgg(figure)
    printing(FigureCanvasAgg.print_figure)(canvas, BytesIO(), format="png", bbox_inches="tight", dpi=figure.dpi)
    assert len(drawn) == 1

"""The alpaca assignment: its TOML, starter, support modules and images; the reference and its variants; the samples."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import numpy as np
import pytest
from PIL import Image

from grader.assignment import Assignment

ROOT = Path(__file__).resolve().parent.parent
ASSIGNMENT = ROOT / "assignments" / "alpaca-mobilenetv2"
REFERENCE = ROOT / "reference" / "alpaca-mobilenetv2"
SAMPLES = ROOT / "samples"
CODES = ("NB001", "NB002", "NB003", "TL101", "TL102", "TL103", "TL201", "TL202", "TL203", "TL205", "TL401")
EXERCISES = ("exercise-augmenter", "exercise-model", "exercise-fine-tune", "exercise-fit", "exercise-labels")
TESTS = ("check-augmenter", "check-model", "check-fine-tune", "check-labels")


def load(path: Path) -> ModuleType:
    """A module that lies outside any package."""
    spec = importlib.util.spec_from_file_location(f"content_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


sys.path.insert(0, str(ASSIGNMENT))  # as for a script: draw_dataset.py imports its neighbours
variants = load(ROOT / "reference" / "make_variants.py")
drawing = load(ASSIGNMENT / "draw_dataset.py")
sys.path.remove(str(ASSIGNMENT))
helpers = load(ASSIGNMENT / "support" / "test_utils.py")
outputs = load(ASSIGNMENT / "support" / "outputs.py")
VARIANTS = variants.load_variants(REFERENCE)
NOTEBOOKS = [ASSIGNMENT / "starter.ipynb", REFERENCE / "solution.ipynb", *sorted(SAMPLES.glob("*.ipynb"))]


def code_cells(path: Path) -> dict[str, Any]:
    """Code cells by id."""
    return {cell["id"]: cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"}


# --- assignment.toml ----------------------------------------------------------------------------------------


def test_assignment_asks_for_ten_points() -> None:
    assignment = Assignment.load(ASSIGNMENT)
    assert tuple(check.code for check in assignment.checks) == CODES
    assert sum(check.points for check in assignment.checks) == 10
    assert {check.code: check.parameters for check in assignment.checks if check.parameters} == {
        "TL202": {"start": 120}
    }
    assert assignment.base.input_shape == (160, 160, 3)
    assert (assignment.keras, assignment.training) == ("auto", "bounded")


def test_every_name_it_is_recognised_by_is_in_the_starter() -> None:
    assignment = Assignment.load(ASSIGNMENT)
    starter = nbformat.read(assignment.starter, as_version=4)
    code = "\n".join(cell.source for cell in starter.cells if cell.cell_type == "code")
    for name in assignment.recognise.names:
        assert re.search(rf"^(def )?{name}\b", code, re.MULTILINE), name
    assert assignment.recognise.title in starter.cells[0].source


# --- starter and solution -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_valid_and_carry_no_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None


def test_starter_and_solution_name_their_assignment() -> None:
    for path in NOTEBOOKS[:2]:
        notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
        assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
        assert notebook.metadata["grader"] == {"assignment": "alpaca-mobilenetv2"}


def test_solution_differs_from_starter_in_the_exercises_only() -> None:
    starter = nbformat.read(ASSIGNMENT / "starter.ipynb", as_version=4)
    solution = nbformat.read(REFERENCE / "solution.ipynb", as_version=4)
    assert [cell["id"] for cell in starter.cells] == [cell["id"] for cell in solution.cells]
    differ = [a["id"] for a, b in zip(starter.cells, solution.cells, strict=True) if a.source != b.source]
    assert differ == [*EXERCISES, "own-code"]
    assert all(a.metadata == b.metadata for a, b in zip(starter.cells, solution.cells, strict=True))


def test_exercises_and_tests_carry_grading_metadata() -> None:
    cells = code_cells(ASSIGNMENT / "starter.ipynb")
    for name, cell in cells.items():
        marks = cell.metadata.get("nbgrader")
        if name in TESTS:
            assert (marks["grade"], marks["solution"], marks["grade_id"]) == (True, False, name)
        elif name in EXERCISES:
            assert (marks["grade"], marks["solution"], marks["grade_id"]) == (False, True, name)
        else:
            assert marks is None, name


def test_every_exercise_is_open_in_the_starter_and_done_in_the_solution() -> None:
    starter, solution = code_cells(ASSIGNMENT / "starter.ipynb"), code_cells(REFERENCE / "solution.ipynb")
    for name in EXERCISES:
        assert nones(starter[name].source) > 0 and "YOUR CODE" in starter[name].source, name
        assert nones(solution[name].source) == 0 and "YOUR CODE" not in solution[name].source, name


def nones(source: str) -> int:
    """Number of `None` in code."""
    return sum(isinstance(node, ast.Constant) and node.value is None for node in ast.walk(ast.parse(source)))


# --- the reference's variants -------------------------------------------------------------------------------


def test_committed_variants_are_what_the_script_makes() -> None:
    stale = {path.name for path in (REFERENCE / "variants").glob("*.ipynb")} - {
        variant.path.name for variant in VARIANTS
    }
    assert not stale
    for path, text in variants.everything().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run reference/make_variants.py"


def test_variants_are_many_and_distinct() -> None:
    wrong = [variant for variant in VARIANTS if not variant.name.startswith("right-")]
    assert len(wrong) >= 18
    texts = {variant.path.read_text(encoding="utf-8") for variant in VARIANTS}
    assert len(texts | {(REFERENCE / "solution.ipynb").read_text(encoding="utf-8")}) == len(VARIANTS) + 1


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_variant_expects_checks_that_the_assignment_has(variant: Any) -> None:
    assert variant.fault.endswith(".")
    (fails2, skips2), (fails3, skips3) = variant.expected("2"), variant.expected("3")
    assert fails2 | skips2 | fails3 | skips3 <= set(CODES)
    assert not fails2 & skips2 and not fails3 & skips3
    assert bool(fails2 | fails3) != variant.name.startswith("right-")
    if bool(fails2) != bool(fails3):
        assert "Keras 2" in variant.fault and "Keras 3" in variant.fault


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_variant_is_valid_python(variant: Any) -> None:
    for cell in code_cells(variant.path).values():
        ast.parse(cell.source)


def test_a_flavour_of_its_own_replaces_what_is_expected() -> None:
    (variant,) = [variant for variant in VARIANTS if variant.name == "unfrozen-after-compile"]
    assert variant.expected("2") == ({"TL201", "TL202"}, set())
    assert variant.expected("3") == (set(), set())


def solution_of(*sources: str) -> Any:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


def variant_of(*replacements: tuple[str, str]) -> Any:
    nothing = variants.Expected(frozenset(), frozenset())
    return variants.Variant(
        "v", "F.", Path("v.ipynb"), tuple(variants.Replacement(*pair) for pair in replacements), nothing
    )


def test_replacement_changes_one_cell_and_leaves_no_empty_line() -> None:
    made = variants.make_variant(
        solution_of("a = 1\nb = 2\nc = 3", "d = 4"), variant_of(("b = 2", ""), ("d = 4", "d = 5"))
    )
    assert [cell.source for cell in made.cells] == ["a = 1\nc = 3", "d = 5"]


@pytest.mark.parametrize(("sources", "count"), [(("a = 1",), 0), (("b = 2\nb = 2",), 2), (("b = 2", "b = 2"), 2)])
def test_replacement_must_occur_exactly_once(sources: tuple[str, ...], count: int) -> None:
    with pytest.raises(variants.VariantError) as caught:
        variants.make_variant(solution_of(*sources), variant_of(("b = 2", "b = 3")))
    assert str(caught.value) == f"variant v: 'b = 2' occurs {count} times in the solution, not once."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "v"\nfault = "F."\nfails = []\nreplace = []\nfail = []', "variant v: unknown key fail."),
        ('name = "v"\nfault = "F."\nreplace = []', "variant v: fails is missing."),
        (
            'name = "v"\nfault = "F."\nfails = []\nreplace = []\non.4.fails = []',
            "variant v: on.4: allowed are 2 and 3.",
        ),
        (
            'name = "v"\nfault = "F."\nfails = []\nreplace = [{old = "a"}]',
            "variant v: a replacement has old and new, not old.",
        ),
    ],
)
def test_malformed_variants_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "variants.toml"
    path.write_text(f"[[variant]]\n{text}\n", encoding="utf-8")
    with pytest.raises(variants.VariantError) as caught:
        variants.load_variants(tmp_path)
    assert str(caught.value) == f"{path}: {message}"


# --- images -------------------------------------------------------------------------------------------------


def test_dataset_is_small_and_balanced() -> None:
    paths = sorted((ASSIGNMENT / "dataset").rglob("*.png"))
    assert {kind: sum(path.parent.name == kind for path in paths) for kind in drawing.CLASSES} == {
        "alpaca": 20,
        "not alpaca": 20,
    }
    assert sum(path.stat().st_size for path in paths) < 1_000_000
    for path in paths:
        with Image.open(path) as image:
            assert (image.size, image.mode) == ((160, 160), "RGB")


@pytest.mark.parametrize(
    ("kind", "number"), [("alpaca", 0), ("alpaca", 3), ("alpaca", 13), ("not alpaca", 2), ("not alpaca", 19)]
)
def test_committed_images_are_what_the_script_draws(kind: str, number: int) -> None:
    with Image.open(ASSIGNMENT / "dataset" / kind / f"{kind.replace(' ', '-')}-{number + 1:03}.png") as image:
        committed = np.asarray(image, dtype=int)
    drawn = np.asarray(drawing.draw(kind, number), dtype=int)
    # Releases of Pillow may round the edge of a polygon differently; the picture stays the same.
    assert np.mean(np.abs(committed - drawn) > 8) < 0.01


def test_a_larger_count_begins_with_the_same_images(tmp_path: Path) -> None:
    small = drawing.draw_dataset(tmp_path / "small", count=3)
    large = drawing.draw_dataset(tmp_path / "large", count=7)
    assert (len(small), len(large)) == (3, 7)
    for path in small:
        assert path.read_bytes() == (tmp_path / "large" / path.parent.name / path.name).read_bytes()


# --- support modules ----------------------------------------------------------------------------------------


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


# --- samples ------------------------------------------------------------------------------------------------


def test_six_samples_and_no_two_alike() -> None:
    paths = sorted(SAMPLES.glob("*.ipynb"))
    assert [path.name for path in paths] == [f"sample-0{number}.ipynb" for number in range(1, 7)]
    codes = {
        "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
        for path in paths
    }
    assert len(codes) == 6

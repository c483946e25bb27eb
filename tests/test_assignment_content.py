"""The assignments: their TOML, starters and images; their reference solutions and variants."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import numpy as np
import pytest
from PIL import Image

from grader.assignment import Assignment
from grader.checks import build_checks
from grader.examine.exercises import open_exercises
from grader.recognise import recognise
from grader.submission import load_submission

ROOT = Path(__file__).resolve().parent.parent
ASSIGNMENTS = ROOT / "assignments"
REFERENCE = ROOT / "reference"


@dataclass(frozen=True)
class Content:
    """What one assignment is expected to hold."""

    slug: str
    keras: str
    points: float
    start: int
    size: int
    images: dict[str, int]
    exercises: tuple[str, ...]
    tests: tuple[str, ...]
    variants: int
    """How many wrong variants there are at least."""

    @property
    def folder(self) -> Path:
        """The assignment's."""
        return ASSIGNMENTS / self.slug

    @property
    def starter(self) -> Path:
        """What students begin with."""
        return self.folder / "starter.ipynb"

    @property
    def solution(self) -> Path:
        """With full marks."""
        return REFERENCE / self.slug / "solution.ipynb"


CONTENTS = (
    Content(
        slug="alpaca-mobilenetv2",
        keras="auto",
        points=10,
        start=120,
        size=160,
        images={"alpaca": 20, "not alpaca": 20},
        exercises=("exercise-augmenter", "exercise-model", "exercise-fine-tune", "exercise-fit", "exercise-labels"),
        tests=("check-augmenter", "check-model", "check-fine-tune", "check-labels"),
        variants=40,
    ),
    Content(
        slug="cats-and-dogs-mobilenetv2",
        keras="auto",
        points=10,
        start=100,
        size=160,
        images={"cat": 20, "dog": 20},
        exercises=(
            "exercise-augmentation",
            "exercise-rescale",
            "exercise-base",
            "exercise-head",
            "exercise-model",
            "exercise-tune",
            "exercise-names",
        ),
        tests=("check-names",),
        variants=20,
    ),
    Content(
        slug="flowers-efficientnetv2b0",
        keras="3",
        points=20,
        start=237,
        size=128,
        images={"daisy": 14, "sunflower": 14, "tulip": 14},
        exercises=(
            "exercise-augmentation",
            "exercise-model",
            "exercise-compile",
            "exercise-thaw",
            "exercise-tune",
        ),
        tests=("check-model", "check-tune"),
        variants=20,
    ),
)
each = pytest.mark.parametrize("content", CONTENTS, ids=lambda content: content.slug)


def load(path: Path) -> ModuleType:
    """A module that lies outside any package."""
    spec = importlib.util.spec_from_file_location(f"content_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


sys.path.insert(0, str(ASSIGNMENTS))  # as for the script: its modules import their neighbours
variants = load(REFERENCE / "make_variants.py")
SCENES = load(ASSIGNMENTS / "drawing" / "scenes.py").SCENES
sys.path.remove(str(ASSIGNMENTS))
VARIANTS = {content.slug: variants.load_variants(REFERENCE / content.slug) for content in CONTENTS}
EVERY_VARIANT = [
    pytest.param(content, variant, id=f"{content.slug}-{variant.name}")
    for content in CONTENTS
    for variant in VARIANTS[content.slug]
]
NOTEBOOKS = [
    *(path for content in CONTENTS for path in (content.starter, content.solution)),
    *sorted((ROOT / "samples").glob("*.ipynb")),
]


def code_cells(path: Path) -> dict[str, Any]:
    """Code cells by id."""
    return {cell["id"]: cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"}


def test_every_assignment_is_among_these() -> None:
    assert sorted(path.parent.name for path in ASSIGNMENTS.glob("*/assignment.toml")) == sorted(VARIANTS)
    assert sorted(path.parent.name for path in REFERENCE.glob("*/variants.toml")) == sorted(VARIANTS)


# --- assignment.toml ----------------------------------------------------------------------------------------


@each
def test_assignment_asks_for_its_points(content: Content) -> None:
    assignment = Assignment.load(content.folder)
    build_checks(assignment.checks, content.slug)
    codes = [check.code for check in assignment.checks]
    assert codes == sorted(codes)
    assert sum(check.points for check in assignment.checks) == pytest.approx(content.points)
    parameters = {check.code: check.parameters for check in assignment.checks}
    assert parameters["TL202"] == {"start": content.start}
    assert assignment.base.input_shape == (content.size, content.size, 3)
    assert (assignment.keras, assignment.training) == (content.keras, "bounded")


@each
def test_every_name_it_is_recognised_by_is_in_the_starter(content: Content) -> None:
    assignment = Assignment.load(content.folder)
    starter = nbformat.read(assignment.starter, as_version=4)
    code = "\n".join(cell.source for cell in starter.cells if cell.cell_type == "code")
    for name in assignment.recognise.names:
        assert re.search(rf"^(def )?{name}\b|, {name} = ", code, re.MULTILINE), name
    assert assignment.recognise.title in starter.cells[0].source


@each
def test_a_notebook_without_metadata_is_recognised_by_its_names(content: Content, tmp_path: Path) -> None:
    for path in (content.starter, content.solution):
        notebook = nbformat.read(path, as_version=4)
        del notebook.metadata["grader"]
        nbformat.write(notebook, tmp_path / path.name)
        submission = load_submission(tmp_path / path.name)
        found = recognise(submission, [Assignment.load(other.folder) for other in CONTENTS])
        assert found.slug == content.slug


# --- starter and solution -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_notebooks_are_valid_and_carry_no_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None


@each
def test_starter_and_solution_name_their_assignment(content: Content) -> None:
    for path in (content.starter, content.solution):
        notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
        assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
        assert notebook.metadata["grader"] == {"assignment": content.slug}


@each
def test_solution_differs_from_starter_in_the_exercises_only(content: Content) -> None:
    starter = nbformat.read(content.starter, as_version=4)
    solution = nbformat.read(content.solution, as_version=4)
    assert [cell["id"] for cell in starter.cells] == [cell["id"] for cell in solution.cells]
    differ = [a["id"] for a, b in zip(starter.cells, solution.cells, strict=True) if a.source != b.source]
    assert differ == [*content.exercises, "own-code"]
    assert all(a.metadata == b.metadata for a, b in zip(starter.cells, solution.cells, strict=True))


@each
def test_exercises_and_tests_carry_grading_metadata(content: Content) -> None:
    for name, cell in code_cells(content.starter).items():
        marks = cell.metadata.get("nbgrader")
        if name in content.tests:
            assert (marks["grade"], marks["solution"], marks["grade_id"]) == (True, False, name)
        elif name in content.exercises:
            assert (marks["grade"], marks["solution"], marks["grade_id"]) == (False, True, name)
        else:
            assert marks is None, name


@each
def test_every_exercise_is_open_in_the_starter_and_done_in_the_solution(content: Content) -> None:
    starter, solution = (nbformat.read(path, as_version=4) for path in (content.starter, content.solution))
    assert len(open_exercises(starter, starter)) == len(content.exercises)
    assert open_exercises(solution, starter) == ()
    for name in content.exercises:
        assert "YOUR CODE" in code_cells(content.starter)[name].source, name
        assert "YOUR CODE" not in code_cells(content.solution)[name].source, name


# --- the reference's variants -------------------------------------------------------------------------------


def test_committed_variants_are_what_the_script_makes() -> None:
    files = variants.everything()
    assert not set(REFERENCE.glob("*/variants/*.ipynb")) - set(files)
    for path, text in files.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run reference/make_variants.py"


@each
def test_variants_are_many_and_distinct(content: Content) -> None:
    own = VARIANTS[content.slug]
    assert len([variant for variant in own if not variant.name.startswith("right-")]) >= content.variants
    texts = {variant.path.read_text(encoding="utf-8") for variant in own}
    assert len(texts | {content.solution.read_text(encoding="utf-8")}) == len(own) + 1


@pytest.mark.parametrize(("content", "variant"), EVERY_VARIANT)
def test_variant_expects_checks_that_the_assignment_has(content: Content, variant: Any) -> None:
    codes = {check.code for check in Assignment.load(content.folder).checks}
    assert variant.fault.endswith(".")
    (fails2, skips2), (fails3, skips3) = variant.expected("2"), variant.expected("3")
    assert fails2 | skips2 | fails3 | skips3 <= codes
    assert not fails2 & skips2 and not fails3 & skips3
    assert bool(fails2 | fails3) != variant.name.startswith("right-")
    if bool(fails2) != bool(fails3):
        assert "Keras 2" in variant.fault and "Keras 3" in variant.fault
    if content.keras == "3":
        assert not variant.by_flavour


@pytest.mark.parametrize(("content", "variant"), EVERY_VARIANT)
def test_variant_is_the_solution_but_for_its_fault_and_python_reads_it(content: Content, variant: Any) -> None:
    right, wrong = code_cells(content.solution), code_cells(variant.path)
    assert list(wrong) == list(right)
    changed = [name for name, cell in wrong.items() if cell.source != right[name].source]
    assert 1 <= len(changed) <= len(variant.replacements)
    parsed = {name: ast.parse(wrong[name].source) for name in changed}
    assert all(ast.dump(tree) != ast.dump(ast.parse(right[name].source)) for name, tree in parsed.items())


def test_a_flavour_of_its_own_replaces_what_is_expected() -> None:
    (variant,) = [variant for variant in VARIANTS["alpaca-mobilenetv2"] if variant.name == "unfrozen-after-compile"]
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


@each
def test_dataset_is_small_and_balanced(content: Content) -> None:
    paths = sorted((content.folder / "dataset").rglob("*.png"))
    assert {kind: sum(path.parent.name == kind for path in paths) for kind in content.images} == content.images
    assert len(paths) == sum(content.images.values())
    assert sum(path.stat().st_size for path in paths) < 1_000_000
    for path in paths:
        with Image.open(path) as image:
            assert (image.size, image.mode) == ((content.size, content.size), "RGB")


@each
@pytest.mark.parametrize("number", [0, 5, 13])
def test_committed_images_are_what_the_script_draws(content: Content, number: int) -> None:
    scene = SCENES[content.slug]
    assert (list(scene.subjects), scene.count) == (list(content.images), sum(content.images.values()))
    for kind in content.images:
        path = content.folder / "dataset" / kind / f"{kind.replace(' ', '-')}-{number + 1:03}.png"
        with Image.open(path) as image:
            committed = np.asarray(image, dtype=int)
        drawn = np.asarray(scene.draw(kind, number), dtype=int)
        # Releases of Pillow may round the edge of a polygon differently; the picture stays the same.
        assert np.mean(np.abs(committed - drawn) > 8) < 0.01


@each
def test_a_larger_count_begins_with_the_same_images(content: Content, tmp_path: Path) -> None:
    small = SCENES[content.slug].draw_all(tmp_path / "small", count=4)
    large = SCENES[content.slug].draw_all(tmp_path / "large", count=7)
    assert (len(small), len(large)) == (4, 7)
    for path in small:
        assert path.read_bytes() == (tmp_path / "large" / path.parent.name / path.name).read_bytes()


def test_another_seed_draws_other_images() -> None:
    scene = SCENES["flowers-efficientnetv2b0"]
    assert scene.draw("tulip", 0).tobytes() != scene.draw("tulip", 0, seed=1).tobytes()


# --- samples ------------------------------------------------------------------------------------------------


def test_six_samples_and_no_two_alike() -> None:
    paths = sorted((ROOT / "samples").glob("*.ipynb"))
    assert [path.name for path in paths] == [f"sample-0{number}.ipynb" for number in range(1, 7)]
    codes = {
        "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
        for path in paths
    }
    assert len(codes) == 6

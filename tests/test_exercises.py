"""Open exercises, given cells, excuses."""

from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.examine.exercises import open_exercises
from grader.examine.given import excuse, given_cells
from grader.submission import load_submission

ROOT = Path(__file__).parents[1]
STARTER = """def alpaca_model(image_shape=None):
    ### START CODE HERE
    base_model = MobileNetV2(input_shape=None, include_top=None, weights=None)
    base_model.trainable = None
    x = base_model(None, training=None)
    x = None(x)
    outputs = tfl.Dense(None, activation=None)(x)
    for layer in base_model.layers[:None]:
        layer.trainable = None
    ### END CODE HERE
    return None
"""
SOLVED = """def alpaca_model(image_shape=None):
    base_model = MobileNetV2(input_shape=s, include_top=False, weights="imagenet")
    base_model.trainable = False
    x = base_model(x, training=False)
    x = tfl.Dropout(0.2)(x)
    outputs = tfl.Dense(1, activation=None)(x)
    for layer in base_model.layers[:120]:
        layer.trainable = False
    return None
"""


def notebook(*sources):
    cells = [new_markdown_cell(s[2:]) if s.startswith("M:") else new_code_cell(s) for s in sources]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    return new_notebook(cells=cells)


def lines(exercises):
    return [(exercise.name, [place.line for place in exercise.places]) for exercise in exercises]


def test_untouched_course_function():
    assert lines(open_exercises(notebook(STARTER), notebook(STARTER))) == [("alpaca_model", [3, 4, 5, 6, 7, 8, 9])]


def test_solved_function_keeps_its_own_none():
    assert open_exercises(notebook(SOLVED), notebook(STARTER)) == ()


def test_partly_filled_statement_is_open():
    partly = SOLVED.replace("training=False", "training=None").replace('"imagenet"', "None")
    exercises = open_exercises(notebook(partly), notebook(STARTER))
    assert lines(exercises) == [("alpaca_model", [2, 4])]
    assert exercises[0].places[1].code == "x = base_model(x, training=None)"


def test_the_last_definition_counts():
    assert open_exercises(notebook(STARTER, SOLVED), notebook(STARTER)) == ()


def test_function_in_a_cell_with_a_syntax_error():
    broken = SOLVED.replace("x = tfl.Dropout(0.2)(x)", "x = None(x)") + "    if\n"
    assert lines(open_exercises(notebook(broken), notebook(STARTER))) == [("alpaca_model", [5])]


@pytest.mark.parametrize("body", ["raise NotImplementedError", "...", "pass", "# YOUR CODE HERE\n    pass"])
def test_stub_bodies(body):
    starter = notebook(f"def f(x):\n    '''Doc.'''\n    {body}\n")
    assert [name for name, _ in lines(open_exercises(starter, starter))] == ["f"]
    assert (
        open_exercises(notebook("def f(x):\n    try:\n        return x\n    except KeyError:\n        pass\n"), starter)
        == ()
    )


def test_top_level_cell_is_named_by_its_heading():
    starter = notebook(
        "M:## Exercise 3 - `augment`",
        "x = 1\nlayer = None\n",
        "M:text",
        "# YOUR CODE HERE\n",
        "model = f(weights=None)",
    )
    assert lines(open_exercises(starter, starter)) == [("Exercise 3 - augment", [2]), ("Exercise 3 - augment", [1])]
    solved = notebook(
        "M:new", "M:## Exercise 3", "x = 1\nlayer = RandomFlip()\n", "print(layer)", "model = f(weights=None)"
    )
    assert open_exercises(solved, starter) == ()


def test_notebook_without_code_has_all_open():
    assert lines(open_exercises(new_notebook(), notebook(STARTER))) == [("alpaca_model", [])]


def test_without_a_starter_nothing_is_open():
    assert open_exercises(notebook(STARTER), None) == ()


def test_the_assignments_own_notebooks():
    folder = ROOT / "assignments" / "alpaca-mobilenetv2"
    reference = ROOT / "reference" / "alpaca-mobilenetv2" / "solution.ipynb"
    starter = load_submission(folder / "starter.ipynb").notebook
    names = [exercise.name for exercise in open_exercises(starter, starter)]
    assert names[:2] == ["data_augmenter", "alpaca_model"] and len(names) == 5
    assert open_exercises(load_submission(reference).notebook, starter) == ()


def test_given_cells():
    starter = notebook("import a  # given", "def f():\n    x = None\n", "show(  1 )")
    test = new_code_cell("f(3)", metadata={"nbgrader": {"grade": True, "solution": False}})
    own = notebook(
        "import a",
        "def f():\n    x = None\n",
        "show(1)",
        "y = 2",
        "from test_utils import comparator\ncomparator(summary(m), [1])",
    )
    own.cells.append(test)
    own.cells.append(new_code_cell("expected = [[1, 2]]\nfor a in summary(m):\n    print(a)"))
    assert given_cells(own, starter) == frozenset({1, 3, 5, 6, 7})
    assert given_cells(own, None) == frozenset({5, 6, 7})


@pytest.mark.parametrize(
    ("given", "name", "text", "words"),
    [
        (
            False,
            "ModuleNotFoundError",
            "The grader does not have the package 'efficientnet'.",
            "The grader does not have the package `efficientnet`.",
        ),
        (False, "URLError", "<urlopen error x>", "The grader has no network, so nothing can be downloaded."),
        (
            False,
            "Exception",
            "URL fetch failure on https://x",
            "The grader has no network, so nothing can be downloaded.",
        ),
        (
            False,
            "EOFError",
            "`input()` waits for somebody at the keyboard",
            "In an automatic run nobody can answer at the keyboard.",
        ),
        (
            True,
            "AttributeError",
            "module 'tensorflow' has no attribute 'python'",
            "This cell is the course's own, and does not work with the library versions used here.",
        ),
        (True, "AssertionError", "", "This cell is a test of the course's: it fails because of cells before it."),
        (
            True,
            "NameError",
            "name 'model2' is not defined",
            "This cell is the course's own: its error follows from cells before it.",
        ),
        (False, "NameError", "name 'model2' is not defined", ""),
        (False, "ModuleNotFoundError", "No module named 'tensorflw'", ""),
        (False, "FileNotFoundError", "x.csv", ""),
    ],
)
def test_excuse(given, name, text, words):
    assert excuse(given, name, text) == words


def test_function_with_nothing_but_a_comment_to_fill_in():
    docstring = '    """Unfreeze the base from `start` on."""'
    source = f"def thaw(base, start):\n{docstring}\n\n    # YOUR CODE\n\n# elsewhere\nrate = 1\n"
    assert lines(open_exercises(notebook(source), notebook(source))) == [("thaw", [4])]
    done = source.replace("# YOUR CODE", "base.trainable = True")
    assert open_exercises(notebook(done), notebook(source)) == ()


def test_metadata_that_are_no_nbgraders_are_none():
    starter = new_notebook(cells=[new_code_cell("x = None  # YOUR CODE", metadata={"nbgrader": {"grade_id": "a"}})])
    handed_in = new_notebook(cells=[new_code_cell("x = 1", metadata={"nbgrader": 10**30})])
    assert open_exercises(handed_in, starter) == ()

"""Choosing the Keras."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.run.flavour import choose_flavour, version_reason


def chosen(*sources):
    return choose_flavour(new_notebook(cells=[new_markdown_cell("x"), *map(new_code_cell, sources)]))


@pytest.mark.parametrize(
    ("source", "flavour", "what"),
    [
        ("tfl.experimental.preprocessing.Rescaling(1)", "2", "layers.experimental.preprocessing"),
        (
            "from tensorflow.keras.layers.experimental.preprocessing import RandomFlip",
            "2",
            "layers.experimental.preprocessing",
        ),
        ("!pip install a \\\n  b\nopt = Adam(lr=1e-3)", "2", "lr="),
        ("print 'two'\nopt = Adam(lr=base/10)", "2", "lr="),
        ("model.fit_generator(g)", "2", "fit_generator"),
        (
            "from keras.preprocessing.image import ImageDataGenerator",
            "2",
            "keras.preprocessing.image.ImageDataGenerator",
        ),
        ("from tensorflow.python.keras.layers import Dense", "2", "tensorflow.python.keras"),
        ("K.set_value(model.optimizer.lr, 1)", "2", "optimizer.lr"),
        ("import keras\nkeras.ops.mean(x)", "3", "keras.ops"),
        ("from keras import ops", "3", "keras.ops"),
        ("class A(keras.Layer): pass", "3", "keras.Layer"),
    ],
)
def test_signs(source, flavour, what):
    choice = chosen(source)
    assert (choice.flavour, choice.reason) == (flavour, f"It uses `{what}`, which only Keras {flavour} has (cell 2).")


@pytest.mark.parametrize(
    ("source", "flavour", "what"),
    [
        ("import os\nos.environ['TF_USE_LEGACY_KERAS'] = '1'\nkeras.ops.mean", "2", "TF_USE_LEGACY_KERAS"),
        ("os.environ['KERAS_BACKEND'] = 'tensorflow'\nAdam(lr=1)", "3", "KERAS_BACKEND"),
        ("import tf_keras as keras", "2", "tf_keras"),
    ],
)
def test_a_notebook_that_says_it_itself(source, flavour, what):
    assert chosen(source).reason == f"It asks for Keras {flavour} itself, by `{what}` (cell 2)."


@pytest.mark.parametrize(
    "source",
    [
        "import random\nrandom.random()",
        "from tensorflow.keras.preprocessing.image import ImageDataGenerator",
        "# Adam(lr=1)",
    ],
)
def test_no_sign(source):
    choice = chosen(source)
    assert (choice.flavour, choice.reason) == ("3", "It uses nothing that tells Keras 2 from Keras 3.")


@pytest.mark.parametrize(
    ("flavour", "name", "text", "what"),
    [
        (
            "3",
            "AttributeError",
            "module 'keras._tf_keras.keras.layers' has no attribute 'experimental'",
            "`experimental`",
        ),
        ("3", "ModuleNotFoundError", "No module named 'keras.layers.experimental'", "`experimental`"),
        ("3", "AttributeError", "'Sequential' object has no attribute 'fit_generator'", "`fit_generator`"),
        ("3", "ValueError", "Argument(s) not recognized: {'lr': 0.001}", "`lr`"),
        (
            "3",
            "ValueError",
            "A KerasTensor cannot be used as input to a TensorFlow function.",
            "TensorFlow functions on a model's symbolic tensors",
        ),
        ("2", "AttributeError", "module 'tensorflow.keras' has no attribute 'ops'", "`ops`"),
    ],
)
def test_errors_that_the_other_keras_cures(flavour, name, text, what):
    other = "2" if flavour == "3" else "3"
    errors = [(3, "NameError", "name 'y' is not defined", "y"), (4, name, text, "x")]
    assert (
        version_reason(errors, flavour)
        == f"Cell 4 stopped at {what}, which Keras {other} accepts and Keras {flavour} does not."
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("NameError", "name 'experimental' is not defined"),
        ("AttributeError", "'NoneType' object has no attribute 'add'"),
        ("ModuleNotFoundError", "The grader does not have the package 'efficientnet'."),
        ("ValueError", "Shapes (None, 1) and (None, 2) are incompatible"),
    ],
)
def test_errors_that_it_does_not(name, text):
    assert version_reason([(4, name, text, "")], "3") is None
    assert version_reason([(4, name, text, "")], "2") is None

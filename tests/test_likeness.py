"""Same code: what makes no difference, what does, and what is too little to tell."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.assignment import Assignment
from grader.batch.likeness import fingerprint, groups
from tests.notebooks import grade_cells

SEEDED = """
import tensorflow as tf
tf.keras.utils.set_random_seed({seed})
images, labels = tf.random.uniform((2, 96, 96, 3), -1, 1), tf.constant([[0.0], [1.0]])
"""
ONE_WAY = """
base = tf.keras.applications.MobileNetV2(input_shape=(96, 96, 3), include_top=False, weights="imagenet", pooling="avg")
base.trainable = False
inputs = tf.keras.Input((96, 96, 3))
model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(base(inputs, training=False)))
model.compile("sgd", "mse")
model.fit(images, labels)
"""
OTHER_WAY = """
net = tf.keras.applications.MobileNetV2((96, 96, 3), include_top=False, pooling="avg")
for layer in net.layers:
    layer.trainable = False
x = tf.keras.Input((96, 96, 3), name="pictures")
y = tf.keras.layers.Dense(1, name="answer")(net(x, training=False))
classifier = tf.keras.Model(x, y, name="mine")
classifier.compile(optimizer=tf.keras.optimizers.SGD(), loss=tf.keras.losses.MeanSquaredError())
for _ in range(1):
    classifier.fit(images, y=labels, epochs=1)
"""
GIVEN = "import tensorflow as tf\ndef plot(history):\n    '''Draw it.'''\n    print(history)"
EXERCISE = "def build(shape):\n    # YOUR CODE HERE\n    base = None\n    return base"
OWN = """
def build(shape):
    base = tf.keras.applications.MobileNetV2(input_shape=shape, include_top=False, weights="imagenet")
    base.trainable = False
    inputs = tf.keras.Input(shape=shape)
    x = base(inputs / 127.5 - 1, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    x = tf.keras.layers.Dropout(0.2)(x)
    try:
        print(x)
    except ValueError as error:
        print(error)
    return tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))

model = build(shape=(160, 160, 3))
model.compile(optimizer=tf.keras.optimizers.Adam(0.001), loss="binary_crossentropy")
for epoch in range(3):
    model.fit(data, epochs=epoch)
"""
RENAMED = (
    OWN.replace("shape", "size")
    .replace("input_size=size", "input_shape=size")
    .replace("Input(size=", "Input(shape=")
    .replace("inputs", "entrance")
    .replace("base", "mobile_net")
    .replace("error", "e")
)


def notebook(*sources: str) -> NotebookNode:
    return new_notebook(cells=[new_code_cell(source) for source in sources])


STARTER = notebook(GIVEN, EXERCISE)


def of(*sources: str) -> str:
    return fingerprint(notebook(*sources), STARTER)


@pytest.mark.parametrize(
    "same",
    [
        OWN.replace("    x = base", "\n    # so that BatchNorm stays\n    x = base").replace('"', "'"),
        OWN.replace("(0.001)", "(\n        0.001\n    )").replace(
            "def build(shape):", 'def build(shape):\n    """Mine."""'
        ),
        RENAMED.replace("ValueError as e:", "ValueError as oops:").replace("print(e)", "print(oops)"),
        f"# mine\n{OWN}\nmodel",
    ],
    ids=["comments and quotes", "layout and docstrings", "names", "a bare name"],
)
def test_comments_layout_and_names_make_no_difference(same: str) -> None:
    assert of(GIVEN, OWN) == of(GIVEN, same) != ""


def test_markdown_and_counts_make_no_difference() -> None:
    other = notebook(f"# given\n{GIVEN}", OWN)
    other.cells.insert(0, new_markdown_cell("# By me"))
    other.cells[2].execution_count = 7
    assert fingerprint(other, STARTER) == of(GIVEN, OWN)


@pytest.mark.parametrize(
    "change", [("training=False", "training=True"), ("0.2", "0.3"), ("Dropout", "SpatialDropout2D"), ("base(", "len(")]
)
def test_what_the_code_does_makes_a_difference(change: tuple[str, str]) -> None:
    assert of(GIVEN, OWN) != of(GIVEN, OWN.replace(*change))


def test_a_statement_of_the_starter_accounts_for_one_of_the_students() -> None:
    starter = notebook("model.fit(data)")
    once, twice = notebook(OWN, "model.fit(data)\n"), notebook(OWN, "model.fit(data)\nmodel.fit(data)")
    assert fingerprint(once, starter) != fingerprint(twice, starter)


def test_untouched_starters_and_tiny_solutions_are_like_nothing() -> None:
    assert of(GIVEN, EXERCISE) == of(GIVEN, EXERCISE.replace("None", "MobileNetV2()")) == of("x = = 1") == of() == ""


def test_groups_name_the_others_and_leave_out_how_everybody_solves_it() -> None:
    assert groups({"a": "1", "b": "2", "c": "1", "d": "", "e": ""}) == {"a": ("c",), "c": ("a",)}
    assert groups({str(number): "1" for number in range(6)}) == {}
    assert len(groups({str(number): "1" if number < 6 else str(number) for number in range(60)})) == 6


def test_weights_trained_alike_are_told_whatever_the_code_and_by_the_seed(alpaca: Assignment, tmp_path: Path) -> None:
    def trained(seed: int, code: str) -> str:
        return grade_cells(tmp_path, [SEEDED.format(seed=seed), code], alpaca).evidence.trained_sha256

    assert trained(1, ONE_WAY) == trained(1, OTHER_WAY) != trained(2, ONE_WAY)

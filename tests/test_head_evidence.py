"""What is found of heads, losses, learning rates and input shapes, from notebooks that really ran on both Kerases."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment import Assignment
from grader.evidence import Head
from grader.examine.journal import Journal, read_journal
from grader.examine.losses import describe_loss, rate_from
from grader.grade import Options, grade
from grader.results import Outcome
from grader.submission import load_submission
from tests.head_forms import outlines
from tests.notebooks import grade_cells, outcomes, result_of, write_notebook
from tests.test_check_examples import SETUP

POOLING = {
    "global_average": "average",
    "global_max": "max",
    "keepdims": "average",
    "average_whole_map": "average",
    "average_part_of_map": "flatten",
    "max_of_part_same": "flatten",
    "flatten": "flatten",
    "reshape": "flatten",
    "both": "average and max",
    "lambda_mean": "average",
    "lambda_max": "max",
    "lambda_other": "unknown",
    "lambda_never_run": "unknown",
    "no_pooling": "none",
    "convolution_head": "average",
    "pooled_base": "average",
    "nested_head": "average",
    "nested_features": "average",
    "flattened": "max",
    "flattened_pooled": "average",
    "sequential": "average",
    "subclassed": "average",
    "subclassed_code": "average",
    "subclassed_branches": "average and max",
    "custom_head_layer": "max",
    "resized": "average",
    "shared_dropout": "average",
    "multiplied": "average",
    "softmax_layer": "average",
    "own_activation": "average",
    "activations_function": "average",
    "operations": "average",
    "backend": "max",
    "negative_axes": "max",
}
ACTIVATION = {
    "flatten": "softmax",
    "convolution_head": "softmax",
    "pooled_base": "sigmoid",
    "nested_head": "sigmoid",
    "flattened": "sigmoid",
    "sequential": "softmax",
    "subclassed": "sigmoid",
    "subclassed_code": "sigmoid",
    "multiplied": "unknown",
    "softmax_layer": "softmax",
    "own_activation": "custom",
    "activations_function": "sigmoid",
    "operations": "sigmoid",
}
"""All others: linear."""
RATES = {
    "global_average": [0.2],
    "nested_head": [0.3],
    "flattened": [0.5],
    "flattened_pooled": [0.5],
    "sequential": [0.2],
    "subclassed": [0.25],
    "custom_head_layer": [0.4],
    "shared_dropout": [0.1, 0.1],
}
"""All others: no Dropout."""
TWO_OUTPUTS = {"flatten", "convolution_head", "sequential", "softmax_layer"}


@pytest.mark.parametrize("keras", ["2", "3"])
def test_a_head_is_read_the_same_in_whatever_form_it_is_written(tmp_path: Path, alpaca: Assignment, keras: str) -> None:
    found = outlines(tmp_path, alpaca, keras)
    heads = {name: outline["head"] for name, outline in found.items()}
    assert all(isinstance(head, Head) for head in heads.values())
    assert {name: head.pooling for name, head in heads.items()} == {name: POOLING[name] for name in heads}
    assert {name: head.activation for name, head in heads.items()} == {
        name: ACTIVATION.get(name, "linear") for name in heads
    }
    assert {name: head.units for name, head in heads.items()} == {
        name: 2 if name in TWO_OUTPUTS else 1 for name in heads
    }
    rates = {
        name: [layer.settings["rate"] for layer in head.layers if layer.does == "dropout"]
        for name, head in heads.items()
    }
    assert rates == {name: RATES.get(name, []) for name in heads}
    assert [name for name, head in heads.items() if not head.activation_last] == ["convolution_head"]
    assert found["resized"]["input_shape"] == (None, None, 3)
    assert found["resized"]["resized"] == (96, 96)
    assert {outline["input_shape"] for name, outline in found.items() if name != "resized"} == {(96, 96, 3)}
    in_order = [layer.does for layer in heads["subclassed"].layers]
    assert in_order == ["average", "dropout", "dense"], "the order of the calls, not of the attributes"


# --- losses --------------------------------------------------------------------------------------------------

TINY = """
import functools
import tensorflow as tf
from tensorflow.keras import layers, losses

x = tf.random.normal((4, 3), seed=1)
y = tf.constant([[0.0], [1.0], [0.0], [1.0]])


def tiny(loss, activation=None, optimizer="sgd", y=y, wrap=lambda out: out, **fitting):
    tf.keras.utils.set_random_seed(1)
    inputs = tf.keras.Input((3,))
    model = tf.keras.Model(inputs, wrap(layers.Dense(1, activation=activation)(inputs)))
    model.compile(optimizer, loss)
    model.fit(x, y, batch_size=4, verbose=0, **fitting)


def mine(labels, outputs):
    return losses.binary_crossentropy(labels, outputs, from_logits=True)


falling = tf.keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.5)


def setting(rate_of_epoch):
    return [tf.keras.callbacks.LearningRateScheduler(rate_of_epoch)]


class Mine(losses.Loss):
    def call(self, labels, outputs):
        return tf.reduce_mean((labels - outputs) ** 2)
"""
LOSSES = [
    ("losses.BinaryCrossentropy(from_logits=True)", "BinaryCrossentropy", "binary", True, True),
    ("losses.BinaryCrossentropy()", "BinaryCrossentropy", "binary", False, True),
    ("[losses.BinaryFocalCrossentropy(from_logits=True)]", "BinaryFocalCrossentropy", "binary", True, True),
    ("'binary_crossentropy'", "binary_crossentropy", "binary", False, True),
    ("'bce'", "bce", "binary", False, True),
    ("'BinaryCrossentropy'", "BinaryCrossentropy", "binary", False, True),
    ("losses.binary_crossentropy", "binary_crossentropy", "binary", False, True),
    (
        "functools.partial(losses.binary_crossentropy, from_logits=True)",
        "binary_crossentropy",
        "binary",
        True,
        True,
    ),
    ("tf.nn.sigmoid_cross_entropy_with_logits", "sigmoid_cross_entropy_with_logits", "binary", True, False),
    ("losses.CategoricalCrossentropy(from_logits=True)", "CategoricalCrossentropy", "categorical", True, True),
    ("'mse'", "mse", "other", None, True),
    ("mine", "mine", "custom", None, True),
    ("Mine()", "Mine", "custom", None, True),
]


def left_by(folder: Path, cells: list[str], assignment: Assignment, keras: str, training: str) -> Journal:
    """The journal of a notebook of these cells."""
    path = write_notebook(folder / "notebook.ipynb", cells)
    left = folder / "left"
    options = Options(keras=keras, training=training, replay="never", keep_weights=left)  # type: ignore[arg-type]
    graded = grade(load_submission(path), assignment, options)
    assert [(run.cell, run.error) for run in graded.evidence.notebook.cells if run.status != "ran"] == []
    return read_journal(left)


@pytest.mark.parametrize("keras", ["2", "3"])
def test_a_loss_is_known_by_what_it_expects_in_whatever_form_it_is_given(
    tmp_path: Path, alpaca: Assignment, keras: str
) -> None:
    cells = [TINY, *(f"tiny({loss})" for loss, *_ in LOSSES), "tiny('bce', 'sigmoid', y=y[:, 0])"]
    journal = left_by(tmp_path, cells, alpaca, keras, "bounded")
    found = [describe_loss(event.loss) for event in journal.compiles]
    assert [(loss.name, loss.kind, loss.from_logits, loss.mends) for loss in found[:-1] if loss is not None] == [
        (name, kind, logits, mends) for _, name, kind, logits, mends in LOSSES
    ]
    assert [event.labels for event in journal.trainings] == [(1,)] * len(LOSSES) + [()]


@pytest.mark.parametrize("keras", ["2", "3"])
def test_keras_goes_back_to_the_logits_behind_a_sigmoid_and_only_there(
    tmp_path: Path, alpaca: Assignment, keras: str
) -> None:
    """The fact that TL304 rests on: only a sigmoid that comes last is seen through, and not by `tf.nn`."""
    logits = "losses.BinaryCrossentropy(from_logits=True)"
    cells = [
        TINY,
        f"tiny({logits})",
        f"tiny({logits}, 'sigmoid')",
        f"tiny({logits}, tf.nn.sigmoid)",
        f"tiny({logits}, wrap=layers.Activation('sigmoid'))",
        f"tiny({logits}, 'sigmoid', wrap=layers.Rescaling(1.0))",
        "tiny(tf.nn.sigmoid_cross_entropy_with_logits, 'sigmoid')",
    ]
    journal = left_by(tmp_path, cells, alpaca, keras, "full")
    values = [event.loss for event in journal.trainings]
    right = values[0]
    assert right is not None
    assert [value == pytest.approx(right, rel=1e-4) for value in values] == [True, True, True, True, False, False]


# --- learning rates ------------------------------------------------------------------------------------------

RATE_CELLS = {
    "plain": "tiny('bce', 'sigmoid', tf.keras.optimizers.Adam(0.01))",
    "text": "tiny('bce', 'sigmoid', 'sgd')",
    "schedule": "tiny('bce', 'sigmoid', tf.keras.optimizers.SGD(falling))",
    "callback": "tiny('bce', 'sigmoid', 'sgd', callbacks=setting(lambda epoch: 0.125))",
    "lowered_later": """
later = setting(lambda epoch, rate: rate if epoch < 2 else rate / 10)
tiny('bce', 'sigmoid', tf.keras.optimizers.SGD(0.25), callbacks=later, epochs=4)
""",
}
ONLY_KERAS_2 = {
    "lr": "tiny('bce', 'sigmoid', tf.keras.optimizers.Adam(lr=0.5))",
    "legacy_lr": "tiny('bce', 'sigmoid', tf.keras.optimizers.legacy.Adam(lr=0.5))",
    "legacy_schedule": "tiny('bce', 'sigmoid', tf.keras.optimizers.legacy.SGD(falling))",
}


@pytest.mark.parametrize("training", ["bounded", "full"])
@pytest.mark.parametrize("keras", ["2", "3"])
def test_the_rate_of_the_first_update_is_found_whoever_set_it(
    tmp_path: Path, alpaca: Assignment, keras: str, training: str
) -> None:
    cells = {**RATE_CELLS, **(ONLY_KERAS_2 if keras == "2" else {})}
    journal = left_by(tmp_path, [TINY, *cells.values()], alpaca, keras, training)
    found = {
        name: (event.first_rate if event.first_rate is not None else event.learning_rate, rate_from(event))
        for name, event in zip(cells, journal.trainings, strict=True)
    }
    assert found["plain"] == (pytest.approx(0.01), "optimizer")
    assert found["text"] == (pytest.approx(0.01), "optimizer")
    assert found["schedule"] == (pytest.approx(0.5), "schedule")
    assert found["callback"] == (pytest.approx(0.125), "callback")
    assert found["lowered_later"] == (pytest.approx(0.25), "optimizer")
    if keras == "2":
        # The new optimizers of Keras 2 would log a warning and keep their default; the old ones obey.
        assert found["lr"] == (pytest.approx(0.5), "optimizer")
        assert found["legacy_lr"] == (pytest.approx(0.5), "optimizer")
        assert found["legacy_schedule"] == (pytest.approx(0.5), "schedule")


# --- whole notebooks -----------------------------------------------------------------------------------------

SUBCLASS = """
class Net(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.out = tf.keras.layers.Dense(1)
        self.drop = tf.keras.layers.Dropout(0.2)
        self.base = base_model

    def call(self, x, training=False):
        x = self.base(x, training=False)
        x = tf.reduce_mean(x, axis=[1, 2])
        return tf.nn.sigmoid(self.out(self.drop(x, training=training)))

base_model.trainable = False
model = Net()
falling = tf.keras.optimizers.schedules.ExponentialDecay(1e-3, 100, 0.9)
model.compile(tf.keras.optimizers.Adam(falling), "binary_crossentropy")
model.fit(images, labels)
"""
FINE_TUNE = """
base_model.trainable = True
for layer in base_model.layers[:120]:
    layer.trainable = False
model.compile(tf.keras.optimizers.Adam(1e-3), "binary_crossentropy")
model.fit(images, labels, callbacks=[tf.keras.callbacks.LearningRateScheduler(lambda epoch: 5e-5)])
"""
TOML = """
schema = 1
title = "A head"
[base]
application = "MobileNetV2"
input_shape = [96, 96, 3]
[[checks]]
code = "TL204"
points = 1
[[checks]]
code = "TL303"
points = 1
dropout = 0.2
units = [1, 2]
[[checks]]
code = "TL304"
points = 1
[[checks]]
code = "TL305"
points = 1
"""


@pytest.fixture
def heads_only(tmp_path: Path) -> Assignment:
    """An assignment with these four checks."""
    folder = tmp_path / "heads"
    (folder / "dataset" / "class").mkdir(parents=True)
    (folder / "assignment.toml").write_text(TOML)
    write_notebook(folder / "starter.ipynb", [SETUP])
    return Assignment.load(folder)


@pytest.mark.parametrize("keras", ["2", "3"])
def test_a_subclassed_model_whose_call_computes_in_code_is_judged_by_what_it_does(
    tmp_path: Path, heads_only: Assignment, keras: str
) -> None:
    graded = grade_cells(tmp_path, [SETUP, SUBCLASS, FINE_TUNE], heads_only, keras)
    assert [(check.code, check.outcome, check.findings) for check in graded.report.checks] == [
        (code, Outcome.PASSED, ()) for code in ("TL204", "TL303", "TL304", "TL305")
    ]
    tuning = graded.evidence.phase("fine-tuning")
    assert tuning is not None
    assert tuning.learning_rate == pytest.approx(5e-5)
    assert tuning.rate_from == "callback"


@pytest.mark.parametrize("keras", ["2", "3"])
def test_a_loss_that_does_not_fit_the_labels_fails_although_the_training_broke(
    tmp_path: Path, heads_only: Assignment, keras: str
) -> None:
    two_outputs = """
base_model.trainable = False
inputs = tf.keras.Input((96, 96, 3))
x = tf.keras.layers.Dropout(0.2)(tf.keras.layers.GlobalAveragePooling2D()(base_model(inputs, training=False)))
model = tf.keras.Model(inputs, tf.keras.layers.Dense(2, activation="softmax")(x))
model.compile("adam", "binary_crossentropy")
model.fit(images, labels)
"""
    report = grade_cells(tmp_path, [SETUP, two_outputs], heads_only, keras).report
    assert [finding.message for finding in result_of(report, "TL304").findings] == [
        "The loss `binary_crossentropy` compares each of the model's 2 outputs with a label of its own, and there is 1 "
        "label number an image."
    ]
    assert outcomes(report, Outcome.PASSED) == {"TL303", "TL305"}


def test_lr_means_the_learning_rate_in_keras_2_as_it_once_did(tmp_path: Path, heads_only: Assignment) -> None:
    functional = """
base_model.trainable = False
inputs = tf.keras.Input((96, 96, 3))
x = tf.keras.layers.Dropout(0.2)(tf.keras.layers.GlobalAveragePooling2D()(base_model(inputs, training=False)))
model = tf.keras.Model(inputs, tf.keras.layers.Dense(1, activation="sigmoid")(x))
model.compile("adam", loss)
model.fit(images, labels)
"""
    tuning = """
base_model.trainable = True
model.compile(tf.keras.optimizers.Adam(lr=1e-5), loss)
model.fit(images, labels)
"""
    report = grade_cells(tmp_path, [SETUP, functional, tuning], heads_only, "2").report
    assert result_of(report, "TL204").outcome is Outcome.PASSED
    assert [note.text for note in report.notes if "`lr=`" in note.text] == [
        "`lr=` of an optimizer was taken for `learning_rate=`, as Keras did before TensorFlow 2.11. Since then it is "
        "ignored, and from Keras 3 on refused: write `learning_rate=`."
    ]
    assert result_of(report, "TL304").outcome is Outcome.WARNED

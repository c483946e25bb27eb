"""What reaches the base and how the model answers probes, on notebooks that are run for real."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from grader.assignment import Assignment
from grader.results import Outcome
from tests.notebooks import ROOT, grade_cells, result_of

TOML = """
schema = 1
title = "Probing"
[base]
application = "MobileNetV2"
input_shape = [96, 96, 3]
[files]
hidden = "hidden"
"""
SETUP = """
import tensorflow as tf
from tensorflow.keras.applications import EfficientNetB0, MobileNetV2, ResNet50
from tensorflow.keras.applications.mobilenet_v2 import preprocess_input

def load(labels="categorical"):
    return tf.keras.utils.image_dataset_from_directory(
        "dataset", image_size=(96, 96), batch_size=8, label_mode=labels, seed=3)

def head(x, inputs):
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(2, activation="softmax")(x))
    model.compile("adam", "categorical_crossentropy")
    return model

data = load()
inputs = tf.keras.Input((96, 96, 3))
"""
BASE = """
base = MobileNetV2(input_shape=(96, 96, 3), include_top=False, weights="imagenet")
base.trainable = False
"""


def assignment(folder: Path, *codes: str) -> Assignment:
    """An assignment with these checks, on the drawn images."""
    folder.mkdir()
    for name in ("dataset", "hidden"):
        shutil.copytree(ROOT / "assignments" / "alpaca-mobilenetv2" / "dataset", folder / name)
    checks = "".join(f'[[checks]]\ncode = "{code}"\npoints = 1\n' for code in codes)
    (folder / "assignment.toml").write_text(TOML + checks)
    nbformat.write(new_notebook(cells=[new_code_cell(SETUP)]), folder / "starter.ipynb")
    return Assignment.load(folder)


both = pytest.mark.parametrize("keras", ["2", "3"])


@both
def test_right_values_pass_in_a_flattened_model_and_in_its_clone(tmp_path: Path, keras: str) -> None:
    build = """
x = tf.keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs)
base = MobileNetV2(input_tensor=x, include_top=False, weights="imagenet")
base.trainable = False
first = head(base.output, inputs)
first.fit(data)
model = tf.keras.models.clone_model(first)
model.set_weights(first.get_weights())
model.compile("adam", "categorical_crossentropy")
model.fit(data, validation_data=data.take(1))
"""
    given = assignment(tmp_path / "a", "TL301", "TL402")
    graded = grade_cells(tmp_path, [SETUP, build], given, keras)
    assert {check.outcome for check in graded.report.checks} == {Outcome.PASSED}
    seen = {(one.mode, one.source) for one in graded.evidence.probes.arrivals}
    assert seen == {("training", "fit"), ("prediction", "validation")}
    assert graded.evidence.probes.expected is not None
    assert graded.evidence.probes.expected.by == "mobilenet_v2.preprocess_input"


@both
def test_images_that_are_scaled_again_for_predict_fail_there(tmp_path: Path, keras: str) -> None:
    build = (
        BASE
        + """
model = head(base(preprocess_input(inputs), training=False), inputs)
model.fit(data, validation_data=data.take(1))
"""
    )
    given = assignment(tmp_path / "a", "TL301")
    predict = "images = next(iter(data))[0]\nmodel.predict(images)\nmodel.predict(images / 255.0)"
    result = result_of(grade_cells(tmp_path, [SETUP, build, predict], given, keras).report, "TL301")
    assert result.outcome is Outcome.FAILED
    [finding] = result.findings
    assert finding.message.startswith("In `predict`, values from -")
    assert finding.message.endswith(
        "reach `MobileNetV2`, which expects -1 to 1: the pixels were scaled twice, so that nearly nothing is left of "
        "their differences. In training the values are right, so the model sees different images there."
    )
    assert finding.location is not None
    assert (finding.location.cell, finding.location.line) == (3, 3)


@both
def test_a_full_training_in_graph_mode_is_judged_by_examples_of_its_data(tmp_path: Path, keras: str) -> None:
    build = (
        BASE
        + """
model = head(base(inputs / 255.0, training=False), inputs)
model.fit(data.take(1), validation_data=data.take(1))
"""
    )
    given = assignment(tmp_path / "a", "TL301", "TL403")
    graded = grade_cells(tmp_path, [SETUP, build], given, keras, training="full")
    result = result_of(graded.report, "TL301")
    assert result.outcome is Outcome.FAILED
    assert result.findings[0].message.startswith("In training and in validation, values from 0.")
    assert result.findings[0].message.endswith("which expects -1 to 1: the pixels were divided by 255.")
    accuracy = graded.evidence.probes.accuracy
    assert accuracy is not None
    assert accuracy.total == 40
    assert [finding.message for finding in result_of(graded.report, "TL403").findings] == [
        "No real pretrained weights were there, so the accuracy says nothing about the notebook."
    ]


@both
@pytest.mark.parametrize(
    ("application", "given_to_it", "fault"),
    [
        ("ResNet50", "tf.keras.applications.resnet50.preprocess_input(inputs)", ""),
        ("ResNet50", "inputs", "the pixels are not scaled at all."),
        ("ResNet50", "inputs / 255.0", "the pixels were divided by 255."),
        ("EfficientNetB0", "inputs", ""),
        ("EfficientNetB0", "preprocess_input(inputs)", "the pixels were scaled to -1 to 1."),
    ],
)
def test_each_base_has_a_range_of_its_own(
    tmp_path: Path, application: str, given_to_it: str, fault: str, keras: str
) -> None:
    build = f"""
base = {application}(input_shape=(96, 96, 3), include_top=False, weights=None)
base.trainable = False
model = head(base({given_to_it}, training=False), inputs)
model.predict(next(iter(data))[0])
model.fit(data)
"""
    given = assignment(tmp_path / "a", "TL301")
    result = result_of(grade_cells(tmp_path, [SETUP, build], given, keras).report, "TL301")
    assert result.outcome is (Outcome.FAILED if fault else Outcome.PASSED), result.findings
    if fault:
        assert result.findings[0].message.endswith(fault)


@both
def test_augmentation_that_is_forced_on_acts_in_prediction_where_keras_lets_it(tmp_path: Path, keras: str) -> None:
    build = (
        BASE
        + """
flip = tf.keras.Sequential([tf.keras.layers.RandomFlip("horizontal")], name="flip")
x = preprocess_input(flip(inputs, training=True))
model = head(base(x, training=False), inputs)
model.fit(data)
"""
    )
    given = assignment(tmp_path / "a", "TL302", "TL402")
    report = grade_cells(tmp_path, [SETUP, build], given, keras).report
    result = result_of(report, "TL302")
    if keras == "2":
        assert result.outcome is Outcome.FAILED
        assert result.findings[0].message == (
            "The model changes images at random in prediction too: `flip` is called with `training=True`. "
            "One image has another answer each time."
        )
    else:
        assert result.outcome is Outcome.WARNED
        assert result_of(report, "TL402").outcome is Outcome.PASSED


@both
def test_augmentation_in_the_data_counts_and_a_trial_of_it_does_not(tmp_path: Path, keras: str) -> None:
    build = BASE + "model = head(base(preprocess_input(inputs), training=False), inputs)"
    flip = """
flip = tf.keras.Sequential([tf.keras.layers.RandomFlip("horizontal")])
flip(next(iter(data))[0][:1], training=True)
"""
    given = assignment(tmp_path / "a", "TL302")
    cells = [SETUP, build, flip, "model.fit(data)"]
    result = result_of(grade_cells(tmp_path, cells, given, keras).report, "TL302")
    assert [finding.message for finding in result.findings] == [
        "Images reach the base the same way each time in training, and no random step in the data was seen."
    ]
    cells[-1] = "model.fit(data.map(lambda x, y: (flip(x, training=True), y)))"
    assert result_of(grade_cells(tmp_path, cells, given, keras).report, "TL302").outcome is Outcome.PASSED


@both
def test_a_generator_that_changes_validation_images_too_is_worth_a_word(tmp_path: Path, keras: str) -> None:
    build = (
        BASE
        + """
model = head(base(inputs, training=False), inputs)
generator = tf.keras.preprocessing.image.ImageDataGenerator(
    preprocessing_function=preprocess_input, rotation_range=20, validation_split=0.5)
parts = [generator.flow_from_directory("dataset", target_size=(96, 96), batch_size=8, subset=name)
         for name in ("training", "validation")]
model.fit(parts[0], validation_data=parts[1])
"""
    )
    given = assignment(tmp_path / "a", "TL301", "TL302")
    report = grade_cells(tmp_path, [SETUP, build], given, keras).report
    assert result_of(report, "TL301").outcome is Outcome.PASSED
    result = result_of(report, "TL302")
    assert result.outcome is Outcome.WARNED
    assert result.findings[0].message == (
        "The validation images come from an `ImageDataGenerator` that changes them at random (`rotation_range`), so "
        "validation measures something else than prediction."
    )


@both
def test_a_base_in_training_mode_shows_in_predict_on_keras_2_alone(tmp_path: Path, keras: str) -> None:
    build = """
base = MobileNetV2(input_shape=(96, 96, 3), include_top=False, weights="imagenet")
model = head(base(preprocess_input(inputs), training=True), inputs)
model.fit(data)
"""
    given = assignment(tmp_path / "a", "TL402")
    graded = grade_cells(tmp_path, [SETUP, build], given, keras)
    result = result_of(graded.report, "TL402")
    assert result.outcome is (Outcome.FAILED if keras == "2" else Outcome.PASSED)
    if keras == "2":
        assert "The base is called with `training=True`" in result.findings[0].message
        assert result.findings[0].fix == "Pass `training=False` where the base is called."


@both
def test_a_traced_training_loop_tells_what_runs_through_it(tmp_path: Path, keras: str) -> None:
    build = (
        BASE
        + """
x = tf.keras.layers.RandomFlip("horizontal")(inputs)
model = head(base(x, training=False), inputs)
optimizer, loss = tf.keras.optimizers.Adam(), tf.keras.losses.CategoricalCrossentropy()

@tf.function
def step(images, labels):
    with tf.GradientTape() as tape:
        value = loss(labels, model(images / 255.0, training=True))
    variables = model.trainable_variables
    optimizer.apply_gradients(zip(tape.gradient(value, variables), variables))

for images, labels in data.take(2):
    step(images, labels)
model.save("model.keras")
"""
    )
    given = assignment(tmp_path / "a", "NB001", "TL301", "TL302", "TL402")
    report = grade_cells(tmp_path, [SETUP, build], given, keras).report
    for code in ("NB001", "TL302", "TL402"):
        assert result_of(report, code).outcome is Outcome.PASSED
    [finding] = result_of(report, "TL301").findings
    assert finding.message.startswith("In the training loop, values from 0")
    assert finding.message.endswith("reach `MobileNetV2`, which expects -1 to 1: the pixels were divided by 255.")


def test_nothing_is_asked_of_the_model_that_no_check_wants(tmp_path: Path) -> None:
    given = assignment(tmp_path / "a", "NB001")
    evidence = grade_cells(tmp_path, ["import tensorflow as tf"], given).evidence
    assert "probe" not in evidence.timing
    assert evidence.probes.unprobed == {}

"""Every pretrained network that a course may use gets the verdicts that MobileNetV2 gets: the right notebook passes on
Keras 3, and the one that forgets `training=False` is caught on Keras 2, where nothing else tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.assignment import Assignment, CheckSpec
from grader.results import Outcome
from tests.notebooks import grade_cells, outcomes, result_of

JUDGED = ("NB001", "NB002", "TL101", "TL102", "TL103", "TL201", "TL202", "TL203", "TL204", "TL205", "TL301", "TL303",
          "TL304", "TL305", "TL401", "TL402")  # fmt: skip


@dataclass(frozen=True)
class Network:
    """One of `keras.applications`.

    Args:
        module: that it lies in, with its `preprocess_input`.
        size: height and width of the images, in pixels.
        start: first layer that is fine-tuned.
        batchnorm: whether it has any.
    """

    module: str
    size: int
    start: int
    batchnorm: bool = True


NETWORKS = {
    "MobileNet": Network("mobilenet", 96, 70),
    "MobileNetV3Small": Network("mobilenet_v3", 96, 150),
    "EfficientNetB0": Network("efficientnet", 96, 200),
    "EfficientNetV2B0": Network("efficientnet_v2", 96, 230),
    "ResNet50": Network("resnet50", 96, 143),
    "ResNet50V2": Network("resnet_v2", 96, 154),
    "DenseNet121": Network("densenet", 96, 313),
    "InceptionV3": Network("inception_v3", 96, 249),
    "Xception": Network("xception", 96, 116),
    "NASNetMobile": Network("nasnet", 224, 700),
    "VGG16": Network("vgg16", 96, 15, batchnorm=False),
    "ConvNeXtTiny": Network("convnext", 96, 125, batchnorm=False),
}


def assignment_for(name: str, alpaca: Assignment) -> Assignment:
    """The shipped assignment's rubric, on this network."""
    network = NETWORKS[name]
    start = {"TL202": {"start": network.start}}
    checks = [
        CheckSpec(**{**spec.model_dump(), **start.get(spec.code, {})}) for spec in alpaca.checks if spec.code in JUDGED
    ]
    base = alpaca.base.model_copy(update={"application": name, "input_shape": (network.size, network.size, 3)})
    limits = alpaca.limits.model_copy(update={"cell": 200.0, "run": 280.0})
    return alpaca.model_copy(update={"checks": tuple(checks), "base": base, "limits": limits})


def cells(name: str, call: str) -> list[str]:
    """The textbook notebook, with the base called like this."""
    network = NETWORKS[name]
    shape = f"({network.size}, {network.size}, 3)"
    compiled = "loss=loss, metrics=['accuracy'])"
    return [
        f"""import numpy as np
import tensorflow as tf
from tensorflow.keras import Input, Model, layers
from tensorflow.keras.applications import {name}
from tensorflow.keras.applications.{network.module} import preprocess_input
pixels = np.random.default_rng(1).uniform(0, 255, (4, *{shape})).astype("float32")
pixels[0], pixels[1] = 0, 255
labels = np.array([[0.0], [1.0]] * 2, "float32")
loss = tf.keras.losses.BinaryCrossentropy(from_logits=True)
base_model = {name}(input_shape={shape}, include_top=False, weights="imagenet")""",
        f"""base_model.trainable = False
inputs = Input({shape})
x = {call}
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dropout(0.2)(x)
model = Model(inputs, layers.Dense(1)(x))
model.compile(optimizer=tf.keras.optimizers.Adam(1e-3), {compiled}
history = model.fit(pixels, labels, epochs=5)""",
        f"""base_model.trainable = True
for layer in base_model.layers[:{network.start}]:
    layer.trainable = False
model.compile(optimizer=tf.keras.optimizers.Adam(1e-4), {compiled}
model.fit(pixels, labels, epochs=10, initial_epoch=history.epoch[-1])""",
    ]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_right_notebook_passes(alpaca: Assignment, tmp_path: Path, name: str) -> None:
    call = "base_model(preprocess_input(inputs), training=False)"
    report = grade_cells(tmp_path, cells(name, call), assignment_for(name, alpaca), "3").report
    assert outcomes(report, Outcome.FAILED, Outcome.ERROR) == set()
    # What Keras 3 does to the statistics over the student's right code.
    assert outcomes(report, Outcome.WARNED) == ({"TL203"} if NETWORKS[name].batchnorm else set())
    assert outcomes(report, Outcome.SKIPPED) == (set() if NETWORKS[name].batchnorm else {"TL103", "TL203"})
    assert report.score == report.max_score


@pytest.mark.parametrize("name", NETWORKS)
def test_the_forgotten_flag_is_caught(alpaca: Assignment, tmp_path: Path, name: str) -> None:
    call = "base_model(preprocess_input(inputs))"
    report = grade_cells(tmp_path, cells(name, call), assignment_for(name, alpaca), "2").report
    if NETWORKS[name].batchnorm:
        assert outcomes(report, Outcome.FAILED, Outcome.ERROR) == {"TL103", "TL203"}
    else:
        assert outcomes(report, Outcome.FAILED, Outcome.ERROR) == set()
        message = f"`{name}` has no BatchNorm layers, so `training=False` changes nothing in them."
        assert [finding.message for finding in result_of(report, "TL103").findings] == [message]


def test_a_network_that_was_not_asked_for_is_told(alpaca: Assignment, tmp_path: Path) -> None:
    call = "base_model(preprocess_input(inputs), training=False)"
    asked = assignment_for("MobileNet", alpaca)
    asked = asked.model_copy(update={"base": asked.base.model_copy(update={"application": "MobileNetV2"})})
    report = grade_cells(tmp_path, cells("MobileNet", call), asked, "2").report
    assert outcomes(report, Outcome.WARNED) == {"NB002"}
    message = "The model is built on `MobileNet`, and the assignment asks for `MobileNetV2`."
    assert [finding.message for finding in result_of(report, "NB002").findings] == [message]
    assert outcomes(report, Outcome.FAILED, Outcome.SKIPPED, Outcome.ERROR) == set()

"""Weights that are put into a network without HDF5 are those that Keras itself would have read."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment import Assignment
from tests.notebooks import grade_cells

FILE = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_160_no_top.h5"
WATCH = """
import h5py
import numpy as np
import tensorflow as tf
opened = []
class Watched(h5py.File):
    def __init__(self, name, *args, **kwargs):
        opened.append(str(name).rsplit("/", 1)[-1])
        super().__init__(name, *args, **kwargs)
h5py.File = Watched
def network(weights):
    return tf.keras.applications.MobileNetV2(input_shape=(160, 160, 3), include_top=False, weights=weights)
"""


@pytest.mark.parametrize("keras", ["2", "3"])
def test_they_are_keras_own_to_the_last_bit(alpaca: Assignment, tmp_path: Path, keras: str) -> None:
    cells = [
        WATCH,
        f"""
quick = [network("imagenet"), network({FILE!r}), network(None)]
quick[-1].trainable = False
quick[-1].load_weights({FILE!r})
assert opened == [], opened
""",
        f"""
slow = network(None)
slow.load_weights({FILE!r}, by_name=True)
assert opened == [{FILE!r}], opened
for model in quick:
    for one, other in zip(model.weights, slow.weights, strict=True):
        assert np.array_equal(one.numpy(), other.numpy()), one.name
""",
    ]
    graded = grade_cells(tmp_path, cells, alpaca, keras)
    assert [cell.error for cell in graded.evidence.notebook.cells] == [None] * 3


@pytest.mark.parametrize("keras", ["2", "3"])
def test_where_they_do_not_fit_keras_has_its_say(alpaca: Assignment, tmp_path: Path, keras: str) -> None:
    cells = [
        WATCH,
        f"small = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(2)])\nsmall.load_weights({FILE!r})",
    ]
    error = grade_cells(tmp_path, cells, alpaca, keras).evidence.notebook.cells[1].error
    assert error is not None
    assert error.name == "ValueError"
    assert "Layer count mismatch when loading weights from file. Model expected 1 layers" in error.message

"""Variables that are made quickly are variables like any others, whatever names they have."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment import Assignment
from tests.notebooks import grade_cells

CELLS = [
    """
import numpy as np
import tensorflow as tf
from tensorflow.python.ops import gen_resource_variable_ops
same = [tf.Variable([1.0, 2.0], name=name) for name in ("first", "second")]
same[0].assign([5.0, 6.0])
assert same[1].numpy().tolist() == [1.0, 2.0]
assert [variable.name for variable in same] == ["first:0", "second:0"]
other = tf.Variable([1, 2], name="first")
assert (other.dtype, other.numpy().tolist()) == (tf.int32, [1, 2])
assert gen_resource_variable_ops.var_handle_op.__name__ == "var_handle_op"
""",
    """
def built(name):
    inputs = tf.keras.Input((4, 4, 3))
    x = tf.keras.layers.BatchNormalization(name=f"{name}_bn")(tf.keras.layers.Conv2D(3, 1, name=f"{name}_conv")(inputs))
    return tf.keras.Model(inputs, tf.keras.layers.Dense(1, name="head")(tf.keras.layers.Flatten()(x)))

one, two = built("a"), built("b")
two.set_weights([weight + 1 for weight in one.get_weights()])
assert all(np.allclose(b - a, 1) for a, b in zip(one.get_weights(), two.get_weights(), strict=True))
assert "a_conv" in getattr(one.weights[0], "path", one.weights[0].name)
two.save_weights("two.weights.h5")
one_again = built("b")
one_again.load_weights("two.weights.h5")
assert all(np.array_equal(a, b) for a, b in zip(one_again.get_weights(), two.get_weights(), strict=True))
""",
    """
class Counter(tf.Module):
    def __init__(self):
        self.made = None

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
    def add(self, value):
        if self.made is None:
            self.made = tf.Variable(10.0, name="made")
        return self.made.assign_add(value)

counter = Counter()
assert [float(counter.add(1.0)), float(counter.add(2.0))] == [11.0, 13.0]
tf.saved_model.save(counter, "counter")
again = tf.saved_model.load("counter")
assert (float(again.add(1.0)), float(counter.made)) == (14.0, 13.0)
checkpoint = tf.train.Checkpoint(made=counter.made)
path = checkpoint.save("here")
assert "made/.ATTRIBUTES/VARIABLE_VALUE" in dict(tf.train.list_variables(path))
""",
    "same[1].assign([1.0, 2.0, 3.0])",
]


@pytest.mark.parametrize("keras", ["2", "3"])
def test_each_has_its_own_value_and_name(alpaca: Assignment, tmp_path: Path, keras: str) -> None:
    cells = grade_cells(tmp_path, CELLS, alpaca, keras).evidence.notebook.cells
    assert [cell.error for cell in cells[:3]] == [None] * 3
    assert cells[3].error is not None
    assert "second:0': Shape mismatch" in cells[3].error.message


@pytest.mark.parametrize("keras", ["2", "3"])
def test_those_of_one_type_and_shape_are_prepared_once(alpaca: Assignment, tmp_path: Path, keras: str) -> None:
    cell = """
import tensorflow as tf
from tensorflow.python import pywrap_tfe
execute, asked = pywrap_tfe.TFE_Py_FastPathExecute, set()
def watched(context, operation, *rest):
    if operation == "VarHandleOp":
        asked.add(str(rest[1:]))
    return execute(context, operation, *rest)
pywrap_tfe.TFE_Py_FastPathExecute = watched
for number in range(20):
    tf.Variable(tf.zeros((2, 3)), name=f"number_{number}")
pywrap_tfe.TFE_Py_FastPathExecute = execute
assert len(asked) == 1, asked
"""
    (only,) = grade_cells(tmp_path, [cell], alpaca, keras).evidence.notebook.cells
    assert only.error is None

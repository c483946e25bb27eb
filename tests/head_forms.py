"""Heads in every form that a notebook may write them in, as cells that build one named model each.

One notebook holds them all, so that a single run tells of every form.
"""

from __future__ import annotations

from pathlib import Path

from grader.assignment import Assignment
from grader.evidence import Head
from grader.examine.bases import find_base
from grader.examine.journal import read_journal
from grader.examine.outline import outline
from grader.examine.tree import ModelTree
from grader.grade import Options, grade
from grader.submission import load_submission
from tests.notebooks import write_notebook

__all__ = ["forms_of", "outlines"]

SETUP = """
import tensorflow as tf
from tensorflow.keras import layers
from tensorflow.keras.layers import Activation, AveragePooling2D, Concatenate, Conv2D, Dense, Dropout, Flatten, Lambda
from tensorflow.keras.layers import GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPooling2D, Reshape, Softmax
from tensorflow.keras.applications import MobileNetV2

images = tf.random.uniform((2, 96, 96, 3), -1.0, 1.0, seed=3)
base = MobileNetV2(input_shape=(96, 96, 3), include_top=False, weights="imagenet")
pooled_base = MobileNetV2(input_shape=(96, 96, 3), include_top=False, weights="imagenet", pooling="avg")
kept = []


def model_of(head, name, base=base):
    inputs = tf.keras.Input((96, 96, 3))
    kept.append(tf.keras.Model(inputs, head(base(inputs, training=False)), name=name))
"""

HEADS = {
    "global_average": "Dense(1)(Dropout(0.2)(GlobalAveragePooling2D()(x)))",
    "global_max": "Dense(1)(GlobalMaxPooling2D()(x))",
    "keepdims": "Dense(1)(Flatten()(GlobalAveragePooling2D(keepdims=True)(x)))",
    "average_whole_map": "Dense(1)(Flatten()(AveragePooling2D((3, 3))(x)))",
    "average_part_of_map": "Dense(1)(Flatten()(AveragePooling2D(2, strides=1)(x)))",
    "max_of_part_same": "Dense(1)(Flatten()(MaxPooling2D(2, padding='same')(x)))",
    "flatten": "Dense(2, activation='softmax')(Flatten()(x))",
    "reshape": "Dense(1)(Reshape((-1,))(x))",
    "both": "Dense(1)(Concatenate()([GlobalAveragePooling2D()(x), GlobalMaxPooling2D()(x)]))",
    "lambda_mean": "Dense(1)(Lambda(lambda t: tf.reduce_mean(t, axis=[1, 2]))(x))",
    "lambda_max": "Dense(1)(Lambda(lambda t: tf.reduce_max(t, axis=(1, 2)))(x))",
    "lambda_other": "Dense(1)(Lambda(lambda t: t[:, 0, 0, :])(x))",
    "lambda_never_run": "Dense(1)(Lambda(lambda t: tf.reduce_mean(t, axis=[1, 2]))(x))",
    "no_pooling": "Dense(1)(x)",
    "convolution_head": "GlobalAveragePooling2D()(Conv2D(2, 1, activation='softmax')(x))",
    "multiplied": "Dense(1)(GlobalAveragePooling2D()(x)) * 2.0",
    "softmax_layer": "Softmax()(Dense(2)(GlobalAveragePooling2D()(x)))",
    "own_activation": "Dense(1, activation=lambda t: t / 2)(GlobalAveragePooling2D()(x))",
    "activations_function": "tf.keras.activations.sigmoid(Dense(1)(GlobalAveragePooling2D()(x)))",
}
"""What each head makes of the feature map `x`."""
RUN_ONCE = ("lambda_mean", "lambda_max", "lambda_other")
"""A `Lambda` shows what it does only once it is run."""
HEADS_2 = {
    "operations": "tf.nn.sigmoid(Dense(1)(tf.reduce_mean(x, axis=[1, 2])))",
    "backend": "Dense(1)(tf.keras.backend.max(x, axis=(1, 2)))",
}
HEADS_3 = {
    "operations": "keras.ops.sigmoid(Dense(1)(keras.ops.mean(x, axis=(1, 2))))",
    "negative_axes": "Dense(1)(keras.ops.max(x, axis=(-3, -2)))",
}
CELLS = {
    "pooled_base": """
model_of(lambda x: Dense(1, activation='sigmoid')(x), NAME, pooled_base)
""",
    "nested_head": """
inner = tf.keras.Sequential([GlobalAveragePooling2D(), Dropout(0.3), Dense(1), Activation("sigmoid")])
model_of(inner, NAME)
""",
    "nested_features": """
inputs = tf.keras.Input((96, 96, 3))
features = tf.keras.Model(inputs, GlobalAveragePooling2D()(base(inputs, training=False)))
outer = tf.keras.Input((96, 96, 3))
kept.append(tf.keras.Model(outer, Dense(1)(features(outer)), name=NAME))
""",
    "flattened": """
x = GlobalMaxPooling2D()(base.output)
x = Dropout(0.5)(x)
kept.append(tf.keras.Model(base.input, Dense(1, activation=tf.nn.sigmoid)(x), name=NAME))
""",
    "flattened_pooled": """
x = Dropout(0.5)(pooled_base.output)
kept.append(tf.keras.Model(pooled_base.input, Dense(1)(x), name=NAME))
""",
    "sequential": """
head = [GlobalAveragePooling2D(), Dropout(0.2), Dense(2, activation="softmax")]
inputs = tf.keras.Input((96, 96, 3))
kept.append(tf.keras.Sequential([inputs, layers.Rescaling(1.0), base, *head], name=NAME))
""",
    "subclassed": """
class Net(tf.keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.out = Dense(1, activation="sigmoid")
        self.drop = Dropout(0.25)
        self.pool = GlobalAveragePooling2D()
        self.base = base

    def call(self, x, training=None):
        x = self.base(x, training=False)
        return self.out(self.drop(self.pool(x), training=training))

kept.append(Net(name=NAME))
kept[-1](images)
""",
    "subclassed_code": """
class CodeNet(tf.keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.base = base
        self.out = Dense(1)

    def call(self, x):
        x = self.base(x * 1.0, training=False)
        return tf.nn.sigmoid(self.out(tf.reduce_mean(x, axis=[1, 2])))

kept.append(CodeNet(name=NAME))
kept[-1](images)
""",
    "subclassed_branches": """
class TwoWays(tf.keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.base, self.out, self.join = base, Dense(1), Concatenate()
        self.average, self.max = GlobalAveragePooling2D(), GlobalMaxPooling2D()

    def call(self, x):
        x = self.base(x, training=False)
        return self.out(self.join([self.average(x), self.max(x)]))

kept.append(TwoWays(name=NAME))
kept[-1](images)
""",
    "custom_head_layer": """
class Classifier(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.drop = Dropout(0.4)
        self.out = Dense(1)

    def call(self, x):
        return self.out(self.drop(tf.reduce_max(x, axis=[1, 2])))

model_of(Classifier(), NAME)
kept[-1](images)
""",
    "resized": """
inputs = tf.keras.Input((None, None, 3))
x = base(layers.Resizing(96, 96)(inputs), training=False)
kept.append(tf.keras.Model(inputs, Dense(1)(GlobalAveragePooling2D()(x)), name=NAME))
""",
    "shared_dropout": """
drop = Dropout(0.1)
model_of(lambda x: Dense(1)(drop(Dense(8, activation="relu")(drop(GlobalAveragePooling2D()(x))))), NAME)
""",
}
"""Whole cells; NAME stands for the model's name."""


def forms_of(keras: str) -> dict[str, str]:
    """A cell for each form that this Keras allows, by the form's name."""
    heads = {**HEADS, **(HEADS_2 if keras == "2" else HEADS_3)}
    cells = {name: f"model_of(lambda x: {head}, {name!r})" for name, head in heads.items()}
    cells.update({name: f"{cells[name]}\nkept[-1](images)" for name in RUN_ONCE})
    return {**cells, **{name: cell.replace("NAME", repr(name)) for name, cell in CELLS.items()}}


def outlines(folder: Path, assignment: Assignment, keras: str) -> dict[str, dict[str, object]]:
    """What is found of each form, by its name, from one run."""
    forms = forms_of(keras)
    cells = [SETUP, *(["import keras"] if keras == "3" else []), *forms.values()]
    left = folder / "left"
    path = write_notebook(folder / "forms.ipynb", cells)
    graded = grade(load_submission(path), assignment, Options(keras=keras, replay="never", keep_weights=left))  # type: ignore[arg-type]
    broken = {run.cell: run.error for run in graded.evidence.notebook.cells if run.status != "ran"}
    assert not broken, broken
    journal = read_journal(left)
    found = {}
    for name in forms:
        model = next(event for event in reversed(journal.models) if event.name == name)
        base = find_base(journal, ModelTree(journal, model))
        assert base is not None, name
        found[name] = outline(journal, left, model, base)
        assert isinstance(found[name]["head"], Head)
    return found

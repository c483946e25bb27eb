"""Training made short shows the same as all of it: what trains, what moves, and which statistics drift."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.assignment import Assignment
from grader.evidence import Phase
from grader.grade import Options, grade
from grader.results import Outcome
from grader.submission import load_submission
from grader.weights import WeightsStore
from tests.notebooks import grade_cells, grade_file, outcomes, result_of, write_notebook

REFERENCE = Path(__file__).resolve().parent.parent / "reference" / "alpaca-mobilenetv2"

BUILD = """
import numpy as np
import tensorflow as tf
base = tf.keras.applications.MobileNetV2(input_shape=(96, 96, 3), include_top=False, weights="imagenet")
base.trainable = False
inputs = tf.keras.Input((96, 96, 3))
x = base(inputs, training=False)
model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(tf.keras.layers.GlobalAveragePooling2D()(x)))
model.compile("adam", tf.keras.losses.BinaryCrossentropy(from_logits=True), metrics=["accuracy"])
images, labels = np.random.uniform(-1, 1, (12, 96, 96, 3)).astype("float32"), np.array([[0.0], [1.0]] * 6)
dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(4)
"""


def facts(phase: Phase) -> dict[str, object]:
    """What a check looks at."""
    return {
        "role": phase.role,
        "flagged": phase.flagged,
        "trainable": phase.trainable,
        "drifted": tuple(drift.layer for drift in phase.drift),
        "head": (phase.head.tensors, phase.head.trainable, phase.head.moved),
        "continues": phase.continues,
        "learning_rate": phase.learning_rate,
        "epochs": phase.epochs,
        "parameters": phase.trainable_parameters,
    }


@pytest.mark.parametrize("keras", ["2", "3"])
@pytest.mark.parametrize("notebook", ["solution.ipynb", "variants/unfrozen-after-compile.ipynb"])
def test_bounded_and_full_training_show_the_same(alpaca: Assignment, tmp_path: Path, notebook: str, keras: str) -> None:
    # Two epochs are several as well.
    text = (REFERENCE / notebook).read_text(encoding="utf-8").replace("_epochs = 5", "_epochs = 2")
    path = tmp_path / "two-epochs.ipynb"
    path.write_text(text, encoding="utf-8")
    patient = alpaca.model_copy(update={"limits": alpaca.limits.model_copy(update={"run": 280.0, "cell": 200.0})})
    bounded = grade_file(path, patient, keras)
    full = grade_file(path, patient, keras, training="full")
    assert [phase.epochs for phase in full.evidence.phases] == [2, 3]
    assert [facts(phase) for phase in bounded.evidence.phases] == [facts(phase) for phase in full.evidence.phases]
    assert outcomes(bounded.report, Outcome.FAILED) == outcomes(full.report, Outcome.FAILED)
    assert full.evidence.environment.training == "full"


FOLLOWED = """
first = base.weights[0]
first = first if isinstance(first, tf.Variable) else first.value
"""


@pytest.mark.parametrize("keras", ["2", "3"])
def test_gradients_of_frozen_weights_are_left_out_only_where_nobody_can_ask_for_them(
    alpaca: Assignment, tmp_path: Path, keras: str
) -> None:
    cells = [
        BUILD + FOLLOWED,
        "followed = []\n"
        "def loss(labels, predictions):\n"
        "    followed.append(first.trainable)\n"
        "    return tf.reduce_mean((labels - predictions) ** 2, axis=-1)\n"
        "model.compile('adam', loss)\n"
        "model.fit(dataset, epochs=2)\n"
        "assert followed == [False], followed\n",
        "with tf.GradientTape() as tape:\n"
        "    size = tf.reduce_sum(model(images[:2]))\n"
        "assert tape.gradient(size, first) is not None\n",
        "class Curious(tf.keras.Model):\n"
        "    def train_step(self, data):\n"
        "        with tf.GradientTape() as tape:\n"
        "            size = tf.reduce_sum(self(data[0], training=True))\n"
        "        assert tape.gradient(size, first) is not None\n"
        "        return {'loss': size}\n"
        "curious = Curious(model.inputs, model.outputs)\n"
        "curious.compile('adam', 'mse')\n"
        "curious.fit(dataset)\n",
        "class Probing(tf.keras.Model):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.base, self.pool, self.dense = base, tf.keras.layers.Flatten(), tf.keras.layers.Dense(1)\n"
        "    def call(self, images, training=False):\n"
        "        with tf.GradientTape() as tape:\n"
        "            features = self.base(images, training=False)\n"
        "        assert not tf.executing_eagerly() or tape.gradient(features, first) is not None\n"
        "        return self.dense(self.pool(features))\n"
        "probing = Probing()\n"
        "probing.compile('adam', 'mse')\n"
        "probing.fit(dataset)\n",
    ]
    graded = grade_cells(tmp_path, cells, alpaca, keras)
    assert [cell.error for cell in graded.evidence.notebook.cells] == [None] * 5


@pytest.mark.parametrize("keras", ["2", "3"])
def test_a_history_has_the_epochs_that_were_asked_for(alpaca: Assignment, tmp_path: Path, keras: str) -> None:
    cells = [
        BUILD,
        "history = model.fit(dataset, validation_data=dataset, epochs=5)\n"
        "assert history.epoch == [0, 1, 2, 3, 4], history.epoch\n"
        "assert {len(v) for v in history.history.values()} == {5}\n"
        "assert {'loss', 'val_loss', 'accuracy', 'val_accuracy'} <= set(history.history)\n",
        "more = model.fit(dataset, epochs=8, initial_epoch=history.epoch[-1])\n"
        "assert more.epoch == [4, 5, 6, 7], more.epoch\n",
        "split = model.fit(images, labels, validation_split=0.25, epochs=2, batch_size=4)\n"
        "assert 'val_loss' in split.history\n",
    ]
    graded = grade_cells(tmp_path, cells, alpaca, keras)
    assert [cell.error for cell in graded.evidence.notebook.cells] == [None] * 4
    printed = str(graded.notebook.cells[1].outputs)
    shortened = "[shortened by the grader: fit ran 1 step of 2 images in place of"
    assert f"{shortened} 5 epochs; its figures stand for validation too]" in printed
    assert f"{shortened} 4 epochs]" in str(graded.notebook.cells[2].outputs)
    assert sum(phase.epochs or 0 for phase in graded.evidence.phases) == 11


@pytest.mark.parametrize("keras", ["2", "3"])
def test_validation_is_left_out_only_where_training_has_shown_all_of_it(
    alpaca: Assignment, tmp_path: Path, keras: str
) -> None:
    cells = [
        BUILD,
        "class Follower(tf.keras.callbacks.Callback):\n"
        "    def __init__(self):\n        super().__init__()\n        self.called = []\n"
        "    def on_test_begin(self, logs=None):\n        self.called.append('begin')\n"
        "    def on_test_batch_end(self, batch, logs=None):\n        self.called.append('batch')\n"
        "    def on_test_end(self, logs=None):\n        self.called.append('end')\n"
        "follower, best = Follower(), tf.keras.callbacks.EarlyStopping('val_loss', restore_best_weights=True)\n"
        "history = model.fit(dataset, validation_data=dataset, epochs=2, callbacks=[follower, best]).history\n"
        "assert follower.called == ['begin', 'batch', 'end'], follower.called\n"
        "assert history['val_loss'] == history['loss'] and isinstance(history['val_loss'][0], float), history\n"
        "assert history['val_accuracy'] == history['accuracy'], history\n",
        "class Asking(tf.keras.callbacks.Callback):\n"
        "    def on_epoch_end(self, epoch, logs=None):\n"
        "        self.own = self.model.evaluate(images[:1], labels[:1], verbose=0, return_dict=True)['loss']\n"
        "asking = Asking()\n"
        "history = model.fit(dataset, validation_data=dataset, callbacks=[asking], verbose=0).history\n"
        "assert asking.own != history['val_loss'][0]\n",
        "model.fit(dataset, validation_data=(images, np.array([[0.0, 1.0]] * 12)))\n",
        "few = tf.keras.Model(inputs, tf.keras.layers.Dense(3)(tf.keras.layers.Flatten()(inputs)))\n"
        "few.compile('adam', tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))\n"
        "few.fit(images, np.array([0, 1] * 6), validation_data=(images, np.array([0, 7] * 6)))\n",
        "class Testing(tf.keras.Model):\n"
        "    def test_step(self, data):\n        return {'own': tf.constant(42.0)}\n"
        "own = Testing(inputs, model(inputs))\n"
        "own.compile('adam', 'mse')\n"
        "assert own.fit(dataset, validation_data=dataset).history['val_own'] == [42.0]\n",
    ]
    graded = grade_cells(tmp_path, cells, alpaca, keras)
    errors = [cell.error for cell in graded.evidence.notebook.cells]
    assert [error and error.name for error in errors] == [None] * 3 + ["ValueError", "InvalidArgumentError", None]


@pytest.mark.parametrize("keras", ["2", "3"])
def test_the_first_images_of_a_dataset_are_read_once(alpaca: Assignment, tmp_path: Path, keras: str) -> None:
    cells = [
        """
import numpy as np
import tensorflow as tf
starts = 0
def images():
    global starts
    starts += 1
    for number in range(6):
        yield np.full((4, 4, 3), number, np.float32), 1.0
signature = (tf.TensorSpec((4, 4, 3), tf.float32), tf.TensorSpec((), tf.float32))
dataset = tf.data.Dataset.from_generator(images, output_signature=signature).batch(3)
model = tf.keras.Sequential([tf.keras.Input((4, 4, 3)), tf.keras.layers.Flatten(), tf.keras.layers.Dense(1)])
model.compile("adam", "mse")
for _ in range(3):
    model.fit(dataset, epochs=4, validation_data=dataset.map(lambda image, label: (image / 255, label)), verbose=0)
model.evaluate(dataset, verbose=0)
# Once for training, and once for each of the datasets that it was validated with.
assert starts == 4, starts
""",
        """
assert model.predict(dataset, verbose=0).shape == (6, 1)
assert [int(batch.shape[0]) for batch, _ in dataset] == [3, 3]
model.fit(dataset.map(lambda image, label: (image, label)), verbose=0)
assert starts == 7, starts
""",
    ]
    cells_run = grade_cells(tmp_path, cells, alpaca, keras).evidence.notebook.cells
    assert [cell.error for cell in cells_run] == [None, None]


@pytest.mark.parametrize("keras", ["2", "3"])
def test_predictions_and_evaluations_keep_their_shapes(alpaca: Assignment, tmp_path: Path, keras: str) -> None:
    cells = [
        BUILD,
        "assert model.predict(images).shape == (12, 1)\n"
        "assert model.predict(dataset).shape == (12, 1)\n"
        "assert model.predict(images[:1]).shape == (1, 1)\n"
        "assert model.predict((i for i, _ in dataset), steps=3).shape == (12, 1)\n",
        "assert len(model.evaluate(dataset)) == 2\n"
        "assert set(model.evaluate(images, labels, return_dict=True)) >= {'loss', 'accuracy'}\n",
        "def forever():\n    while True:\n        yield images[:4], labels[:4]\n"
        "model.fit(forever(), steps_per_epoch=100, epochs=3)\n"
        "model.fit(dataset.repeat(), steps_per_epoch=100, epochs=3, verbose=0)\n",
        "for _ in range(30):\n    loss = model.train_on_batch(images[:4], labels[:4])\n",
        "class Reader(tf.keras.utils.Sequence):\n"
        "    def __len__(self):\n        return 3\n"
        "    def __getitem__(self, i):\n        return images[4 * i:4 * i + 4], labels[4 * i:4 * i + 4]\n"
        "model.fit(Reader())\nassert model.predict(Reader()).shape == (12, 1)\n",
    ]
    graded = grade_cells(tmp_path, cells, alpaca, keras)
    assert [cell.error for cell in graded.evidence.notebook.cells] == [None] * 6


@pytest.mark.parametrize("keras", ["2", "3"])
def test_weights_that_the_store_lacks_are_made_and_the_notebook_is_run_again(
    alpaca: Assignment, tmp_path: Path, keras: str
) -> None:
    store = WeightsStore(tmp_path / "weights")
    store.ensure("MobileNetV2", [(160, 160, 3)])
    cells = [BUILD, "model.fit(dataset)"]
    submission = load_submission(write_notebook(tmp_path / "notebook.ipynb", cells))
    report = grade(submission, alpaca, Options(keras=keras, replay="never"), store=store).report  # type: ignore[arg-type]
    assert result_of(report, "TL102").outcome is Outcome.PASSED
    assert store.find("mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_96_no_top.h5") is not None


@pytest.mark.parametrize("keras", ["2", "3"])
def test_a_training_loop_of_the_students_own_is_a_phase(alpaca: Assignment, tmp_path: Path, keras: str) -> None:
    cells = [
        BUILD,
        "optimizer = tf.keras.optimizers.Adam(0.002)\n"
        "loss_function = tf.keras.losses.BinaryCrossentropy(from_logits=True)\n"
        "@tf.function\n"
        "def step(x, y):\n"
        "    with tf.GradientTape() as tape:\n"
        "        loss = loss_function(y, model(x, training=False))\n"
        "    gradients = tape.gradient(loss, model.trainable_variables)\n"
        "    optimizer.apply_gradients(zip(gradients, model.trainable_variables))\n"
        "    return loss\n",
        "for x, y in dataset:\n    step(x, y)\n",
    ]
    graded = grade_cells(tmp_path, cells, alpaca, keras)
    assert [cell.error for cell in graded.evidence.notebook.cells] == [None] * 3
    (phase,) = graded.evidence.phases
    assert (phase.kind, phase.role, phase.steps) == ("custom", "head", 3)
    assert phase.learning_rate == pytest.approx(0.002)
    assert (phase.trainable, phase.moved, phase.drift) == ((), (), ())
    assert (phase.head.tensors, phase.head.moved) == (2, 2)
    assert phase.place is not None
    # Where the loop ran, not where it was written down.
    assert phase.place.cell == 3


MANY = """
few = np.random.uniform(-1, 1, (2, 96, 96, 3)).astype("float32"), np.array([[0.0], [1.0]])
for _ in range(40):
    model.train_on_batch(*few)
"""


def test_thousands_of_batches_are_a_phase_and_take_no_more_room_than_a_few(alpaca: Assignment, tmp_path: Path) -> None:
    """With full training. A call that is written down takes up to 6 kB of the journal, and the arrays that it moved."""
    checks = tuple(spec for spec in alpaca.checks if spec.code in ("NB001", "TL101", "TL401"))
    patient = alpaca.model_copy(update={"checks": checks})
    kept = tmp_path / "kept"
    more = "for _ in range(20):\n    model.train_on_batch(*few)"
    graded = grade_cells(tmp_path, [BUILD, MANY, more], patient, training="full", keep_weights=kept)
    assert outcomes(graded.report, Outcome.PASSED) == {"NB001", "TL101", "TL401"}
    (phase,) = graded.evidence.phases
    assert (phase.runs, phase.kind, phase.head.moved, phase.moved) == (60, "train_on_batch", 2, ())
    events = [json.loads(line)["event"] for line in (kept / "journal.jsonl").read_text().splitlines()]
    # One by one: 8, the 16th, the 32nd, the first of the second cell. Together: 9 to 15, 17 to 31, 33 to 40, the rest.
    assert events.count("training") == events.count("trained") == 11 + 4

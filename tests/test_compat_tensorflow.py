"""Hazards that concern TensorFlow and Keras, on both flavours, each in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
DRIVER = """
import importlib, json, os, sys
from pathlib import Path
from IPython.core.interactiveshell import InteractiveShell
from grader.run.compat import CompatContext, install

flavour, dataset = sys.argv[1], Path(sys.argv[2])
shell, notes = InteractiveShell.instance(), []
context = CompatContext(shell, Path.cwd(), dataset, ("alpaca", "not alpaca"), (160, 160), flavour, notes.append)
install(context, "before_imports")
import tensorflow
importlib.import_module("tf_keras" if flavour == "2" else "keras")
install(context, "after_imports")
found = []
for cell in json.load(sys.stdin):
    shell.user_ns["x"] = None
    result = shell.run_cell(cell)
    error = result.error_before_exec or result.error_in_exec
    found.append(f"{type(error).__name__}: {error}" if error else repr(shell.user_ns["x"]))
print("RESULT" + json.dumps([found, notes]))
"""
COMMON = {
    "import tensorflow as tf, os": "None",
    "x = tf.keras.utils.image_dataset_from_directory('/content/data/train', image_size=(8, 8)).class_names": "['alpaca', 'not alpaca']",  # noqa: E501
    "from tensorflow.keras.preprocessing.image import ImageDataGenerator as G\n"
    "x = next(G().flow_from_directory('/kaggle/input/q/train', target_size=(8, 8)))[0].shape": "(6, 8, 8, 3)",
    "from tensorflow.keras.preprocessing.image import load_img\nx = load_img('cat.png').size": "(50, 40)",
    "paths = [f'/content/dataset/alpaca/{n}' for n in sorted(os.listdir('/content/dataset/alpaca'))]\n"
    "d = tf.data.Dataset.from_tensor_slices(paths).map(lambda p: tf.io.decode_jpeg(tf.io.read_file(p)))\n"
    "x = [tuple(i.shape) for i in d]": "[(40, 50, 3), (40, 50, 3), (40, 50, 3)]",
    "x = len(list(tf.data.Dataset.list_files('/content/dataset/*/*.jpg')))": "6",
    "x = sorted(tf.io.gfile.listdir('/content/dataset'))": "['alpaca', 'not alpaca']",
    "p = tf.keras.utils.get_file('f', origin='https://x/f.tgz', untar=True)\n"
    "import pathlib\nx = len(list(pathlib.Path(p).glob('*/*.jpg')))": "6",
    "p = tf.keras.utils.get_file('c.zip', origin='https://x/c.zip', extract=True)\n"
    "x = sorted(os.listdir(os.path.join(os.path.dirname(p), 'c_filtered', 'train')))": "['alpaca', 'not alpaca']",
    "import tensorflow_datasets as tfds\n"
    "(a, b), info = tfds.load('c', split=['train[:50%]', 'train[50%:]'], with_info=True, as_supervised=True)\n"
    "x = (len(a), len(b), info.features['label'].num_classes)": "(3, 3, 2)",
    "from tensorflow.python.keras.layers import Dense\nx = Dense is tf.keras.layers.Dense": "True",
    "x = tf.python.framework.ops is not None": "True",
    "x = type(tf.keras.losses.BinaryCrossentropy()) == tf.python.keras.losses.BinaryCrossentropy": "True",
    "import numpy as np\n"
    "x = tf.keras.applications.mobilenet_v2.decode_predictions(np.eye(1, 1000, 7), top=1)[0][0][1]": "'class_7'",
    "m = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])\nm.save('/content/drive/MyDrive/m/a.h5')\n"
    "m.save('/content/a.keras')\nx = [os.path.exists(p) for p in ('a.keras', 'm/a.h5')]": "[True, True]",
    "x = [tf.keras.models.load_model(p).count_params() for p in ('/content/a.keras', '/content/drive/MyDrive/m/a.h5')]": "[3, 3]",  # noqa: E501
    "c = tf.keras.callbacks.ModelCheckpoint('/content/ck/b.keras')\nm.compile('sgd', 'mse')\n"
    "m.fit(tf.zeros((2, 2)), tf.zeros((2, 1)), verbose=0, callbacks=[c])\nx = os.listdir('ck')": "['b.keras']",
    "tf.keras.optimizers.Adam(learning_rate=0.1, decay=0.1)": "None",
}
OLD = {
    "import keras\nx = keras.__name__": "'tf_keras'",
    "from keras.applications.mobilenet_v2 import MobileNetV2\nx = MobileNetV2 is tf.keras.applications.MobileNetV2": "True",  # noqa: E501
    "from keras.layers.normalization import BatchNormalization\nfrom keras.layers.core import Dense\n"
    "from keras.layers.convolutional import Conv2D\nx = Dense is tf.keras.layers.Dense": "True",
    "from keras.utils import np_utils\nx = np_utils.to_categorical([1]).tolist()": "[[0.0, 1.0]]",
    "from keras.engine import Layer\nfrom keras_preprocessing.image import ImageDataGenerator": "None",
    "from keras.layers.experimental import preprocessing\nx = preprocessing.RandomFlip is tf.keras.layers.RandomFlip": "True",  # noqa: E501
}
OLD["x = float(tf.keras.optimizers.Adam(lr=0.5).learning_rate)"] = "0.5"
OLD["x = float(tf.keras.optimizers.legacy.SGD(lr=0.5, decay=0.1).lr)"] = "0.5"
NEW = {"import keras\nx = (keras.__name__, keras.ops is not None)": "('keras', True)"}


@pytest.mark.parametrize(("flavour", "own"), [("3", NEW), ("2", OLD)])
def test_tensorflow_hazards(tmp_path, flavour, own):
    dataset = tmp_path / "assignment" / "dataset"
    for name in ("alpaca", "not alpaca"):
        (dataset / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (50, 40), (number, 0, 0)).save(dataset / name / f"{name[0]}{number}.jpg")
    work = tmp_path / "work"
    work.mkdir()
    cells = {**COMMON, **own}
    environment = {
        **os.environ,
        "TF_USE_LEGACY_KERAS": "1" if flavour == "2" else "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": str(ROOT),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, flavour, str(dataset)],
        input=json.dumps(list(cells)),
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
    assert line is not None, done.stderr[-2000:]
    found, notes = json.loads(line.removeprefix("RESULT"))
    assert dict(zip(cells, found, strict=True)) == cells
    assert "`/content/data/train` does not exist here: the assignment's images were used." in notes
    assert "`tensorflow.python.keras` is private to TensorFlow: `tensorflow.keras` was used in its place." in notes
    assert not [note for note in notes if "is off" in note]
    assert "content" not in os.listdir("/")

"""Notebooks that want to be taken for a right solution of the exercise, and forge what shows that they are none."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ASKED", "FORGERIES", "HONEST", "Forgery", "evidence_cells"]

ASKED = ("NB001", "NB002", "TL101", "TL102", "TL103", "TL401")
"""Checks."""


@dataclass(frozen=True)
class Forgery:
    """One notebook.

    Args:
        name: what it does.
        cells: its code; may be made from the folder with what a right solution's run left.
        said: what the grader says of it, by check.
        by: what that rests on. ``nothing``: that this was forged is not found, and the report does not claim that it
            was not: what was done, and when, is the recorder's word.
    """

    name: str
    cells: tuple[str, ...] | Callable[[Path], tuple[str, ...]]
    said: Mapping[str, str]
    by: str

    def code(self, recorded: Path) -> tuple[str, ...]:
        """Its cells, given what a right solution's run left."""
        return self.cells if isinstance(self.cells, tuple) else self.cells(recorded)


BUILD = """
import tensorflow as tf
base = tf.keras.applications.MobileNetV2(input_shape=(96, 96, 3), include_top=False, weights="imagenet")
base.trainable = False
inputs = tf.keras.Input((96, 96, 3))
x = base(inputs / 127.5 - 1.0, training=False)
model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(tf.keras.layers.GlobalAveragePooling2D()(x)))
data = tf.random.uniform((4, 96, 96, 3)), tf.constant([[0.0], [1.0], [0.0], [1.0]])
loss = tf.keras.losses.BinaryCrossentropy(from_logits=True)
"""
# Some of it is enough.
THAWED = BUILD.replace("base.trainable = False", "for layer in base.layers[:-3]:\n    layer.trainable = False")
FIT = """
model.compile("adam", loss)
model.fit(*data, verbose=0)
"""

HONEST = (BUILD, FIT)

# The flags that the recorder reads, the config that it saves, and what `trainable` says to anybody.
FLAGS = """
import gc
from grader.run.recorder.models import ModelBook
real = ModelBook.trainable
def trainable(book, model):
    inner = {key for key, _, _ in book.variables(base)}
    return [key for key in real(book, model) or [] if key not in inner]
ModelBook.trainable = trainable
text = type(model).to_json
type(model).to_json = lambda self, *a, **k: text(self, *a, **k).replace('"trainable": true', '"trainable": false')
"""

# The arrays that the recorder saves: those of the base always as they were at first.
ARRAYS = """
import gc
from grader.run.recorder.journal import Journal
from grader.run.recorder.models import ModelBook
book, = [one for one in gc.get_objects() if type(one) is ModelBook]
inner = {key for key, _, _ in book.variables(base)}
first, real_snapshot = {}, Journal.snapshot
def snapshot(journal, arrays):
    told = {k: first.setdefault(k, v.copy()) if k in inner else v for k, v in arrays.items()}
    return real_snapshot(journal, told)
Journal.snapshot = snapshot
"""

# A log that says that the head was trained, and `fit` that does nothing.
LOG = """
import gc
from grader.run.recorder.journal import Journal
journal, = [one for one in gc.get_objects() if type(one) is Journal and one._stream.name.endswith("journal.jsonl")]
model.compile("adam", loss)
import json
lines = [json.loads(line) for line in open(journal._stream.name)]
described, = [one for one in lines if one["event"] == "model" and one["name"] == model.name]
head = f"{described['layers'][-1]['number']}."
about = dict(id=77, model=described["model"], flagged=[head + "0", head + "1"], trainable=[head + "0", head + "1"])
journal.event("training", kind="fit", compile=1, place={"count": 2, "line": 3}, epochs=5, before=1, learning_rate=1e-3,
              optimizer="Adam", loss_name="binary_crossentropy", **about)
journal.event("trained", after=2, steps=5, loss=0.1, error="", **about)
"""


def evidence_cells(recorded: Path) -> tuple[str, ...]:
    """Cells that build the model, train nothing, and put the evidence of another run in the place of their own.

    The arrays that the model begins with are the same in both.
    """
    small = [path for path in sorted(recorded.iterdir()) if path.stat().st_size < 10**6]
    texts = {path.name: base64.b85encode(path.read_bytes()).decode() for path in small}
    begin = (
        "import base64, os\n"
        "folder = '/run/grader/evidence' if os.path.isdir('/run/grader/evidence') else os.path.abspath('../evidence')\n"
        "def put(name, text):\n"
        "    with open(f'{folder}/{name}', 'wb') as file:\n"
        "        file.write(base64.b85decode(text))\n"
    )
    return (BUILD, begin + "\n".join(f"put({name!r}, {text!r})" for name, text in texts.items()))


FORGERIES = (
    Forgery(
        "trains the base, then says that it was frozen",
        (THAWED, FIT, "base.trainable = False\nmodel.compile('adam', loss)"),
        {"TL101": "failed", "TL401": "passed"},
        "weights",
    ),
    Forgery(
        "patched flags and config",
        (THAWED, FLAGS, FIT),
        {"TL101": "failed", "TL401": "passed"},
        "weights",
    ),
    Forgery(
        "patched arrays",
        (THAWED, ARRAYS, FLAGS, FIT),
        {"TL101": "passed", "TL401": "passed"},
        "nothing",
    ),
    Forgery(
        "trains the base, then restores it",
        (THAWED, "pristine = base.get_weights()", FIT, "base.set_weights(pristine)"),
        {"TL101": "failed", "TL401": "passed"},
        "recorder",
    ),
    Forgery(
        "trains the base, then restores and freezes it",
        (
            THAWED,
            "pristine = base.get_weights()",
            FIT,
            "base.set_weights(pristine)\nbase.trainable = False\nmodel.compile('adam', loss)",
        ),
        {"TL101": "failed", "TL401": "passed"},
        "recorder",
    ),
    # Warned: that a gradient is zero in one step is nobody's fault.
    Forgery("never trains, and forges the log", (BUILD, LOG), {"TL401": "warned"}, "weights"),
    Forgery(
        "writes all evidence itself",
        evidence_cells,
        {"TL101": "passed", "TL102": "passed", "TL401": "passed"},
        "nothing",
    ),
)

"""`tensorflow_datasets`, where it is missing: the assignment's images under its interface."""

from __future__ import annotations

import importlib.util
import random
import re
import sys
from types import ModuleType
from typing import Any

from grader.run.compat._base import CompatContext
from grader.run.compat._imports import Anything, StubFinder
from grader.run.compat._paths import sorted_files

NAME = "tensorflow_datasets"
SLICE = re.compile(r"\[\s*(-?\d+%?)?\s*:\s*(-?\d+%?)?\s*\]")


class Label:
    """`info.features["label"]`."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        self.names = list(classes)
        self.num_classes = len(classes)
        self.shape: tuple[int, ...] = ()

    def int2str(self, number: Any) -> str:
        """The class of a number."""
        return self.names[int(number)]

    def str2int(self, name: str) -> int:
        """The number of a class."""
        return self.names.index(name)


class Splits(dict[str, Any]):
    """Splits by name: whatever split is asked for holds the assignment's images."""

    def __missing__(self, name: str) -> Any:
        return self["train"]


def before_imports(context: CompatContext) -> None:
    """Serve the module if it is not installed."""
    if NAME in sys.modules or importlib.util.find_spec(NAME) is not None:
        return
    context.add_finder(StubFinder((NAME,), lambda module: fill(context, module)), first=True)

    def forget() -> None:
        for name in [name for name in sys.modules if name.startswith(NAME)]:
            del sys.modules[name]

    context.undoing.append(forget)


def fill(context: CompatContext, module: ModuleType) -> None:
    """The functions of `tensorflow_datasets` that tutorials call."""
    if module.__name__ != NAME:
        return

    def load(
        name: str,
        *,
        split: Any = None,
        batch_size: int | None = None,
        as_supervised: bool = False,
        with_info: bool = False,
        **kwargs: Any,
    ) -> Any:
        context.say(f"`tfds.load({name!r})` downloads nothing here: the assignment's images were used.")
        data = dataset(context, split, batch_size, as_supervised)
        return (data, info_of(context, name)) if with_info else data

    def as_numpy(data: Any) -> Any:
        return data.as_numpy_iterator()

    def builder(name: str, **kwargs: Any) -> Any:
        made = Anything(f"builder({name!r})")
        vars(made).update(
            info=info_of(context, name), as_dataset=lambda split=None, **options: load(name, split=split, **options)
        )
        return made

    known = {"load": load, "as_numpy": as_numpy, "builder": builder, "Split": Anything("Split")}
    known["Split"].__dict__.update(TRAIN="train", TEST="test", VALIDATION="validation")
    for key, value in known.items():
        setattr(module, key, value)


def files_of(context: CompatContext) -> list[tuple[str, int]]:
    """Path and label of each image, in an order that mixes the classes and is always the same."""
    pairs = [
        (path, label)
        for label, name in enumerate(context.classes)
        for path in sorted_files(str(context.dataset / name))
    ]
    random.Random(0).shuffle(pairs)
    return pairs


def sliced(pairs: list[tuple[str, int]], split: str) -> list[tuple[str, int]]:
    """The part that ``train[10%:80%]`` names."""
    match = SLICE.search(split)
    if not match:
        return pairs

    def position(text: str | None, default: int) -> int:
        if not text:
            return default
        return round(int(text[:-1]) / 100 * len(pairs)) if text.endswith("%") else int(text)

    return pairs[position(match[1], 0) : position(match[2], len(pairs))]


def dataset(context: CompatContext, split: Any, batch_size: int | None, supervised: bool) -> Any:
    """A `tf.data.Dataset` of ``(image, label)``, or the same structure of them as ``split`` has.

    Images are uint8 tensors of their own height and width with 3 channels; labels are int64.
    """
    if split is None:
        return Splits(train=dataset(context, "train", batch_size, supervised))
    if isinstance(split, (list, tuple)):
        return [dataset(context, part, batch_size, supervised) for part in split]
    import tensorflow as tf

    pairs = sliced(files_of(context), str(split))
    paths, labels = [path for path, _ in pairs], [label for _, label in pairs]

    def read(path: Any, label: Any) -> Any:
        image = tf.io.decode_image(tf.raw_ops.ReadFile(filename=path), channels=3, expand_animations=False)
        image.set_shape([None, None, 3])
        return (image, label) if supervised else {"image": image, "label": label}

    data = tf.data.Dataset.from_tensor_slices((tf.constant(paths, tf.string), tf.constant(labels, tf.int64))).map(read)
    return data.batch(batch_size) if batch_size else data


def info_of(context: CompatContext, name: str) -> Any:
    """What ``with_info=True`` gives."""
    info, size = Anything("DatasetInfo"), Anything("SplitInfo")
    vars(size).update(num_examples=len(files_of(context)), name="train")
    image = Anything("Image")
    vars(image).update(shape=(None, None, 3))
    vars(info).update(name=name, splits=Splits(train=size), features={"image": image, "label": Label(context.classes)})
    vars(info).update(
        description=f"The assignment's images under the name of {name}.", supervised_keys=("image", "label")
    )
    return info

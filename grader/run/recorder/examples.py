"""A few examples out of whatever Keras takes as data, and how many there are in all."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from grader.run.recorder.adapter import KerasAdapter

__all__ = ["Examples", "as_tuple", "form_of", "highest_class", "is_iterator"]


class Examples:
    """Reads arrays, nested structures of arrays, data frames, `tf.data`, batch sequences and generators."""

    def __init__(self, adapter: KerasAdapter) -> None:
        self._adapter = adapter
        self._read: weakref.WeakKeyDictionary[Any, dict[int, Any]] = weakref.WeakKeyDictionary()
        """Of each dataset, by their number, the first examples."""

    def few(self, count: int, *data: Any, last: bool = False) -> Any:
        """The first (or last) examples as one batch; None if there is no data.

        Args:
            count: how many.
            data: inputs, and perhaps targets and sample weights, as `fit` takes them.
            last: the last ones of arrays; of everything else the first.
        """
        import tensorflow as tf

        x = data[0] if data else None
        if x is None:
            return None
        part = slice(-count, None) if last else slice(0, count)
        if isinstance(x, tf.data.Dataset):
            return self._first(x, count)
        if self._adapter.batchable(x):
            return self.rows(as_tuple(x[0]), part)
        if is_iterator(x):
            return self.rows(as_tuple(next(x)), part)
        given = tuple(item for item in data if item is not None)
        return self.rows(given if len(given) > 1 else given[0], part)

    def _first(self, dataset: Any, count: int) -> Any:
        """The first examples of a dataset. Read once: one that is shuffled decodes hundreds of images for them."""
        read = self._read.setdefault(dataset, {})
        if count not in read:
            read[count] = self.rows(next(iter(dataset)), slice(0, count))
        return read[count]

    def rows(self, data: Any, part: slice) -> Any:
        """These rows of every array in the structure."""

        def take(leaf: Any) -> Any:
            values = leaf.to_numpy() if hasattr(leaf, "to_numpy") else leaf
            return values[part] if hasattr(values, "shape") else np.asarray(values)[part]

        if isinstance(data, list):
            # A list is either several inputs or rows written out; Keras takes the latter as one array.
            return take(data) if data and np.isscalar(data[0]) else [take(item) for item in data]
        return self._adapter.map_structure(take, data)

    def count(self, x: Any, steps: Any) -> int | None:
        """Number of examples in `x` (in the first `steps` batches of it); None if it has no end or cannot tell."""
        import tensorflow as tf

        if isinstance(x, tf.data.Dataset):
            if steps is None and x.cardinality() == tf.data.INFINITE_CARDINALITY:
                return None
            return sum(length_of(batch) or 0 for batch in (x if steps is None else x.take(int(steps))))
        if self._adapter.batchable(x):
            batches = len(x) if steps is None else min(len(x), int(steps))
            return sum(length_of(as_tuple(x[index])) or 0 for index in range(batches))
        return length_of(x)

    @staticmethod
    def dataset(batch: Any) -> Any:
        """A dataset of this one batch."""
        import tensorflow as tf

        return tf.data.Dataset.from_tensors(batch)


def form_of(batch: Any) -> Any:
    """The structure of a batch, with shape and type of one example in place of each array."""
    import tensorflow as tf

    return tf.nest.map_structure(lambda leaf: f"{tf.as_dtype(leaf.dtype).name}{list(leaf.shape)[1:]}", batch)


def highest_class(batch: Any) -> int:
    """The largest label of a batch whose labels are whole numbers; 0 for all others."""
    labels = batch[1] if isinstance(batch, tuple) and len(batch) > 1 else None
    if not hasattr(labels, "shape"):
        return 0
    array = np.asarray(labels)
    return int(array.max()) if array.dtype.kind in "iu" and array.size else 0


def is_iterator(data: Any) -> bool:
    """Whether the data can be read only once, batch by batch."""
    return hasattr(data, "__next__") and not hasattr(data, "__getitem__")


def length_of(batch: Any) -> int | None:
    """Number of rows of the first array in the structure."""
    import tensorflow as tf

    leaf = tf.nest.flatten(batch)[0]
    return int(np.shape(leaf)[0]) if np.ndim(leaf) else None


def as_tuple(batch: Any) -> Any:
    """A batch that came as a list of (inputs, targets) in the form that Keras takes."""
    return tuple(batch) if isinstance(batch, list) and 2 <= len(batch) <= 3 else batch

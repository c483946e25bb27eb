"""Stand-ins for packages that TensorFlow and Keras import and hardly ever use: a fifth of a second that few need.

A stand-in has what they look at as they are imported. Whatever else is asked of it, then or later, is the package's
own, which is imported at that moment.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["optional_packages_when_needed"]


class OnceImported(type):
    """A class whose instances are those of the class of this name in pandas, once somebody has imported that."""

    def __instancecheck__(cls, instance: Any) -> bool:
        theirs = getattr(sys.modules.get("pandas"), cls.__name__, cls)
        return not isinstance(theirs, OnceImported) and isinstance(instance, theirs)


def is_sparse(matrix: Any) -> bool:
    """What `scipy.sparse.issparse` says; nothing is sparse until somebody has imported that."""
    theirs = getattr(sys.modules.get("scipy.sparse"), "issparse", is_sparse)
    return theirs is not is_sparse and bool(theirs(matrix))


class StandIn(ModuleType):
    """A module in place of a package, which it passes on all that it has not itself."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, None)

    def __getattr__(self, wanted: str) -> Any:
        # What Python itself asks of any module (`__path__`, `__file__`) is not what somebody needs the package for.
        if wanted.startswith("__") and wanted != "__version__":
            raise AttributeError(f"module {self.__name__!r} has no attribute {wanted!r}")
        remove(self.__name__.partition(".")[0])
        return getattr(importlib.import_module(self.__name__), wanted)


def stand_ins() -> Iterator[StandIn]:
    """Of all these packages."""
    # Keras tells data by the two classes.
    pandas = StandIn("pandas")
    vars(pandas).update({name: OnceImported(name, (), {}) for name in ("DataFrame", "Series")})
    yield pandas
    # TensorFlow's own old Keras asks whether data is sparse, in training without eager execution.
    scipy, sparse = StandIn("scipy"), StandIn("scipy.sparse")
    vars(sparse).update(issparse=is_sparse)
    vars(scipy).update(sparse=sparse)
    yield from (scipy, sparse)
    # To draw boxes on images.
    yield StandIn("cv2")
    # For a callback that posts to a server, and to ask a cloud whether this machine is to be taken away.
    yield StandIn("requests")


@contextmanager
def optional_packages_when_needed() -> Iterator[None]:
    """Within, whoever imports one of these that is not there yet gets its stand-in."""
    missing = {each.__name__: each for each in stand_ins() if each.__name__.partition(".")[0] not in sys.modules}
    sys.modules.update(missing)
    try:
        yield
    finally:
        for name in missing:
            remove(name)


def remove(package: str) -> None:
    """Have the next import of this package find itself and not its stand-in."""
    for name in [package, *(name for name in sys.modules if name.startswith(f"{package}."))]:
        if isinstance(sys.modules.get(name), StandIn):
            del sys.modules[name]

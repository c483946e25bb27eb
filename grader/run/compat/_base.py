"""The contract of a hazard: one file, found by its name.

A hazard is something in real notebooks that would break an automatic run through no fault of the student's. Its module
may define either or both of

    before_imports(context)    called in the kernel before TensorFlow and Keras are used and before the first cell
    after_imports(context)     called once TensorFlow and Keras are imported

Everything in this package runs in the kernel and imports nothing of the grader but this package. Whatever a hazard
changes it changes through `CompatContext.patch` and `CompatContext.add_finder`, so that `undo` can put all back.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from grader.run.compat._paths import PathFinder

__all__ = ["CompatContext", "Hazard", "Stage"]

Stage = Literal["before_imports", "after_imports"]
MISSING = object()


class Hazard(Protocol):
    """What a module of this package may define; both are optional."""

    def before_imports(self, context: CompatContext) -> None: ...

    def after_imports(self, context: CompatContext) -> None: ...


@dataclass
class CompatContext:
    """Where a notebook runs, and how a hazard changes it."""

    shell: Any
    """The IPython `InteractiveShell`."""
    work: Path
    """The notebook's current folder; holds the assignment's files. Absolute."""
    dataset: Path
    """The assignment's folder of images, one sub-folder a class. Absolute."""
    classes: tuple[str, ...]
    image_size: tuple[int, int]
    """Height and width, in pixels."""
    flavour: Literal["2", "3"]
    note: Callable[[str], None]
    """Records a note for the report."""
    paths: PathFinder = field(init=False)
    """Finds the assignment's images behind paths that do not exist here."""
    said: set[str] = field(default_factory=set, init=False)
    undoing: list[Callable[[], None]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.paths = PathFinder(self.work, self.dataset, self.classes, self.say)

    def say(self, text: str) -> None:
        """Note ``text``, the same text once."""
        if text not in self.said:
            self.said.add(text)
            self.note(text)

    def patch(self, owner: Any, name: str, value: Any) -> None:
        """Set ``owner.name`` until `undo`."""
        before = vars(owner).get(name, MISSING) if hasattr(owner, "__dict__") else getattr(owner, name, MISSING)
        setattr(owner, name, value)
        self.undoing.append(lambda: delattr(owner, name) if before is MISSING else setattr(owner, name, before))

    def wrap(self, owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Replace the function ``owner.name`` by ``make`` of it; nothing where the owner has no such name."""
        original = getattr(owner, name, None)
        if original is not None:
            self.patch(owner, name, named_like(make(original), original))

    def wrap_everywhere(
        self, name: str, roots: tuple[str, ...], make: Callable[[Callable[..., Any]], Callable[..., Any]]
    ) -> None:
        """Replace the function ``name`` in every loaded module below ``roots`` that holds one.

        Keras binds one function under several public paths (`keras.utils`, `keras.preprocessing`, `tf.keras.utils`).
        """
        wrappers: dict[int, Callable[..., Any]] = {}
        for path, module in list(sys.modules.items()):
            if path.partition(".")[0] not in roots:
                continue
            original = getattr(module, "__dict__", {}).get(name)
            if callable(original) and not isinstance(original, type):
                if id(original) not in wrappers:
                    wrappers[id(original)] = named_like(make(original), original)
                self.patch(module, name, wrappers[id(original)])

    def add_finder(self, finder: Any, first: bool = False) -> None:
        """Put a finder on `sys.meta_path`, at its end or its beginning, until `undo`."""
        sys.meta_path.insert(0 if first else len(sys.meta_path), finder)
        self.undoing.append(lambda: sys.meta_path.remove(finder))

    def undo(self) -> None:
        """Put back all that was changed, last first."""
        while self.undoing:
            self.undoing.pop()()


def named_like(wrapper: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    """``wrapper`` with the name and the docstring of ``original``."""
    try:
        return functools.wraps(original)(wrapper)
    except (AttributeError, TypeError):
        return wrapper

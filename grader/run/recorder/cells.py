"""What happens between cells: training that no `fit` was asked for, and models that were built."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from grader.run.recorder.adapter import KerasAdapter
from grader.run.recorder.frames import CellFrames
from grader.run.recorder.hooks import wrap_method
from grader.run.recorder.journal import Journal
from grader.run.recorder.models import ModelBook
from grader.run.recorder.training import Training

__all__ = ["Cells"]


class Cells:
    """Watches optimizers that are stepped by the student's own loop, and describes models after each cell.

    A training loop may be traced once and run later without any Python of ours in between, so such training
    is known by the optimizer's count of steps having grown by the end of a cell.
    """

    def __init__(
        self, adapter: KerasAdapter, journal: Journal, book: ModelBook, frames: CellFrames, training: Training
    ) -> None:
        self._adapter = adapter
        self._journal = journal
        self._book = book
        self._frames = frames
        self._training = training
        self._steps: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._loops: dict[int, dict[str, Any]] = {}
        self._before: int | None = None
        self._known: set[int] = set()

    def install(self, shell: Any) -> None:
        """Put the wrappers in place."""
        for owner, name in self._adapter.optimizer_methods():
            wrap_method(owner, name, self._applying)
        shell.events.register("post_run_cell", self.after_cell)

    def _applying(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def apply(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            if self._training.inside:
                return original(optimizer, *args, **kwargs)
            if self._before is None:
                # Taken at the last moment before the cell's own training changes anything.
                self._before, _ = self._book.snapshot(self._book.alive())
            if optimizer not in self._steps:
                self._steps[optimizer] = self._step_count(optimizer)
            args, variables = self._updated(optimizer, args, kwargs)
            self._note_loop(optimizer, variables)
            self._training.inside = True
            try:
                return original(optimizer, *args, **kwargs)
            finally:
                self._training.inside = False

        return apply

    @staticmethod
    def _updated(optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], list[Any]]:
        """The call's arguments (an iterator among them may be read only once) and the variables they name."""
        first = args[0] if args else kwargs.get("grads_and_vars", [])
        second = args[1] if len(args) > 1 else kwargs.get("trainable_variables")
        if second is not None and not isinstance(second, str):
            return args, list(second)
        pairs = list(first)
        variables = [pair[1] for pair in pairs if isinstance(pair, tuple) and len(pair) == 2]
        return ((pairs, *args[1:]) if args else args), variables

    def _note_loop(self, optimizer: Any, variables: list[Any]) -> None:
        rate = optimizer.learning_rate
        try:
            learning_rate = float(self._adapter.value(rate)) if hasattr(rate, "numpy") else float(rate)
        except (TypeError, ValueError):
            learning_rate = None
        self._loops[id(optimizer)] = {
            "variables": [id(variable) for variable in variables],
            "place": self._frames.place(),
            "optimizer": type(optimizer).__name__,
            "learning_rate": learning_rate,
        }

    def after_cell(self, result: Any = None) -> None:
        """Journal what this cell did beside `fit`."""
        models = self._book.alive()
        for model in models:
            number = self._book.describe(model)
            if number not in self._known:
                # A model that is never trained shows its weights here and nowhere else.
                self._known.add(number)
                self._book.snapshot([model])
        for optimizer, before in list(self._steps.items()):
            steps = self._step_count(optimizer)
            if steps != before:
                self._steps[optimizer] = steps
                self._record_loop(models, self._loops.get(id(optimizer), {}), steps - before)
        # A loop that was traced in one cell may run in a later one without passing through Python, so the state
        # between cells has to be known from now on.
        self._before = self._book.snapshot(models)[0] if self._steps else None

    def _record_loop(self, models: list[Any], loop: dict[str, Any], steps: int) -> None:
        wanted = set(loop.get("variables", ()))
        after, changed = self._book.snapshot(models)
        for model in models:
            keyed = list(self._book.variables(model))
            trained = [key for key, variable, _ in keyed if id(variable) in wanted]
            if not trained or not changed & {key for key, _, _ in keyed}:
                continue
            self._journal.event(
                "custom_training",
                model=self._book.describe(model),
                place=loop.get("place"),
                optimizer=loop.get("optimizer", ""),
                learning_rate=loop.get("learning_rate"),
                flagged=self._book.keys_of(model, model.trainable_weights),
                trainable=trained,
                before=self._before,
                after=after,
                steps=steps,
            )

    def _step_count(self, optimizer: Any) -> int:
        """How often the optimizer was applied."""
        iterations = optimizer.iterations
        return int(self._adapter.value(iterations)) if hasattr(iterations, "numpy") else int(iterations)

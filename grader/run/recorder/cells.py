"""What happens between cells: training that no `fit` was asked for, and models that were built."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from grader.run.recorder.adapter import KerasAdapter
from grader.run.recorder.frames import CellFrames
from grader.run.recorder.hooks import wrap_method
from grader.run.recorder.journal import Journal
from grader.run.recorder.models import ModelBook
from grader.run.recorder.training import Training

__all__ = ["Cells"]


@dataclass
class Loop:
    """How one optimizer is stepped.

    Args:
        variables: ids of the variables that it updates.
        place: where the student's code steps it.
        learning_rate: as the loop began; None where it is no plain number.
    """

    variables: set[int]
    place: dict[str, Any] | None
    learning_rate: float | None


@dataclass
class Segment:
    """What is trained by the student's own loops while nothing of `trainable` changes.

    The optimizers and models are held until it is written down: they may be a function's own.

    Args:
        flags: what `trainable` said of each model as the segment began.
        frozen: which of its layers and weights were frozen then.
        models: those that were there.
        opened: whether the state before it is known.
        stepped: the optimizers that were applied, each with the sets of variables that it updated.
    """

    flags: dict[int, list[str] | None] = field(default_factory=dict)
    frozen: dict[int, dict[str, list[Any]]] = field(default_factory=dict)
    models: list[Any] = field(default_factory=list)
    opened: bool = False
    stepped: list[tuple[Any, frozenset[int]]] = field(default_factory=list)

    def has(self, optimizer: Any, variables: frozenset[int]) -> bool:
        """Whether this optimizer was applied to these variables already."""
        return any(one is optimizer and same == variables for one, same in self.stepped)


class Cells:
    """Watches optimizers that are stepped by the student's own loop, and describes models after each cell.

    A training loop may be traced once and run later without any Python of ours in between, so such training
    is known by the optimizer's count of steps having grown by the end of a cell. Within a cell, a change of what
    is trainable parts one stretch of training from the next.
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
        self._loops: weakref.WeakKeyDictionary[Any, Loop] = weakref.WeakKeyDictionary()
        self._segment = Segment()
        self._before: int | None = None
        self._known: set[int] = set()

    def install(self, shell: Any) -> None:
        """Put the wrappers in place."""
        import tensorflow as tf

        wrap_method(tf.GradientTape, "__enter__", self._opening)
        for owner, name in self._adapter.optimizer_methods():
            wrap_method(owner, name, self._applying)
        self._training.on_begin, self._training.on_end = self._training_begins, self._training_ended
        shell.events.register("post_run_cell", self.after_cell)

    def _opening(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def enter(tape: Any) -> Any:
            if not self._training.inside:
                # A forward pass comes next, and may move the statistics before any optimizer is stepped.
                self._open()
            return original(tape)

        return enter

    def _applying(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def apply(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            if self._training.inside:
                return original(optimizer, *args, **kwargs)
            args, variables = self._updated(optimizer, args, kwargs)
            self._note_step(optimizer, frozenset(id(variable) for variable in variables))
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

    def _note_step(self, optimizer: Any, variables: frozenset[int]) -> None:
        """This optimizer is about to update these variables."""
        if self._segment.has(optimizer, variables):
            return
        self._open()
        if optimizer not in self._steps:
            self._steps[optimizer] = self._step_count(optimizer)
        fresh = all(one is not optimizer for one, _ in self._segment.stepped)
        known = set() if fresh else self._loops[optimizer].variables
        self._loops[optimizer] = Loop(known | variables, self._frames.place(), self._rate(optimizer))
        self._segment.stepped.append((optimizer, variables))

    def _open(self) -> None:
        """A step of a loop may begin: where what is trainable has changed, it begins another segment."""
        self._training.settle()
        models = self._book.alive()
        flags = {self._book.number(model): self._book.trainable(model) for model in models}
        if self._segment.stepped and flags != self._segment.flags:
            self._close(models)
        if not self._segment.opened:
            self._before, _ = self._book.snapshot(models)
            self._segment.opened = True
        if not self._segment.stepped:
            self._segment.flags, self._segment.models = flags, models
            self._segment.frozen = {self._book.number(model): self._book.frozen(model) for model in models}

    def after_cell(self, result: Any = None) -> None:
        """Journal what this cell did beside `fit`."""
        self._training.settle()
        models = self._book.alive()
        self._close(models)
        for model in models:
            number = self._book.describe(model)
            self._book.note_flags(model)
            if number not in self._known:
                # A model that is never trained shows its weights here and nowhere else.
                self._known.add(number)
                self._book.snapshot([model])

    def _training_begins(self) -> None:
        """Keras's own training is about to begin: what the loops did came before it."""
        if self._steps:
            self._close(self._book.alive())

    def _training_ended(self, moment: int) -> None:
        """It ended at this snapshot: what it did is not the loops' doing, though it may have used their optimizer."""
        self._before = moment if self._steps else None
        self._segment.opened = False
        for optimizer in list(self._steps):
            self._steps[optimizer] = self._step_count(optimizer)

    def _close(self, models: list[Any]) -> None:
        """Journal what the loops did since this was done last."""
        segment, self._segment = self._segment, Segment()
        models = sorted({*models, *segment.models}, key=self._book.number)
        loops, steps = [], 0
        for optimizer, before in list(self._steps.items()):
            now = self._step_count(optimizer)
            if now != before:
                self._steps[optimizer] = now
                loops.append((optimizer, self._loops[optimizer]))
                steps = max(steps, now - before)
        if loops:
            self._record(models, segment, loops, steps)
        # A loop that was traced in one cell may run in a later one without passing through Python, so the state
        # between cells has to be known once there is a loop.
        self._before = self._book.snapshot(models)[0] if self._steps else None

    def _record(self, models: list[Any], segment: Segment, loops: list[tuple[Any, Loop]], steps: int) -> None:
        """One stretch of training for each model that the loops changed."""
        wanted = set().union(*(loop.variables for _, loop in loops))
        # Where several optimizers share the work, the one with the most weights speaks for it.
        optimizer, main = max(loops, key=lambda pair: len(pair[1].variables))
        traced_before = all(one is not optimizer for one, _ in segment.stepped)
        after, _ = self._book.snapshot(models)
        for model in models:
            trained = [key for key, variable, _ in self._book.variables(model) if id(variable) in wanted]
            if not trained:
                continue
            number = self._book.describe(model)
            self._journal.event(
                "custom_training",
                model=number,
                place=main.place,
                optimizer=type(optimizer).__name__,
                learning_rate=self._rate(optimizer) if traced_before else main.learning_rate,
                flagged=segment.flags[number] if number in segment.flags else self._book.trainable(model),
                trainable=trained,
                frozen=segment.frozen.get(number),
                before=self._before,
                after=after,
                steps=steps,
            )

    def _rate(self, optimizer: Any) -> float | None:
        rate = optimizer.learning_rate
        try:
            return float(self._adapter.value(rate)) if hasattr(rate, "numpy") else float(rate)
        except (TypeError, ValueError):  # A schedule: no plain number.
            return None

    def _step_count(self, optimizer: Any) -> int:
        """How often the optimizer was applied."""
        iterations = optimizer.iterations
        return int(self._adapter.value(iterations)) if hasattr(iterations, "numpy") else int(iterations)

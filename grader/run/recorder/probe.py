"""Questions that the grader asks of the model under test after the last cell, by a hidden execution in the kernel.

`grader.run.probing` on the other side copies some images into a folder, and names the probes that are wanted:

* ``inputs``: what reaches the base, for runs that went by in graph mode and showed nothing.
* ``augmentation``: the same images several times through the model up to the base, in both modes.
* ``batch``: one image predicted alone and among others.
* ``accuracy``: predictions for images that the notebook never saw. Their labels stay outside.

Weights and statistics are put back afterwards.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from grader.run.recorder.adapter import KerasAdapter
from grader.run.recorder.bounded import EagerMode
from grader.run.recorder.config import KernelConfig
from grader.run.recorder.expected import ENDINGS, example_images, expectation, preprocessing_of
from grader.run.recorder.inputs import Inputs, Run
from grader.run.recorder.journal import Journal
from grader.run.recorder.models import ModelBook
from grader.run.recorder.training import Training
from grader.run.recorder.values import in_scale_of

__all__ = ["Prober", "answer"]

PASSES = 3
"""Passes in each mode. A flip alone leaves an image as it is every other time, so that one pass would not do."""
SAME = 1e-4
"""Difference, as a share of the spread of what reaches the base, below which two passes count as the same."""
BATCH = 32
NOISE = 8
"""Images of noise that are probed with where there are no others."""
MATES = 3
"""Images that one is predicted among."""
ROUNDING = 1e-4
"""Difference of two predictions, as a share of the largest output, that is too small to be asked after."""
ASKED: dict[str, Prober] = {}
"""The prober of this kernel, once installed."""


def answer(request: str) -> None:
    """Make the probes that the file `request` asks for. Called by the grader, never by a notebook."""
    asked = json.loads(Path(request).read_text(encoding="utf-8"))
    ASKED["prober"].run(asked["probes"], Path(asked["images"]), Path(asked["hidden"]))


class Prober:
    """Finds the model under test, probes it, writes down what came of it."""

    def __init__(
        self,
        adapter: KerasAdapter,
        journal: Journal,
        book: ModelBook,
        training: Training,
        inputs: Inputs,
        config: KernelConfig,
    ) -> None:
        self._adapter = adapter
        self._journal = journal
        self._book = book
        self._training = training
        self._inputs = inputs
        self._image_size = config.image_size
        self._dataset = Path(config.dataset)
        self._examples: np.ndarray | None = None
        self._preprocess: dict[str, Callable[..., Any]] = {}

    def install(self) -> None:
        """Be the one that `answer` asks."""
        ASKED["prober"] = self

    def base_built(self, function: Callable[..., Any], arguments: dict[str, Any], model: Any) -> None:
        """A function of `keras.applications` built this model: watch it, and measure what it expects."""
        try:
            self._inputs.base_built(model, arguments.get("input_tensor"))
            if self._examples is None:
                self._examples = example_images(self._dataset)
            preprocess = preprocessing_of(function)
            if preprocess is not None:
                self._preprocess[function.__module__] = preprocess
            facts = expectation(function, arguments, self._examples)
        except Exception as exc:  # Images that the notebook spoilt, say: no reason to break its call.
            facts = {"unknown": f"It could not be measured: {type(exc).__name__}: {exc}"[:200]}
        self._journal.event("expected", model=self._book.number(model), **facts)

    def run(self, probes: list[str], images: Path, hidden: Path) -> None:
        """Make these probes; one that breaks is noted with its reason, and the others go on."""
        model = self._under_test()
        if "inputs" in probes:
            self._attempt("inputs", self._replay_kept, model)
        if model is None:
            for name in probes:
                self._refuse(name, None, "No trained model with a pretrained base was left in the kernel to be probed.")
            return
        with self._undone(model):
            if "augmentation" in probes:
                self._attempt("augmentation", lambda m: self._augmentation(m, self._images(m, images)), model)
            if "batch" in probes:
                self._attempt("batch", lambda m: self._batch(m, self._images(m, images)), model)
            if "accuracy" in probes:
                self._attempt("accuracy", lambda m: self._accuracy(m, hidden), model)

    def _attempt(self, name: str, probe: Callable[[Any], None], model: Any) -> None:
        quiet = io.StringIO()
        try:
            with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
                probe(model)
        except Exception as exc:  # The student's own layers may raise anything.
            self._refuse(name, model, f"The model could not be probed: {type(exc).__name__}: {exc}"[:300])

    def _refuse(self, name: str, model: Any, reason: str) -> None:
        number = self._book.number(model) if model is not None else None
        self._journal.event("unprobed", probe=name, model=number, reason=reason)

    def _under_test(self) -> Any:
        """The model with a base that was trained last; else the one that was built last."""
        alive = {self._book.number(model): model for model in self._book.alive() if self._inputs.holds_base(model)}
        last = [number for number in trained_models(self._journal.folder) if number in alive]
        if last:
            return alive[last[-1]]
        return alive[max(alive)] if alive else None

    @contextmanager
    def _undone(self, model: Any) -> Iterator[None]:
        """Put all weights back; meanwhile nothing is taken for training of the student's."""
        variables = list(model.weights)
        before = self._adapter.values(variables)
        inside, self._training.inside = self._training.inside, True
        self._inputs.watch.probing = True
        try:
            yield
        finally:
            self._training.inside = inside
            self._inputs.watch.probing = False
            for variable, value, now in zip(variables, before, self._adapter.values(variables), strict=True):
                if not np.array_equal(now, value, equal_nan=True):
                    variable.assign(value)

    def _replay_kept(self, _: Any) -> None:
        """Send what was kept of data that a graph was run on through its model, up to the base."""
        for kept in self._inputs.watch.kept:
            model = kept.model()
            if model is None or not self._inputs.holds_base(model):
                continue
            with self._undone(model):
                arrived = self._inputs.arriving(model, kept.images, training=kept.mode == "training")
            if arrived is not None:
                run = Run(model, self._book.number(model), kept.mode, kept.source, place=kept.place)
                self._inputs.write(run, "", arrived)

    def _images(self, model: Any, folder: Path) -> np.ndarray:
        """The grader's images as the model takes them; as they are where it is not known how it takes them."""
        size = self._size(model)
        # Where an assignment ships no images, noise tells as well what a model does with its inputs.
        noise = np.random.default_rng(0).integers(0, 256, (NOISE, *size, 3), np.uint8)
        images = np.stack(list(read_images(folder, size)) or list(noise))
        fed = self._fed(model, images)
        return images.astype(np.float32) if fed is None else fed

    def _size(self, model: Any) -> tuple[int, int]:
        shape = getattr(model, "input_shape", None)
        if isinstance(shape, tuple) and len(shape) == 4 and shape[1] and shape[2]:
            return int(shape[1]), int(shape[2])
        return self._image_size

    def _fed(self, model: Any, images: np.ndarray) -> np.ndarray | None:
        given = self._inputs.watch.given.get(model)
        if given is None:
            return None
        for preprocess in (None, *self._preprocess.values()):
            fed = in_scale_of(images, given.low, given.high, preprocess)
            if fed is not None:
                return fed
        return None

    def _augmentation(self, model: Any, images: np.ndarray) -> None:
        varies = {}
        for training in (True, False):
            passes = [self._inputs.arriving(model, images, training=training) for _ in range(PASSES)]
            first, *others = [arrived for arrived in passes if arrived is not None]
            scale = max(float(np.std(first)), 1e-9)
            varies[training] = any(float(np.max(np.abs(other - first))) > SAME * scale for other in others)
        self._journal.event(
            "augmentation",
            model=self._book.number(model),
            training=varies[True],
            prediction=varies[False],
            images=len(images),
            passes=PASSES,
        )

    def _batch(self, model: Any, images: np.ndarray) -> None:
        together = self._predicted(model, images[: MATES + 1])[0]
        alone = self._predicted(model, images[:1])[0]
        difference, scale = float(np.max(np.abs(together - alone))), float(np.max(np.abs(together)))
        # What gives another answer each time does so alone as well; what gives the same answer needs no second look.
        answers_alike = difference <= ROUNDING * scale
        noise = 0.0 if answers_alike else float(np.max(np.abs(self._predicted(model, images[:1])[0] - alone)))
        self._journal.event(
            "batch",
            model=self._book.number(model),
            difference=difference,
            noise=noise,
            scale=scale,
            mates=len(images[: MATES + 1]) - 1,
        )

    def _predicted(self, model: Any, images: np.ndarray) -> np.ndarray:
        """What `predict` gives for one batch; eagerly, because tracing a graph for a few images takes far longer."""
        with EagerMode(model):
            return np.asarray(model.predict_on_batch(images), np.float64)

    def _accuracy(self, model: Any, folder: Path) -> None:
        outputs: list[Any] = []
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
        for start in range(0, len(paths), BATCH):
            batch = np.stack([read_image(path, self._size(model)) for path in paths[start : start + BATCH]])
            fed = self._fed(model, batch)
            if fed is None:
                reason = "It could not be told in which scale the model takes its images."
                self._refuse("accuracy", model, reason)
                return
            outputs.extend(self._predicted(model, fed))
        last = getattr(getattr(model, "layers", [None])[-1], "activation", None)
        self._journal.event(
            "predictions",
            model=self._book.number(model),
            names=[path.name for path in paths],
            outputs=[[float(f"{value:.4g}") for value in np.ravel(output)] for output in outputs],
            activation=getattr(last, "__name__", ""),
        )


def trained_models(folder: Path) -> list[int]:
    """Numbers of the models that the journal in this folder says were trained, in order; without training that broke
    off before its first step, unless there was no other."""
    trained: list[dict[str, Any]] = []
    broken = set()
    for line in (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines():
        if line.startswith(('{"event": "training"', '{"event": "custom_training"')):
            trained.append(json.loads(line))
        elif line.startswith('{"event": "trained"'):
            end = json.loads(line)
            if end["error"] and not end["steps"]:
                broken.add(end["id"])
    ran = [event for event in trained if event.get("id") not in broken]
    return [int(event["model"]) for event in ran or trained]


def read_images(folder: Path, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """The images in a folder, in order of their names."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in ENDINGS:
            yield read_image(path, size)


def read_image(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Height and width as asked, three channels from 0 to 255."""
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((size[1], size[0])))

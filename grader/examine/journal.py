"""The recorder's journal, read back with suspicion: sizes capped, every line validated, nothing executed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, TypeAdapter, ValidationError

from grader.examine.wall import RefusedError, parse_json, read_bytes

__all__ = [
    "ApplicationEvent",
    "CallEvent",
    "CompileEvent",
    "FrozenFacts",
    "Journal",
    "LayerFacts",
    "LossFacts",
    "ModelEvent",
    "PlaceFacts",
    "TrainingEvent",
    "WeightFacts",
    "read_journal",
]

MOST_BYTES = 50 * 10**6
"""A journal of the alpaca notebook has about 200 kB. A `fit` of all of MobileNetV2 takes 6 kB, since it names every
weight four times: there is room for eight thousand. Of thousands of `train_on_batch` a few are written down."""
MOST_LINES = 50_000
"""A stretch of training takes four."""
Size = Annotated[int, Field(ge=0, le=10**10)]
"""Of one dimension of a weight."""


class Event(BaseModel):
    """A line of the journal."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PlaceFacts(Event):
    """Where in the notebook, in the kernel's terms."""

    count: int
    """Execution count of the cell."""
    line: int | None = None


class WeightFacts(Event):
    """One weight of a layer."""

    role: str
    shape: Annotated[tuple[Size, ...], Field(max_length=8)]
    trains: bool
    """Whether gradients can train it at all."""


class LayerFacts(Event):
    """One layer of a model."""

    number: int
    name: str
    kind: str
    nested: bool
    own: tuple[WeightFacts, ...]
    settings: dict[str, int | float | bool | str | tuple[int, ...]] = {}
    """What its config says, as far as it is short and plain."""


class ModelEvent(Event):
    """What a model (or a layer with layers of its own) is made of."""

    event: Literal["model"]
    model: int
    name: str
    kind: str
    is_model: bool
    layers: tuple[LayerFacts, ...]
    own: tuple[WeightFacts, ...] = ()
    config: str | None = None
    input_shape: tuple[int | None, ...] | None = None
    """With the batch first; None where the model has no single one."""
    output_shape: tuple[int | None, ...] | None = None


class LayerCallEvent(Event):
    """Code of the student's own (the `call` of a model or layer) called a layer."""

    event: Literal["layer_call"]
    container: int
    layer: int
    before: str = Field(max_length=20)
    """Effect of the code since the last layer that it called; ``same``: none."""


class LayerEndEvent(Event):
    """Code of the student's own returned."""

    event: Literal["layer_end"]
    container: int
    before: str = Field(max_length=20)


class EffectEvent(Event):
    """What a layer that holds code does, as seen on one batch."""

    event: Literal["effect"]
    layer: int
    effect: str = Field(max_length=20)


class ApplicationEvent(Event):
    """A pretrained network was built."""

    event: Literal["application"]
    application: str
    model: int
    weights: str | None
    file: str
    include_top: bool
    place: PlaceFacts | None


class MissingWeightsEvent(Event):
    """The store lacked the file that an application asked for."""

    event: Literal["missing_weights"]
    application: str
    file: str
    input_shape: tuple[int, int, int] | None = None


class CallEvent(Event):
    """A model was called."""

    event: Literal["call"]
    model: int
    training: Literal["true", "false", "unset", "dynamic"]
    symbolic: bool
    by_student: bool
    within: int | None = None
    """The layer in whose own call the call was made."""
    place: PlaceFacts | None


class LossFacts(Event):
    """The loss that a model was compiled with."""

    name: str
    form: Literal["text", "object", "function", "several"]
    framework: bool
    """Whether it is one of Keras's or TensorFlow's own."""
    from_logits: bool | None = None


class CompileEvent(Event):
    """A model was compiled."""

    event: Literal["compile"]
    id: int
    model: int
    place: PlaceFacts | None
    loss: LossFacts | None = None
    trainable: tuple[str, ...] | None = None
    """Keys of the weights that `trainable` said would train, as `compile` was called."""


class FrozenFacts(Event):
    """What of a model was frozen at a moment."""

    layers: Annotated[tuple[int, ...], Field(max_length=20_000)]
    """Numbers of the layers whose own `trainable` was False, the model's among them."""
    weights: Annotated[tuple[Annotated[str, Field(max_length=40)], ...], Field(max_length=20_000)]
    """Keys of the weights that a flag of their own kept from training (Keras 3)."""


class FlagsEvent(Event):
    """What of a model was frozen when a cell had ended."""

    event: Literal["flags"]
    model: int
    frozen: FrozenFacts


class TrainingEvent(Event):
    """A stretch of training began, or was found at the end of its cell (``custom_training``)."""

    event: Literal["training", "custom_training"]
    id: int = 0
    kind: Literal["fit", "train_on_batch", "custom"] = "custom"
    model: int
    compile: int | None = None
    place: PlaceFacts | None
    epochs: int | None = None
    calls: Annotated[int, Field(ge=1, le=10**9)] = 1
    """Of `train_on_batch` that it stands for."""
    steps: int | None = None
    flagged: tuple[str, ...] | None
    trainable: tuple[str, ...] | None
    frozen: FrozenFacts | None = None
    """As compiled; None where that was not written down."""
    before: int
    after: int | None = None
    optimizer: str = ""
    learning_rate: float | None = None
    first_rate: float | None = None
    """The rate of the first update."""
    schedule: str = ""
    labels: tuple[int, ...] | None = None
    """Shape of one example's labels."""
    loss_name: str = ""
    loss: float | None = None
    error: str = ""


class TrainedEvent(Event):
    """The end of a stretch of training."""

    event: Literal["trained"]
    id: int
    after: int
    steps: int | None
    loss: float | None
    error: str
    first_rate: float | None = None
    labels: tuple[int, ...] | None = None
    flagged: tuple[str, ...] | None
    trainable: tuple[str, ...] | None


class SnapshotEvent(Event):
    """Weights were written."""

    event: Literal["snapshot"]
    id: int
    written: bool


class NoteEvent(Event):
    """Something for the reader."""

    event: Literal["note"]
    kind: Literal["compat", "weights", "bounded"]
    text: str = Field(max_length=1000)


class EnvironmentEvent(Event):
    """Versions."""

    event: Literal["environment"]
    python: str
    tensorflow: str
    keras: str
    keras_flavour: Literal["2", "3"]


class NoConfigEvent(Event):
    """A model whose config could not be had."""

    event: Literal["no_config"]
    model: int
    reason: str


AnyEvent = Annotated[
    ModelEvent
    | ApplicationEvent
    | MissingWeightsEvent
    | CallEvent
    | LayerCallEvent
    | LayerEndEvent
    | EffectEvent
    | CompileEvent
    | FlagsEvent
    | TrainingEvent
    | TrainedEvent
    | SnapshotEvent
    | NoteEvent
    | EnvironmentEvent
    | NoConfigEvent,
    Field(discriminator="event"),
]
EVENT: TypeAdapter[Any] = TypeAdapter(AnyEvent)


class Journal(BaseModel):
    """The events by kind, in the order in which they happened."""

    environment: EnvironmentEvent | None = None
    models: list[ModelEvent] = []
    applications: list[ApplicationEvent] = []
    missing_weights: list[MissingWeightsEvent] = []
    calls: list[CallEvent] = []
    layer_calls: list[LayerCallEvent] = []
    layer_ends: list[LayerEndEvent] = []
    effects: list[EffectEvent] = []
    compiles: list[CompileEvent] = []
    flags: list[FlagsEvent] = []
    trainings: list[TrainingEvent] = []
    snapshots: list[SnapshotEvent] = []
    notes: list[NoteEvent] = []
    damaged: int = 0
    """Lines that are none of the recorder's."""
    refused: str = ""
    """Why the file was not read at all; empty where it was, or where there is none."""
    _latest: dict[int, ModelEvent] = PrivateAttr(default_factory=dict)
    _known: int = PrivateAttr(default=0)

    def model(self, number: int) -> ModelEvent | None:
        """The latest description of this model or container."""
        for event in self.models[self._known :]:
            self._latest[event.model] = event
        self._known = len(self.models)
        return self._latest.get(number)

    def is_application(self, number: int) -> bool:
        """Whether this model is a bare application."""
        return any(event.model == number for event in self.applications)


def read_journal(folder: Path) -> Journal:
    """The journal in this folder; an empty one where the kernel wrote none.

    Lines that are not what the recorder writes are counted and left out.
    """
    journal = Journal()
    try:
        lines = read_bytes(folder, "journal.jsonl", MOST_BYTES).splitlines()
    except FileNotFoundError:
        return journal
    except RefusedError as exc:
        journal.refused = str(exc)
        return journal
    begun: dict[int, int] = {}
    for line in lines[:MOST_LINES]:
        try:
            event = EVENT.validate_python(parse_json(line), strict=False)
        except (ValueError, ValidationError):
            journal.damaged += 1
            continue
        _file(journal, event, begun)
    journal.damaged += max(0, len(lines) - MOST_LINES)
    return journal


def _file(journal: Journal, event: Any, begun: dict[int, int]) -> None:
    """Put the event in its place; `begun` has the place of each training by its id."""
    if isinstance(event, TrainedEvent):
        if event.id in begun:
            journal.trainings[begun[event.id]] = _finished(journal.trainings[begun[event.id]], event)
    elif isinstance(event, EnvironmentEvent):
        journal.environment = event
    else:
        lists: dict[type, list[Any]] = {
            ModelEvent: journal.models,
            ApplicationEvent: journal.applications,
            MissingWeightsEvent: journal.missing_weights,
            CallEvent: journal.calls,
            LayerCallEvent: journal.layer_calls,
            LayerEndEvent: journal.layer_ends,
            EffectEvent: journal.effects,
            CompileEvent: journal.compiles,
            FlagsEvent: journal.flags,
            TrainingEvent: journal.trainings,
            SnapshotEvent: journal.snapshots,
            NoteEvent: journal.notes,
        }
        if isinstance(event, TrainingEvent) and event.event == "training":
            begun[event.id] = len(journal.trainings)
        if type(event) in lists:
            lists[type(event)].append(event)


def _finished(begun: TrainingEvent, end: TrainedEvent) -> TrainingEvent:
    """What began, with how it ended."""
    return begun.model_copy(
        update={
            "after": end.after,
            "steps": end.steps,
            "loss": end.loss,
            "error": end.error,
            "first_rate": end.first_rate,
            "labels": end.labels,
            # A model that was built only by being trained could not tell before.
            "flagged": begun.flagged if begun.flagged is not None else end.flagged,
            "trainable": begun.trainable if begun.trainable is not None else end.trainable,
        }
    )

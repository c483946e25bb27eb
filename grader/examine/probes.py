"""What ran through the model: the recorder's second file, `probes.jsonl`, read with the suspicion that it deserves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat, TypeAdapter, ValidationError

from grader.assignment import Assignment
from grader.evidence import Place
from grader.evidence_probes import (
    AccuracyProbe,
    Arrival,
    AugmentationProbe,
    BatchProbe,
    Expectation,
    Generator,
    Probes,
    RandomStep,
    Values,
)
from grader.examine.journal import Event, PlaceFacts
from grader.examine.wall import RefusedError, parse_json, read_bytes
from grader.run.probing import hidden_images

__all__ = ["probes_of", "right_predictions"]

MOST_BYTES = 5 * 10**6
MOST_LINES = 20_000
MOST_ARRIVALS = 24
MOST_STEPS = 8

Numbers = Annotated[tuple[FiniteFloat, ...], Field(max_length=4)]
Wanted = Literal["inputs", "augmentation", "batch", "accuracy"]


class ValuesFacts(Event):
    """See `Values`."""

    low: Numbers
    high: Numbers
    mean: Numbers
    spread: Numbers
    images: int


class ArrivalEvent(Event):
    """Images reached a watched layer."""

    event: Literal["arrival"]
    model: int
    mode: Literal["training", "prediction"]
    source: Literal["fit", "validation", "evaluate", "predict", "call"]
    place: PlaceFacts | None
    values: ValuesFacts


class ExpectedEvent(Event):
    """What an application expects, or why that is not known."""

    event: Literal["expected"]
    model: int
    by: str = Field(default="", max_length=80)
    low: Numbers = ()
    high: Numbers = ()
    spread: Numbers = ()
    examples: Annotated[tuple[tuple[FiniteFloat, FiniteFloat], ...], Field(max_length=16)] = ()
    unknown: str = Field(default="", max_length=200)


class RandomStepEvent(Event):
    """A random layer or function in a pipeline."""

    event: Literal["random_step"]
    what: str = Field(max_length=80)
    acts: bool
    place: PlaceFacts | None


class GeneratorEvent(Event):
    """A model was fitted with data of an `ImageDataGenerator`."""

    event: Literal["generator"]
    model: int
    use: Literal["training", "validation"]
    arguments: Annotated[tuple[Annotated[str, Field(max_length=40)], ...], Field(max_length=12)]
    place: PlaceFacts | None


class AugmentationEvent(Event):
    """See `AugmentationProbe`."""

    event: Literal["augmentation"]
    model: int
    training: bool
    prediction: bool
    images: int
    passes: int


class BatchEvent(Event):
    """See `BatchProbe`."""

    event: Literal["batch"]
    model: int
    difference: FiniteFloat
    noise: FiniteFloat
    scale: FiniteFloat
    mates: int


class PredictionsEvent(Event):
    """What the model makes of the hidden images."""

    event: Literal["predictions"]
    model: int
    names: tuple[str, ...]
    outputs: tuple[tuple[FiniteFloat, ...], ...]
    activation: str


class UnprobedEvent(Event):
    """A probe was not made."""

    event: Literal["unprobed"]
    probe: Wanted
    model: int | None
    reason: str = Field(max_length=400)


AnyEvent = Annotated[
    ArrivalEvent
    | ExpectedEvent
    | RandomStepEvent
    | GeneratorEvent
    | AugmentationEvent
    | BatchEvent
    | PredictionsEvent
    | UnprobedEvent,
    Field(discriminator="event"),
]
EVENT: TypeAdapter[Any] = TypeAdapter(AnyEvent)
PlaceOf = Callable[[PlaceFacts | None], Place | None]


def probes_of(folder: Path, assignment: Assignment, application: int, models: Iterable[int], place: PlaceOf) -> Probes:
    """All that was measured of the model under test.

    Args:
        folder: where the recorder wrote.
        application: number of the network that the model's base goes back to.
        models: numbers of the model under test and of those like it, the model under test last.
        place: a place in the kernel's terms as one of the notebook.
    """
    numbers = tuple(models)
    subject = numbers[-1]
    events = read_events(folder)
    expected = last(event for event in events if isinstance(event, ExpectedEvent) and event.model == application)
    augmentation = last(e for e in events if isinstance(e, AugmentationEvent) and e.model == subject)
    batch = last(e for e in events if isinstance(e, BatchEvent) and e.model == subject)
    predictions = last(e for e in events if isinstance(e, PredictionsEvent) and e.model == subject)
    steps = [event for event in events if isinstance(event, RandomStepEvent)][:MOST_STEPS]
    generators = [event for event in events if isinstance(event, GeneratorEvent) and event.model in numbers]
    return Probes(
        expected=expectation_of(expected),
        unexpected=expected.unknown if expected else "",
        arrivals=arrivals_of([e for e in events if isinstance(e, ArrivalEvent) and e.model in numbers], place),
        random_steps=tuple(RandomStep(what=e.what, acts=e.acts, place=place(e.place)) for e in steps),
        generators=tuple(
            Generator(use=e.use, arguments=e.arguments, place=place(e.place)) for e in generators[:MOST_STEPS]
        ),
        augmentation=AugmentationProbe(**plain(augmentation)) if augmentation else None,
        batch=BatchProbe(**plain(batch)) if batch else None,
        accuracy=right_predictions(assignment, predictions.names, predictions.outputs, predictions.activation)
        if predictions
        else None,
        unprobed={
            event.probe: event.reason
            for event in events
            if isinstance(event, UnprobedEvent) and event.model in (None, subject)
        },
    )


def read_events(folder: Path) -> list[Any]:
    """The events that are such as the recorder writes."""
    try:
        lines = read_bytes(folder, "probes.jsonl", MOST_BYTES).splitlines()
    except (FileNotFoundError, RefusedError):
        return []
    events = []
    for line in lines[:MOST_LINES]:
        try:
            events.append(EVENT.validate_python(parse_json(line), strict=False))
        except (ValueError, ValidationError):
            # The kernel was killed while it wrote, or it is none of the recorder's: no evidence either way.
            continue
    return events


def last(events: Iterable[Any]) -> Any:
    """The last of them; None if there is none."""
    return next(reversed(list(events)), None)


def plain(event: Event) -> dict[str, Any]:
    """The facts of an event about one model, without what says which."""
    return event.model_dump(exclude={"event", "model"})


def expectation_of(event: ExpectedEvent | None) -> Expectation | None:
    """What the base expects, if that was measured."""
    if event is None or event.unknown or not event.low or len(event.low) != len(event.high):
        return None
    spread = event.spread if len(event.spread) == len(event.low) else ()
    return Expectation(by=event.by, low=event.low, high=event.high, spread=spread, examples=event.examples)


def arrivals_of(events: list[ArrivalEvent], place: PlaceOf) -> tuple[Arrival, ...]:
    """What reached the base, the same line and mode taken together."""
    merged: dict[tuple[Any, ...], Arrival] = {}
    for event in events:
        facts = event.values
        if len({len(facts.low), len(facts.high), len(facts.mean), len(facts.spread)}) != 1 or facts.images < 1:
            continue
        values = Values(**facts.model_dump())
        key = (event.mode, event.source, event.place and (event.place.count, event.place.line))
        before = merged.get(key)
        if before is not None and len(before.values.low) == len(values.low):
            values = together(before.values, values)
        elif before is None and len(merged) >= MOST_ARRIVALS:
            continue
        merged[key] = Arrival(mode=event.mode, source=event.source, place=place(event.place), values=values)
    return tuple(merged.values())


def together(one: Values, other: Values) -> Values:
    """Two measurements as one."""
    total = one.images + other.images
    share = one.images / total
    pairs = list(zip(one.mean, other.mean, strict=True))
    mean = tuple(share * a + (1 - share) * b for a, b in pairs)
    squares = (
        share * (a**2 + m**2) + (1 - share) * (b**2 + n**2)
        for (m, n), a, b in zip(pairs, one.spread, other.spread, strict=True)
    )
    return Values(
        low=tuple(map(min, one.low, other.low)),
        high=tuple(map(max, one.high, other.high)),
        mean=mean,
        spread=tuple(max(0.0, square - m**2) ** 0.5 for square, m in zip(squares, mean, strict=True)),
        images=total,
    )


def right_predictions(
    assignment: Assignment, names: Iterable[str], outputs: Iterable[tuple[float, ...]], activation: str
) -> AccuracyProbe | None:
    """How many of the hidden images the model got right; None where its outputs do not fit the classes.

    Classes are numbered in the order of their folders' names, as Keras does. One output is the second class's: its
    probability, or its logit unless the output is a sigmoid's.
    """
    paths = hidden_images(assignment) if assignment.files.hidden else []
    classes = sorted({path.parent.name for path in paths})
    by_name = dict(zip(names, outputs, strict=False))
    rows = [by_name.get(f"{number:04}{path.suffix.lower()}") for number, path in enumerate(paths)]
    if not rows:
        return AccuracyProbe(correct=0, total=0)
    if any(row is None or len(row) not in (1, len(classes)) for row in rows):
        return None
    correct = 0
    for path, row in zip(paths, rows, strict=True):
        assert row is not None
        if len(row) == 1:
            chosen = int(row[0] > (0.5 if activation == "sigmoid" else 0.0))
        else:
            chosen = max(range(len(row)), key=lambda index: row[index])
        correct += chosen < len(classes) and classes[chosen] == path.parent.name
    return AccuracyProbe(correct=correct, total=len(paths))

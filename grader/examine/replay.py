"""What a replay answered -> evidence, and what becomes of evidence that it contradicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, TypeAdapter, ValidationError

from grader.evidence import Drift, Evidence, Note, Phase
from grader.evidence_probes import BatchProbe, depends_on_mates
from grader.evidence_replay import Answer, Counterfactual, Disagreement, Replay, ReplayedPhase, Step
from grader.examine.journal import Event
from grader.examine.rebuilding import Measurement, Plan
from grader.examine.wall import RefusedError, parse_json, read_bytes
from grader.run.replay.request import ANSWERS, MOST_OUTPUTS

__all__ = ["COMPARED", "read_replay", "reconciled"]

MOST_BYTES = 10**7
MOST_LINES = 1000
MOST_NAMED = 6
"""Layers that a note names."""
COMPARED: Literal["false"] = "false"
"""Mode in which the rebuilt model's answer is compared with the recorder's probe: as `predict` calls a model."""
WORDS = {
    "trainable": "which layers of the base could train",
    "moved": "which layers of the base changed",
    "statistics": "which layers' moving statistics changed",
    "batch": "whether a prediction depends on its batch-mates",
}
Key = Annotated[str, Field(max_length=40)]
Keys = Annotated[tuple[Key, ...], Field(max_length=20_000)]
Outputs = Annotated[tuple[FiniteFloat, ...], Field(max_length=MOST_OUTPUTS)]
Statistics = dict[int, tuple[FiniteFloat, FiniteFloat]]


class StepFacts(Event):
    """What one step changed."""

    trainable: Keys
    gradients: Keys
    moved: Keys
    statistics: Statistics


class AnswerFacts(Event):
    """See `Answer`."""

    training: Literal["unset", "false", "true"]
    alone: Outputs
    together: Outputs
    difference: FiniteFloat
    noise: FiniteFloat
    scale: FiniteFloat
    mates: int
    statistics: Statistics


class Line(Event):
    """What came of one item of the request."""

    item: int
    step: StepFacts | None = None
    answers: tuple[AnswerFacts, ...] = ()
    misfit: str = Field(default="", max_length=300)
    error: str = Field(default="", max_length=400)


LINE: TypeAdapter[Line] = TypeAdapter(Line)


def read_replay(
    folder: Path, plan: Plan, why: Literal["always", "failed", "suspicious", "sampled"], died: str
) -> Replay:
    """What was measured.

    Args:
        folder: with what the child wrote.
        plan: what it was asked.
        died: how it ended, where it did not end well.
    """
    lines = {line.item: line for line in read_lines(folder)}
    misfits = list(dict.fromkeys(line.misfit for line in lines.values() if line.misfit))
    if misfits:
        reason = f"What was written down of the model does not belong together: {misfits[0]}."
        return Replay(why=why, outcome="misfit", reason=reason)
    answers: list[Answer] = []
    phases: list[ReplayedPhase] = []
    counterfactuals: list[Counterfactual] = []
    unmeasured = list(plan.unmeasured)
    for number, asked in enumerate(plan.measurements):
        line = lines.get(number)
        if line is None or line.error:
            unmeasured.append(missing(asked, line.error if line else died or "the process ended"))
        elif line.step is not None and asked.phase is not None:
            step = step_of(line.step, asked)
            if asked.wish is None:
                phases.append(ReplayedPhase(index=asked.phase, step=step))
            else:
                mend = asked.wish
                counterfactuals.append(Counterfactual(mend=mend.mend, phase=asked.phase, start=mend.start, step=step))
        elif asked.wish is None:
            answers.extend(answer_of(facts, asked) for facts in line.answers)
        elif line.answers:
            counterfactuals.append(Counterfactual(mend=asked.wish.mend, answer=answer_of(line.answers[0], asked)))
    if not answers and not phases:
        reason = f"Nothing could be measured: {unmeasured[0][0].lower()}{unmeasured[0][1:]}" if unmeasured else ""
        return Replay(why=why, outcome="broke", reason=reason or "Nothing was asked.", unmeasured=tuple(unmeasured))
    return Replay(
        why=why,
        outcome="done",
        answers=tuple(answers),
        phases=tuple(phases),
        counterfactuals=tuple(counterfactuals),
        unmeasured=tuple(unmeasured),
    )


def read_lines(folder: Path) -> Iterator[Line]:
    """The lines that are such as the child writes."""
    try:
        lines = read_bytes(folder, ANSWERS, MOST_BYTES).splitlines()
    except (FileNotFoundError, RefusedError):
        return
    for line in lines[:MOST_LINES]:
        try:
            yield LINE.validate_python(parse_json(line), strict=False)
        except (ValueError, ValidationError):  # It was killed while it wrote.
            continue


def missing(asked: Measurement, why: str) -> str:
    """What was not measured, as a sentence."""
    what = f"phase {asked.phase}" if asked.phase is not None else "the trained model"
    mended = f" with {asked.wish.mend} mended" if asked.wish else ""
    return f"What {what} does{mended} was not measured: {why.rstrip('.')}."[:400]


def step_of(facts: StepFacts, asked: Measurement) -> Step:
    """A step as evidence."""
    base = asked.base
    inner = base.keys()
    return Step(
        trainable=base.indices(set(facts.trainable)),
        gradients=base.indices(set(facts.gradients)),
        moved=base.indices(set(facts.moved)),
        drift=drift_of(facts.statistics, asked),
        head_trainable=len(set(facts.trainable) - inner),
        head_moved=len(set(facts.moved) - inner),
    )


def answer_of(facts: AnswerFacts, asked: Measurement) -> Answer:
    """An answer as evidence."""
    drift = tuple(drift.layer for drift in drift_of(facts.statistics, asked))
    return Answer(**facts.model_dump(exclude={"statistics"}), drift=drift)


def drift_of(statistics: Statistics, asked: Measurement) -> tuple[Drift, ...]:
    """By the layers of the base; a head's own BatchNorm is none of it."""
    return tuple(
        Drift(layer=index, mean=statistics[leaf.number][0], variance=statistics[leaf.number][1])
        for index, member in enumerate(asked.base.members)
        for leaf in member.leaves
        if leaf.number in statistics
    )


def reconciled(evidence: Evidence, replay: Replay) -> Evidence:
    """The evidence with the replay in it. Where the two disagree, the replay's word counts, and staff are told.

    Three things are replaced: which layers a phase could train (by the flags as compiled, on this very Keras), which
    moving statistics it changed (those that the replay changes count as changed; what the recorder saw change stays),
    and whether a prediction depends on its batch-mates. What moved is not: a gradient may have been zero, or weights
    been put back, which is no lesser fact for being strange.
    """
    found = list(disagreements(evidence, replay))
    replay = replay.model_copy(update={"disagreements": tuple(found)})
    phases = tuple(replaced(phase, replay.step(phase.index), found) for phase in evidence.phases)
    probes = evidence.probes
    answer = replay.answer(COMPARED)
    if answer is not None and depends_on_mates(answer) is not None:
        told = any(one.what == "batch" for one in found)
        # Where nobody asked for it, there is neither a probe nor a reason why there is none.
        if told or (probes.batch is None and "batch" in probes.unprobed):
            batch = BatchProbe(difference=answer.difference, noise=answer.noise, scale=answer.scale, mates=answer.mates)
            probes = probes.model_copy(update={"batch": batch})
    notes = (*evidence.notes, *(Note(kind="integrity", text=told_of(one, evidence)) for one in found))
    notes += tuple(remarks(replay))
    return evidence.model_copy(update={"phases": phases, "probes": probes, "notes": notes, "replay": replay})


def disagreements(evidence: Evidence, replay: Replay) -> Iterator[Disagreement]:
    """What recorder and replay do not say alike. Of a loop of the student's own only the recorder knows."""
    for phase in evidence.phases:
        step = replay.step(phase.index)
        if step is None or phase.kind == "custom" or phase.error or phase.steps == 0:
            continue
        if set(phase.trainable) != set(step.trainable):
            yield Disagreement(what="trainable", phase=phase.index, recorded=phase.trainable, replayed=step.trainable)
        # Not what moved in the replay: its loss is another one, and a gradient may be zero for the one and not for the
        # other. A weight that no gradient reaches cannot move; a head that moves alone above an open base is strange.
        if set(phase.moved) - set(step.gradients):
            yield Disagreement(what="moved", phase=phase.index, recorded=phase.moved, replayed=step.gradients)
        elif step.moved and not phase.moved and phase.head.moved:
            yield Disagreement(what="moved", phase=phase.index, recorded=phase.moved, replayed=step.moved)
        drifted, would = layers_of(phase.drift), layers_of(step.drift)
        if drifted != would:
            yield Disagreement(what="statistics", phase=phase.index, recorded=drifted, replayed=would)
    answer, probe = replay.answer(COMPARED), evidence.probes.batch
    if answer is not None and probe is not None:
        mine, its = depends_on_mates(answer), depends_on_mates(probe)
        if mine is not None and its is not None and mine != its:
            yield Disagreement(what="batch")


def layers_of(drift: Sequence[Drift]) -> tuple[int, ...]:
    """Of which it tells."""
    return tuple(one.layer for one in drift)


def replaced(phase: Phase, step: Step | None, found: Sequence[Disagreement]) -> Phase:
    """The phase by the replay's word, where that is another one."""
    disputed = {one.what for one in found if one.phase == phase.index}
    if step is None:
        return phase
    changes: dict[str, object] = {}
    if "trainable" in disputed:
        changes["trainable"] = step.trainable
        changes["head"] = phase.head.model_copy(update={"trainable": min(step.head_trainable, phase.head.tensors)})
    if "statistics" in disputed:
        seen = set(layers_of(phase.drift))
        drift = (*phase.drift, *(one for one in step.drift if one.layer not in seen))
        changes["drift"] = tuple(sorted(drift, key=lambda one: one.layer))
    return phase.model_copy(update=changes) if changes else phase


def told_of(one: Disagreement, evidence: Evidence) -> str:
    """For staff: what is disputed, which layers, and whose word counts."""
    where = f"Phase {one.phase}" if one.phase is not None else "The trained model"
    begin = f"{where}: the recorder and the replay of the model disagree on {WORDS[one.what]}."
    if one.what == "batch":
        return f"{begin} The replay's word was taken."
    only_recorded = sorted(set(one.recorded) - set(one.replayed))
    only_replayed = sorted(set(one.replayed) - set(one.recorded))
    sides = [
        f"{side} alone: {named(evidence, layers)}."
        for side, layers in (("The recorder", only_recorded), ("The replay", only_replayed))
        if layers
    ]
    kept = {
        "moved": "What was recorded was left as it is.",
        "statistics": "All of them count as changed.",
    }.get(one.what, "The replay's word was taken.")
    return " ".join([begin, *sides, kept])


def named(evidence: Evidence, layers: Sequence[int]) -> str:
    """The first few by name and index."""
    names = {layer.index: layer.name for layer in evidence.base.layers} if evidence.base else {}
    shown = ", ".join(f"`{names.get(index, '?')}` ({index})" for index in layers[:MOST_NAMED])
    more = len(layers) - MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def remarks(replay: Replay) -> Iterator[Note]:
    """What staff should know of a replay that was not, or not wholly, done."""
    if replay.outcome == "misfit":
        yield Note(kind="integrity", text=f"The model was not rebuilt and measured by the grader. {replay.reason}")
    elif replay.outcome != "done":
        yield Note(kind="replay", text=f"The model was not rebuilt and measured by the grader. {replay.reason}")
    elif replay.unmeasured:
        yield Note(kind="replay", text=f"The replay is not complete. {' '.join(replay.unmeasured[:3])}")

"""Whether the replay of the reference notebooks agrees with what the recorder saw of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grader.evidence import Evidence
from grader.verify.records import Record
from grader.verify.verdict import Mismatch

__all__ = ["agreement", "judge_replay"]


def judge_replay(evidence: Evidence) -> Iterator[Mismatch]:
    """What the two do not say alike, and what was not replayed by the grader's own fault."""
    replay = evidence.replay
    if replay is None:
        return
    for one in replay.disagreements:
        where = f"phase {one.phase}" if one.phase else "the trained model"
        what = f"the replay of {where} agrees on `{one.what}`"
        yield Mismatch("", what, f"recorder {list(one.recorded)}, replay {list(one.replayed)}")
    if replay.outcome in ("broke", "misfit"):
        yield Mismatch("", "a replay", replay.reason)
    elif replay.outcome == "done" and replay.unmeasured:
        yield Mismatch("", "a whole replay", " ".join(replay.unmeasured))


def agreement(records: Sequence[Record]) -> Iterator[str]:
    """Lines that sum it up; none where nothing was replayed."""
    replayed = [(record, replay) for record in records if (replay := record.evidence.replay) is not None]
    if not replayed:
        return
    done = [(record, replay) for record, replay in replayed if replay.outcome == "done"]
    phases = sum(len(replay.phases) for _, replay in done)
    alike = sum(not replay.disagreements for _, replay in done)
    yield f"replay: {len(done)} of {len(replayed)} models rebuilt, {phases} phases; {alike} agree with the recorder"
    for record, replay in done:
        for one in replay.disagreements:
            where = f"phase {one.phase}" if one.phase else "the trained model"
            yield f"  {record.name}[keras{record.keras}] disagrees on {one.what} in {where}"
    for record, replay in replayed:
        if replay.outcome != "done":
            yield f"  {record.name}[keras{record.keras}] {replay.outcome}: {replay.reason}"

"""When a submission gets a second opinion, what that is asked, and what becomes of its word.

    evidence ─ reason_to_replay ─ wishes_for ─▶ Rebuilding ─▶ a child measures ─▶ read_replay ─▶ reconciled evidence

A replay takes seconds, so that by default it is made only where it can teach or find something.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from grader.assignment import Assignment
from grader.errors import GraderError
from grader.evidence import Evidence
from grader.evidence_replay import Replay
from grader.examine.rebuilding import MODES, NotRebuiltError, Rebuilding, Wish
from grader.examine.replay import COMPARED, read_replay, reconciled
from grader.feedback.report import asked_start
from grader.options import ReplayPolicy
from grader.results import CheckResult, Outcome
from grader.run.execution import Execution
from grader.run.kernel import KernelStarter
from grader.run.replay.process import run_replay
from grader.submission import Submission

__all__ = ["SHARE", "TEACHES", "reason_to_replay", "second_opinion", "wishes_for"]

log = logging.getLogger(__name__)

Why = Literal["always", "failed", "suspicious", "sampled"]
SHARE = 0.05
"""Of the submissions with nothing to find fault with, how many are replayed all the same."""
TEACHES = frozenset({"TL101", "TL103", "TL201", "TL202", "TL203", "TL401", "TL402"})
"""Checks on which a replay has a word: where one of these fails, it is made."""


def reason_to_replay(
    policy: ReplayPolicy, evidence: Evidence, results: Sequence[CheckResult], sha256: str
) -> Why | None:
    """Why this submission is to be replayed; None where it is not.

    Args:
        sha256: of the submission, hexadecimal: the same file is always drawn, or never.
    """
    if policy == "never" or evidence.base is None:
        return None
    if policy == "always":
        return "always"
    if any(result.code in TEACHES and result.outcome is Outcome.FAILED for result in results):
        return "failed"
    if suspicious(evidence):
        return "suspicious"
    return "sampled" if int(sha256[-8:], 16) < SHARE * 2**32 else None


def suspicious(evidence: Evidence) -> bool:
    """Whether the log and the weights do not say the same, or something was tampered with."""
    if any(note.kind == "integrity" for note in evidence.notes):
        return True
    for phase in evidence.phases:
        if phase.kind == "custom" or phase.error or phase.role == "other":
            continue
        if set(phase.moved) - set(phase.trainable):
            return True
        if phase.trainable and phase.head.moved and not phase.moved:
            return True
    return False


def wishes_for(evidence: Evidence, results: Sequence[CheckResult], start: int | None) -> list[Wish]:
    """Which faults to mend: those that the checks found.

    Args:
        start: first base layer that the assignment asks to fine-tune; None where it asks for none.
    """
    failed = {result.code for result in results if result.outcome in (Outcome.FAILED, Outcome.WARNED)}
    head, tuned = evidence.phase("head"), evidence.phase("fine-tuning")
    wishes: list[Wish] = []
    if failed & {"TL103", "TL203"}:
        drifting = next((phase for phase in evidence.phases if phase.drift and phase.role != "other"), tuned)
        if drifting is not None:
            wishes += [Wish("inference-mode", drifting.index), Wish("batchnorm-frozen", drifting.index)]
    if (
        failed & {"TL103", "TL402"}
        and evidence.base is not None
        and any(call.training == "true" for call in evidence.base.calls)
    ):
        wishes.append(Wish("inference-mode"))
    if "TL101" in failed and head is not None:
        wishes.append(Wish("base-frozen", head.index))
    if failed & {"TL201", "TL202"} and tuned is not None and start is not None:
        wishes.append(Wish("layers-unfrozen", tuned.index, start))
    return wishes


def questions(
    why: Why, evidence: Evidence, results: Sequence[CheckResult], start: int | None
) -> tuple[list[Wish], tuple[str, ...]]:
    """Which faults to mend, and in which modes the trained model is to answer.

    One that was only drawn is asked no more than tells whether the recorder was right. Whoever is drawn gets the
    feedback that they would have got anyway.
    """
    return ([], (COMPARED,)) if why == "sampled" else (wishes_for(evidence, results, start), MODES)


def second_opinion(
    evidence: Evidence,
    results: Sequence[CheckResult],
    why: Why,
    run: tuple[Submission, Assignment, Execution],
    folder: Path,
    process: tuple[KernelStarter, str],
) -> Evidence:
    """The evidence with the replay's word in it. Whatever fails here is told to staff and costs nothing.

    Args:
        results: of the checks on this evidence.
        run: what was run, under which assignment, and what it left.
        folder: an empty one, for what the replay reads and writes.
        process: how its process starts, and how strong the walls around it must be.
    """
    submission, assignment, execution = run
    given, target = folder / "given", folder / "taken"
    for path in (given, target):
        path.mkdir(parents=True)
    try:
        rebuilding = Rebuilding(submission, assignment, execution, evidence)
        plan = rebuilding.plan(given, *questions(why, evidence, results, asked_start(assignment)))
        died = run_replay(given, target, evidence.environment.keras_flavour, *process).died
        replay = read_replay(target, plan, why, died)
    except NotRebuiltError as exc:
        replay = Replay(why=why, outcome=exc.outcome, reason=exc.reason)
    except Exception as exc:
        # A second opinion that cannot be had is no reason to have none: what the run showed stands.
        log.exception("the replay of %s failed", submission.name)
        told = exc.message if isinstance(exc, GraderError) else f"{type(exc).__name__}: {exc}"
        replay = Replay(why=why, outcome="broke", reason=f"The grader failed at it: {told[:300]}")
    return reconciled(evidence, replay)

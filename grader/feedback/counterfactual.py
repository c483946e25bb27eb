"""What the student's own model does with one fault mended, in a sentence: only what the replay measured."""

from __future__ import annotations

from grader.evidence import Evidence, Phase
from grader.evidence_probes import differs
from grader.evidence_replay import Mend, Step
from grader.feedback.wording import plural, version_text

__all__ = ["with_base_frozen", "with_batchnorm_frozen", "with_layers_unfrozen", "with_training_false"]

TRIED = "Tried on your own model:"


def with_training_false(evidence: Evidence) -> str:
    """`training=False` in the call of the base: what happens to answers, and to moving statistics."""
    parts = [part for part in (answers(evidence), statistics(evidence)) if part]
    return " ".join([f"{TRIED} {parts[0]}", *(f"{part[0].upper()}{part[1:]}" for part in parts[1:])]) if parts else ""


def answers(evidence: Evidence) -> str:
    """One image alone and among others, with the argument and as it is; empty where nothing hangs on it."""
    replay = evidence.replay
    mended = replay.counterfactual("inference-mode") if replay else None
    now = replay.answer("false") if replay else None
    if now is None or mended is None or mended.answer is None or not differs(now) or differs(mended.answer):
        return ""
    # Of several outputs, the one that shows it best.
    place = max(range(len(now.alone)), key=lambda index: abs(now.alone[index] - now.together[index]))
    then = mended.answer
    if place >= len(then.alone):
        return ""
    digits = 2 if abs(now.alone[place] - now.together[place]) >= 0.01 else 4
    shown = [f"{value:.{digits}f}" for one in (then, now) for value in (one.alone[place], one.together[place])]
    return (
        f"with `training=False` in that call, the output for the same image is {shown[0]} alone and {shown[1]} among "
        f"others; as it is, {shown[2]} and {shown[3]}."
    )


def statistics(evidence: Evidence) -> str:
    """How many layers' moving statistics change with the argument, with BatchNorm frozen, and as it is."""
    phase = next((phase for phase in evidence.phases if phase.drift), None)
    if phase is None:
        return ""
    called, frozen = step_with(evidence, "inference-mode", phase), step_with(evidence, "batchnorm-frozen", phase)
    total = sum(layer.is_batchnorm for layer in evidence.base.layers) if evidence.base else 0
    run = f"In your run {many(len(phase.drift))} did."
    if called is not None and not called.drift:
        total_text = f"its {plural(total, 'BatchNorm layer')}"
        return f"with `training=False` in that call, {drifting(0, total_text)} in phase {phase.index}. {run}"
    still = ""
    if called is not None:
        keras = version_text(evidence.environment.keras)
        still = (
            f"with `training=False` in that call, Keras {keras} still changes the moving statistics of "
            f"{len(called.drift)} BatchNorm layers in phase {phase.index}, because its `fit` overrides the argument."
        )
    if frozen is None:
        return f"{still} {run}" if still else ""
    if still:
        return f"{still} With the base's BatchNorm layers frozen, {doing(len(frozen.drift))}. {run}"
    some = drifting(len(frozen.drift), f"the {total}")
    return f"with the base's BatchNorm layers frozen, {some} in phase {phase.index}. {run}"


def with_batchnorm_frozen(evidence: Evidence) -> str:
    """Each BatchNorm layer of the base frozen, where the argument is right already."""
    phase = next((phase for phase in evidence.phases if phase.drift), None)
    step = step_with(evidence, "batchnorm-frozen", phase) if phase else None
    if phase is None or step is None:
        return ""
    return (
        f"{TRIED} with the BatchNorm layers frozen as well, {drifting(len(step.drift), 'them')} in phase "
        f"{phase.index}. In your run {many(len(phase.drift))} did."
    )


def with_base_frozen(evidence: Evidence) -> str:
    """The whole base frozen while the head trains."""
    phase = evidence.phase("head")
    step = step_with(evidence, "base-frozen", phase) if phase else None
    if phase is None or step is None:
        return ""
    learns = ", and the head learns all the same" if step.head_moved else ""
    some = f"{many(len(step.moved))} of its layers {changing(len(step.moved))}"
    return (
        f"{TRIED} with the base frozen, {some} in phase {phase.index}{learns}. "
        f"In your run {many(len(phase.moved))} did."
    )


def with_layers_unfrozen(evidence: Evidence) -> str:
    """The asked layers unfrozen before `compile`."""
    phase = evidence.phase("fine-tuning")
    found = evidence.replay.counterfactual("layers-unfrozen", phase.index) if evidence.replay and phase else None
    if phase is None or found is None or found.step is None or found.start is None:
        return ""
    return (
        f"{TRIED} unfrozen from layer {found.start} on and compiled after that, "
        f"{plural(len(found.step.moved), 'layer')} of the base change in phase {phase.index}. "
        f"In your run {many(len(phase.moved))} did."
    )


def drifting(count: int, whole: str) -> str:
    """``none of them changes its moving statistics``."""
    return f"{many(count)} of {whole} {changing(count)} {'its' if count < 2 else 'their'} moving statistics"


def doing(count: int) -> str:
    """``none of them does``, ``12 of them do``."""
    return f"{many(count)} of them {'does' if count < 2 else 'do'}"


def changing(count: int) -> str:
    """The verb."""
    return "changes" if count < 2 else "change"


def many(count: int) -> str:
    """``none``, ``12``."""
    return str(count) if count else "none"


def step_with(evidence: Evidence, mend: Mend, phase: Phase) -> Step | None:
    """The step of this phase with this mended, if it was made."""
    found = evidence.replay.counterfactual(mend, phase.index) if evidence.replay else None
    return found.step if found else None

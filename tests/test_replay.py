"""The second opinion: when it is asked for, whose word counts, and what a reader is told of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_notebook

from grader.assignment import Assignment
from grader.batch.work import Task, task_of
from grader.checks import build_checks, run_checks
from grader.errors import AssignmentError
from grader.evidence import Drift, Evidence, HeadState, Note
from grader.evidence_probes import BatchProbe, Probes
from grader.evidence_replay import Answer, Counterfactual, Replay, ReplayedPhase, Step
from grader.examine.rebuilding import Plan, Wish
from grader.examine.replay import read_replay, reconciled
from grader.feedback.render import render
from grader.feedback.report import build_report
from grader.grade import Options, grade
from grader.replaying import reason_to_replay, wishes_for
from grader.results import CheckResult, Outcome, Report
from grader.submission import load_submission
from grader.weights import WeightsStore
from tests.evidence_samples import WEIGHTED, call, drift_of, judge, layers_from, said, textbook
from tests.notebooks import KERNELS

SOLUTION = Path(__file__).resolve().parent.parent / "reference" / "alpaca-mobilenetv2" / "solution.ipynb"
NEVER_DRAWN, DRAWN = "f" * 64, "0" * 64
TUNED = layers_from(120)
CHANGED = "Phase {}: the recorder and the replay of the model disagree on which layers of the base changed."


def step(layers: tuple[int, ...] = (), drift: tuple[Drift, ...] = (), moved: tuple[int, ...] | None = None) -> Step:
    """These layers could train, and did."""
    changed = layers if moved is None else moved
    return Step(trainable=layers, gradients=layers, moved=changed, drift=drift, head_trainable=2, head_moved=2)


def answer(alone: float = 0.62, together: float = 0.62, noise: float = 0.0, training: Any = "false") -> Answer:
    return Answer(
        training=training,
        alone=(alone,),
        together=(together,),
        difference=abs(alone - together),
        noise=noise,
        scale=1.0,
        mates=3,
    )


def replay(second: Step, first: Step | None = None, **changes: Any) -> Replay:
    """Of both phases."""
    phases = (ReplayedPhase(index=1, step=first or step()), ReplayedPhase(index=2, step=second))
    fields = {"why": "always", "outcome": "done", "answers": (answer(),), "phases": phases, **changes}
    return Replay(**fields)


def staff_notes(evidence: Evidence) -> list[str]:
    return [note.text for note in evidence.notes if note.kind in ("integrity", "replay")]


def scored(evidence: Evidence, assignment: Assignment) -> tuple[CheckResult, ...]:
    return run_checks(evidence, build_checks(assignment.checks, ""), assignment.policy)


# --- when ---------------------------------------------------------------------------------------------------


def failing(code: str) -> list[CheckResult]:
    return [CheckResult(code=code, name="", title="", outcome=Outcome.FAILED, points=0, max_points=1)]


def test_a_right_notebook_is_measured_again_only_where_it_is_drawn_or_the_policy_says_so() -> None:
    good = textbook()
    assert reason_to_replay("auto", good, [], NEVER_DRAWN) is None
    assert reason_to_replay("auto", good, [], DRAWN) == "sampled"
    assert reason_to_replay("always", good, [], NEVER_DRAWN) == "always"
    assert reason_to_replay("never", good, failing("TL103"), DRAWN) is None


def test_one_in_twenty_is_drawn() -> None:
    good = textbook()
    hashes = (f"{number:08x}" for number in range(0, 2**32, 2**22))
    drawn = sum(reason_to_replay("auto", good, [], one) == "sampled" for one in hashes)
    assert drawn / 2**10 == pytest.approx(0.05, abs=0.001)


def test_who_is_only_drawn_is_measured_for_the_comparison_alone_and_gets_the_same_feedback(alpaca: Assignment) -> None:
    """On Keras 3 the solution is warned of TL203, with a mend to try; nobody else's page would tell of it."""
    solution = load_submission(SOLUTION)
    drawn, other = (
        grade(replace(solution, sha256=sha256), alpaca, Options(keras="3"), starter=KERNELS)
        for sha256 in (DRAWN, NEVER_DRAWN)
    )
    measured = drawn.evidence.replay
    assert measured is not None and (measured.why, measured.outcome) == ("sampled", "done")
    assert [one.training for one in measured.answers] == ["false"]
    assert [phase.index for phase in measured.phases] == [1, 2]
    assert (measured.counterfactuals, measured.disagreements, measured.unmeasured) == ((), (), ())
    # Which statistics moved most, and by how much, hangs on random images; that is in the message alone.
    exclude = {"findings": {"__all__": {"message"}}}
    told = [[check.model_dump(exclude=exclude) for check in one.report.checks] for one in (drawn, other)]
    assert told[0] == told[1]
    assert "Tried on your own model" not in render(drawn.report, "markdown") + render(other.report, "markdown")


@pytest.mark.parametrize(
    ("code", "why"), [("TL103", "failed"), ("TL202", "failed"), ("TL402", "failed"), ("TL204", None)]
)
def test_a_failed_check_asks_for_it_if_it_has_a_word_on_that(code: str, why: str | None) -> None:
    assert reason_to_replay("auto", textbook(), failing(code), NEVER_DRAWN) == why


@pytest.mark.parametrize(
    "doubtful",
    [
        textbook(finetuning={"moved": WEIGHTED}),
        textbook(finetuning={"moved": ()}),
        textbook().model_copy(update={"notes": (Note(kind="integrity", text="1 line could not be read."),)}),
    ],
    ids=["more moved than could train", "only the head moved", "something was tampered with"],
)
def test_evidence_that_does_not_fit_together_asks_for_it(doubtful: Evidence) -> None:
    assert reason_to_replay("auto", doubtful, [], NEVER_DRAWN) == "suspicious"


def test_where_no_base_was_found_there_is_nothing_to_measure() -> None:
    bare = textbook().model_copy(update={"base": None})
    assert reason_to_replay("always", bare, failing("NB002"), DRAWN) is None


def test_the_faults_that_were_found_are_the_ones_to_mend(alpaca: Assignment) -> None:
    flag = textbook(calls=(call("unset"),), finetuning={"drift": drift_of(TUNED)})
    assert wishes_for(flag, scored(flag, alpaca), 120) == [Wish("inference-mode", 2), Wish("batchnorm-frozen", 2)]
    unfrozen = textbook(head={"trainable": WEIGHTED, "moved": WEIGHTED})
    assert wishes_for(unfrozen, scored(unfrozen, alpaca), 120) == [Wish("base-frozen", 1)]
    stale = textbook(finetuning={"trainable": (), "moved": ()})
    assert wishes_for(stale, scored(stale, alpaca), 120) == [Wish("layers-unfrozen", 2, 120)]
    forced = textbook(calls=(call("true"),))
    assert Wish("inference-mode") in wishes_for(forced, scored(forced, alpaca), 120)
    assert wishes_for(textbook(), scored(textbook(), alpaca), 120) == []


def test_a_policy_that_there_is_not_is_told(tmp_path: Path, alpaca: Assignment) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    text = (alpaca.folder / "assignment.toml").read_text()
    (folder / "assignment.toml").write_text(text.replace('replay = "auto"', 'replay = "often"'))
    with pytest.raises(AssignmentError) as told:
        Assignment.load(folder)
    assert str(told.value) == f"{folder}/assignment.toml: replay = 'often': allowed is 'auto', 'always' or 'never'."
    assert alpaca.replay == "auto"


def test_a_worker_is_told_what_was_asked_for_on_the_command_line(alpaca: Assignment) -> None:
    solution = load_submission(alpaca.starter)
    for policy in ("always", "never", None):
        task = task_of("key", solution, alpaca, Options(replay=policy), WeightsStore())  # type: ignore[arg-type]
        assert Task.model_validate_json(task.model_dump_json()).replay == policy


# --- whose word counts --------------------------------------------------------------------------------------


def test_where_both_say_the_same_nothing_is_changed_and_nobody_is_told() -> None:
    for flavour in ("2", "3"):
        seen = textbook(flavour)  # type: ignore[arg-type]
        (_, tuned) = seen.phases
        judged = reconciled(seen, replay(step(TUNED, tuned.drift)))
        assert judged.phases == seen.phases
        assert judged.notes == seen.notes
        assert judged.replay is not None and judged.replay.disagreements == ()
        assert Evidence.model_validate_json(judged.model_dump_json()) == judged


def test_flags_that_were_patched_are_found_out() -> None:
    """The log says that phase 1 trained the head alone; the flags as compiled say otherwise."""
    forged = textbook(head={"trainable": (), "moved": ()})
    judged = reconciled(forged, replay(step(TUNED), first=step(WEIGHTED)))
    assert said(judge("TL101", forged))[0] == "passed"
    assert said(judge("TL101", judged))[0] == "failed"
    first, second = staff_notes(judged)
    assert first == (
        "Phase 1: the recorder and the replay of the model disagree on which layers of the base could train. The "
        "replay alone: `Conv1` (1), `bn_Conv1` (2), `expanded_conv_depthwise` (4), `expanded_conv_depthwise_BN` (5), "
        "`expanded_conv_project` (7), `expanded_conv_project_BN` (8) and 98 more. The replay's word was taken."
    )
    assert second.startswith(CHANGED.format(1))
    assert second.endswith("What was recorded was left as it is.")


def test_statistics_that_are_said_to_have_stayed_are_found_out() -> None:
    forged = textbook(calls=(call("unset"),))
    drift = drift_of(layers_from(143))
    judged = reconciled(forged, replay(step(TUNED, drift)))
    assert said(judge("TL203", forged))[0] == "passed"
    assert said(judge("TL203", judged))[0] == "failed"
    assert staff_notes(judged) == [
        "Phase 2: the recorder and the replay of the model disagree on which layers' moving statistics changed. The "
        "replay alone: `block_16_expand_BN` (144), `block_16_depthwise_BN` (147), `block_16_project_BN` (150), "
        "`Conv_1_bn` (152). All of them count as changed."
    ]


def test_statistics_that_were_seen_to_change_stay_changed_though_the_model_alone_would_not_do_it() -> None:
    meddled = textbook(finetuning={"drift": drift_of(TUNED)})
    judged = reconciled(meddled, replay(step(TUNED)))
    assert judged.phases == meddled.phases
    assert len(staff_notes(judged)) == 1
    assert said(judge("TL203", judged))[0] == "failed"


def test_a_base_that_was_put_back_is_told_and_what_was_recorded_stands() -> None:
    """Restores the base only: the head moved, and a model with these flags moves the base too."""
    restored = textbook(finetuning={"moved": ()})
    judged = reconciled(restored, replay(step(TUNED)))
    assert judged.phases == restored.phases
    (note,) = staff_notes(judged)
    assert note.startswith(CHANGED.format(2))


def test_a_gradient_that_is_zero_in_the_replay_alone_is_no_disagreement() -> None:
    """As that of a softmax over one number is, whose loss Keras computes from what went in."""
    judged = reconciled(textbook(), replay(step(TUNED, moved=())))
    assert staff_notes(judged) == []


def test_a_gradient_that_happened_to_be_zero_everywhere_is_no_disagreement() -> None:
    still = HeadState(tensors=2, trainable=2, moved=0)
    unlucky = textbook(finetuning={"moved": (), "head": still})
    assert staff_notes(reconciled(unlucky, replay(step(TUNED)))) == []


@pytest.mark.parametrize("changes", [{"kind": "custom"}, {"error": "ValueError: no", "steps": 0}, {"steps": 0}])
def test_what_only_the_recorder_can_know_is_not_disputed(changes: dict[str, Any]) -> None:
    seen = textbook(finetuning={"trainable": (), "moved": (), **changes})
    judged = reconciled(seen, replay(step(TUNED, drift_of(TUNED))))
    assert judged.phases == seen.phases
    assert staff_notes(judged) == []


def probed(evidence: Evidence, difference: float, noise: float = 0.0) -> Evidence:
    batch = BatchProbe(difference=difference, noise=noise, scale=1.0, mates=3)
    return evidence.model_copy(update={"probes": Probes(batch=batch)})


def test_answers_that_hang_on_the_batch_are_found_out() -> None:
    forged = probed(textbook(), 0.0)
    judged = reconciled(forged, replay(step(TUNED), answers=(answer(0.62, 0.48),)))
    assert said(judge("TL402", forged))[0] == "passed"
    assert said(judge("TL402", judged))[0] == "failed"
    assert staff_notes(judged) == [
        "The trained model: the recorder and the replay of the model disagree on whether a prediction depends on its "
        "batch-mates. The replay's word was taken."
    ]


def test_answers_that_chance_decides_settle_nothing() -> None:
    seen = probed(textbook(), 0.0)
    judged = reconciled(seen, replay(step(TUNED), answers=(answer(0.62, 0.48, noise=0.1),)))
    assert (judged.probes, staff_notes(judged)) == (seen.probes, [])


def test_a_probe_that_could_not_be_made_in_the_kernel_is_made_by_the_replay() -> None:
    seen = textbook().model_copy(update={"probes": Probes(unprobed={"batch": "The kernel had died."})})
    assert said(judge("TL402", seen)) == ("skipped", ("The kernel had died.",))
    judged = reconciled(seen, replay(step(TUNED)))
    assert said(judge("TL402", judged))[0] == "passed"


# --- what cannot be done ------------------------------------------------------------------------------------


def test_what_was_not_done_is_told_to_staff_and_costs_nothing(alpaca: Assignment) -> None:
    seen = textbook()
    for outcome, kind in (
        ("refused", "replay"),
        ("impossible", "replay"),
        ("broke", "replay"),
        ("misfit", "integrity"),
    ):
        judged = reconciled(seen, Replay(why="failed", outcome=outcome, reason="So it is."))
        assert judged.notes == (
            Note(kind=kind, text="The model was not rebuilt and measured by the grader. So it is."),  # type: ignore[arg-type]
        )
        assert scored(judged, alpaca) == scored(seen, alpaca)
        assert "So it is." not in render(build_report(judged, scored(judged, alpaca), alpaca), "markdown")


def test_a_child_that_died_leaves_nothing_and_that_is_the_graders_own_matter(tmp_path: Path) -> None:
    plan = Plan(tmp_path, [], [], ["What was frozen in phase 1 was not written down."])
    seen = read_replay(tmp_path, plan, "failed", "it was killed by signal 9")
    assert (seen.outcome, seen.reason) == (
        "broke",
        "Nothing could be measured: what was frozen in phase 1 was not written down.",
    )


def test_evidence_from_before_there_were_replays_is_read() -> None:
    old = json.loads(textbook().model_dump_json())
    del old["replay"]
    assert Evidence.model_validate(old) == textbook()


# --- what a reader is told ----------------------------------------------------------------------------------


def with_counterfactuals(evidence: Evidence, now: Replay, *found: Counterfactual) -> Evidence:
    return reconciled(evidence, now.model_copy(update={"counterfactuals": found}))


def told(evidence: Evidence, assignment: Assignment, code: str) -> tuple[str, Report]:
    """The counterfactual of a diagnosis."""
    report = build_report(evidence, scored(evidence, assignment), assignment)
    (diagnosis,) = (one for one in report.diagnoses if one.code == code)
    return diagnosis.counterfactual, report


def test_on_keras_2_the_argument_alone_holds_the_statistics(alpaca: Assignment) -> None:
    drift = drift_of(TUNED)
    seen = with_counterfactuals(
        textbook(calls=(call("unset"),), finetuning={"drift": drift}),
        replay(step(TUNED, drift)),
        Counterfactual(mend="inference-mode", phase=2, step=step(TUNED)),
        Counterfactual(mend="batchnorm-frozen", phase=2, step=step(TUNED)),
    )
    sentence, report = told(seen, alpaca, "training-flag-forgotten")
    assert sentence == (
        "Tried on your own model: with `training=False` in that call, none of its 52 BatchNorm layers changes its "
        "moving statistics in phase 2. In your run 12 did."
    )
    for format in ("html", "markdown", "text", "notebook"):
        assert "Tried on your own model" in render(report, format, notebook=new_notebook())


def test_on_keras_3_it_takes_frozen_batchnorm(alpaca: Assignment) -> None:
    drift = drift_of(TUNED)
    mended = (
        Counterfactual(mend="inference-mode", phase=2, step=step(TUNED, drift)),
        Counterfactual(mend="batchnorm-frozen", phase=2, step=step(layers_from(120, batchnorm=False))),
    )
    now = replay(step(TUNED, drift))
    forgotten = with_counterfactuals(textbook("3", calls=(call("unset"),)), now, *mended)
    assert told(forgotten, alpaca, "training-flag-forgotten")[0] == (
        "Tried on your own model: with `training=False` in that call, Keras 3.15.1 still changes the moving statistics "
        "of 12 BatchNorm layers in phase 2, because its `fit` overrides the argument. With the base's BatchNorm layers "
        "frozen, none of them does. In your run 12 did."
    )
    flat = with_counterfactuals(textbook("3", calls=(), style="flattened"), now, mended[1])
    assert told(flat, alpaca, "training-flag-forgotten")[0] == (
        "Tried on your own model: with the base's BatchNorm layers frozen, none of the 52 changes its moving "
        "statistics in phase 2. In your run 12 did."
    )
    right = with_counterfactuals(textbook("3"), now, *mended)
    assert told(right, alpaca, "framework-override")[0] == (
        "Tried on your own model: with the BatchNorm layers frozen as well, none of them changes its moving statistics "
        "in phase 2. In your run 12 did."
    )


def test_answers_are_shown_with_the_argument_and_as_they_are(alpaca: Assignment) -> None:
    drift = drift_of(TUNED)
    seen = with_counterfactuals(
        probed(textbook(calls=(call("true"),), finetuning={"drift": drift}), 0.14),
        replay(step(TUNED, drift), answers=(answer(0.62, 0.48),)),
        Counterfactual(mend="inference-mode", answer=answer(0.62, 0.62)),
        Counterfactual(mend="inference-mode", phase=2, step=step(TUNED)),
    )
    assert told(seen, alpaca, "training-flag-true")[0] == (
        "Tried on your own model: with `training=False` in that call, the output for the same image is 0.62 alone and "
        "0.62 among others; as it is, 0.62 and 0.48. With `training=False` in that call, none of its 52 BatchNorm "
        "layers changes its moving statistics in phase 2. In your run 12 did."
    )


def test_what_the_asked_layers_and_a_frozen_base_would_have_done(alpaca: Assignment) -> None:
    stale = with_counterfactuals(
        textbook(finetuning={"trainable": (), "moved": (), "recompiled": False}),
        replay(step()),
        Counterfactual(mend="layers-unfrozen", phase=2, start=120, step=step(TUNED)),
    )
    assert told(stale, alpaca, "recompile-forgotten")[0] == (
        "Tried on your own model: unfrozen from layer 120 on and compiled after that, 24 layers of the base change in "
        "phase 2. In your run none did."
    )
    open_base = with_counterfactuals(
        textbook(head={"trainable": WEIGHTED, "moved": WEIGHTED}),
        replay(step(TUNED), first=step(WEIGHTED)),
        Counterfactual(mend="base-frozen", phase=1, step=step()),
    )
    assert told(open_base, alpaca, "base-not-frozen")[0] == (
        "Tried on your own model: with the base frozen, none of its layers changes in phase 1, and the head learns all "
        "the same. In your run 104 did."
    )


def test_where_nothing_was_measured_nothing_is_said(alpaca: Assignment) -> None:
    seen = textbook(calls=(call("unset"),), finetuning={"drift": drift_of(TUNED)})
    assert told(seen, alpaca, "training-flag-forgotten")[0] == ""

"""TL101, TL102 and TL401: what the training of the head began with and did."""

from __future__ import annotations

import pytest

from grader.evidence import CellRun, HeadState, StoreComparison
from grader.results import Location
from tests.evidence_samples import (
    COMPILE_HEAD,
    FIT_HEAD,
    WEIGHTED,
    evidence,
    finetuning_phase,
    head_phase,
    judge,
    layers_from,
    said,
    textbook,
)

BROKEN = {"error": "ValueError: shapes differ", "steps": 0, "head": HeadState(tensors=2, trainable=2, moved=0)}
FLAVOURS = pytest.mark.parametrize("flavour", ["2", "3"])


def store(equal: int, kind: str = "pretrained", tensors: int = 260) -> StoreComparison:
    return StoreComparison.model_validate({"file": "w.h5", "kind": kind, "tensors": tensors, "equal": equal})


@FLAVOURS
def test_the_textbook_passes(flavour: str) -> None:
    for code in ("TL101", "TL102", "TL401"):
        assert said(judge(code, textbook(flavour))) == ("passed", ())


@FLAVOURS
def test_a_base_never_frozen(flavour: str) -> None:
    sample = textbook(flavour, head={"flagged": WEIGHTED, "trainable": WEIGHTED, "moved": WEIGHTED})
    result = judge("TL101", sample)
    assert said(result) == (
        "failed",
        ("104 of the 104 base layers with weights were trainable while the head was trained.",),
    )
    finding = result.findings[0]
    assert finding.observed == "104 layers trainable, 104 layers changed"
    assert finding.location == Location(cell=COMPILE_HEAD.cell, line=COMPILE_HEAD.line)
    assert finding.fix == "Set `base_model.trainable = False` before `compile`."


def test_a_base_frozen_in_part() -> None:
    layers = layers_from(120)
    result = judge("TL101", textbook(head={"flagged": layers, "trainable": layers, "moved": layers, "compiled": None}))
    assert said(result)[1] == (
        "24 of the 104 base layers with weights were trainable while the head was trained: "
        "120 (`block_13_depthwise`) to 152 (`Conv_1_bn`).",
    )
    assert result.findings[0].location == Location(cell=FIT_HEAD.cell, line=FIT_HEAD.line)


def test_frozen_after_compile() -> None:
    result = judge("TL101", textbook(head={"flagged": (), "trainable": WEIGHTED, "moved": WEIGHTED}))
    assert said(result)[1] == (
        "104 of the 104 base layers with weights were trainable while the head was trained. "
        "`trainable` said that none of them would train, but it said so only after `compile`.",
    )
    assert result.findings[0].fix == "Set `base_model.trainable = False` first and call `compile` after it."


def test_weights_that_moved_outside_of_training() -> None:
    result = judge("TL101", textbook(head={"moved": (1, 2)}))
    assert said(result) == (
        "failed",
        (
            "No layer of the base was trainable, yet the weights of 2 of its 104 layers with weights changed "
            "while the head was trained: 1 (`Conv1`) to 2 (`bn_Conv1`).",
        ),
    )


def test_no_training_of_the_head_is_not_assessed() -> None:
    never = judge("TL101", textbook(head=None, finetuning=None))
    assert said(never) == ("skipped", ("The model was never trained.",))
    assert (never.points, never.max_points) == (0, 2)
    assert said(judge("TL101", textbook(head=None))) == (
        "skipped",
        ("The notebook trained the model, but a training of the head was not among it.",),
    )
    sample = textbook(head=None, finetuning=None)
    cells = (*sample.notebook.cells, CellRun(cell=30, status="failed"))
    sample = sample.model_copy(update={"notebook": sample.notebook.model_copy(update={"cells": cells})})
    assert said(judge("TL101", sample))[1] == ("The model was never trained. Cell 30 did not run to its end.",)


def test_a_training_that_broke_off_before_its_first_step() -> None:
    result = judge("TL101", textbook(head=BROKEN))
    assert said(result) == (
        "skipped",
        ("The training of the head in cell 21 broke off before its first step: ValueError: shapes differ.",),
    )


def test_a_training_that_broke_off_later_is_judged() -> None:
    assert said(judge("TL101", textbook(head={"error": "ValueError: x", "steps": 1})))[0] == "passed"


def test_random_weights() -> None:
    result = judge("TL102", textbook(asked_weights="None", store=store(3)))
    assert said(result) == ("failed", ("The base was made with `weights=None`, so it started from random numbers.",))
    finding = result.findings[0]
    assert finding.expected == "all 260 tensors equal to the pretrained file"
    assert finding.observed == "3 of 260 equal"
    assert finding.fix == 'Make the base with `weights="imagenet"`, and train that very base.'


def test_pretrained_weights_lost_on_the_way() -> None:
    result = judge("TL102", textbook(store=store(0, "stand-in")))
    assert said(result)[1] == (
        'The base was made with `weights="imagenet"`, but by the time training began its weights were not the '
        "pretrained ones.",
    )
    assert result.findings[0].expected == "all 260 tensors equal to the grader's stand-in for the pretrained file"
    nameless = judge("TL102", textbook(asked_weights="", store=store(0)))
    assert said(nameless)[1] == ("By the time training began its weights were not the pretrained ones.",)


@pytest.mark.parametrize(("equal", "rest"), [(212, "48 were not"), (259, "1 was not")])
def test_weights_changed_in_part(equal: int, rest: str) -> None:
    assert said(judge("TL102", textbook(store=store(equal)))) == (
        "failed",
        (f"{equal} of the base's 260 weight tensors were the pretrained ones when training began; the other {rest}.",),
    )


def test_weights_set_by_hand_count_whatever_was_asked() -> None:
    assert said(judge("TL102", textbook(asked_weights="None"))) == ("passed", ())


@pytest.mark.parametrize("tensors", [0, 260])
def test_without_a_store_only_what_was_asked_is_known(tensors: int) -> None:
    nothing = store(0, "none" if tensors else "pretrained", tensors)
    result = judge("TL102", textbook(store=nothing))
    assert said(result) == ("skipped", ("The grader has no pretrained weights of this base to compare with.",))
    assert (result.points, result.max_points) == (0, 0)
    asked = judge("TL102", textbook(store=nothing, asked_weights="None"))
    assert said(asked) == ("failed", ("The base was made with `weights=None`, so it started from random numbers.",))
    assert asked.findings[0].observed == "`weights=None`"


def test_a_file_of_the_students_cannot_be_compared_with_a_stand_in() -> None:
    result = judge("TL102", textbook(asked_weights="w/mobilenet.h5", store=store(0, "stand-in")))
    assert said(result) == (
        "skipped",
        ("The base was loaded from `w/mobilenet.h5`, and the grader has only stand-in weights to compare with.",),
    )
    assert result.max_points == 0
    assert judge("TL102", textbook(asked_weights="w/mobilenet.h5", store=store(0))).outcome.value == "failed"


def test_never_trained() -> None:
    assert said(judge("TL401", textbook(head=None, finetuning=None))) == ("failed", ("The model was never trained.",))


def test_trained_in_any_phase_counts() -> None:
    unmoved = HeadState(tensors=2, trainable=2, moved=0)
    assert said(judge("TL401", textbook(head={"head": unmoved}))) == ("passed", ())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0.0}, "The model was trained, but no weight of its head changed: the learning rate was 0."),
        (
            {"head": HeadState(tensors=2, trainable=0, moved=0)},
            "The model was trained, but no weight of its head changed: the whole head was frozen.",
        ),
        (
            {"head": HeadState(tensors=0, trainable=0, moved=0)},
            "The model was trained, but no weight of its head changed: there is no layer with weights beside the base.",
        ),
    ],
)
def test_a_head_that_did_not_move(changes: dict[str, object], message: str) -> None:
    phase = {"head": HeadState(tensors=2, trainable=2, moved=0), **changes}
    assert said(judge("TL401", textbook(head=phase, finetuning=None))) == ("failed", (message,))


def test_a_head_without_a_gradient_in_one_short_step_is_no_proof() -> None:
    """Seen with `BinaryCrossentropy()` on logits: where both images' outputs are cut off, nothing moves."""
    sample = textbook(head={"head": HeadState(tensors=2, trainable=2, moved=0)}, finetuning=None)
    assert said(judge("TL401", sample)) == (
        "warned",
        ("The head could learn, but no weight of it changed in the one short run that the grader made.",),
    )
    full = sample.model_copy(update={"environment": sample.environment.model_copy(update={"training": "full"})})
    assert said(judge("TL401", full)) == ("failed", ("The model was trained, but no weight of its head changed.",))


def test_training_that_never_took_a_step_is_not_assessed() -> None:
    result = judge("TL401", textbook(head=BROKEN, finetuning=None))
    assert said(result) == (
        "skipped",
        ("The training of the head in cell 21 broke off before its first step: ValueError: shapes differ.",),
    )
    ran = judge("TL401", evidence((head_phase(**BROKEN), finetuning_phase())))
    assert ran.outcome.value == "passed"


@pytest.mark.parametrize("code", ["TL101", "TL102", "TL103", "TL201", "TL202", "TL203", "TL205", "TL401"])
def test_without_a_base_nothing_is_assessed(code: str) -> None:
    result = judge(code, evidence((), base=None, model=None))
    assert said(result) == ("skipped", ("No model that holds a pretrained base was found.",))
    assert result.max_points == 2

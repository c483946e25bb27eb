"""TL201, TL202 and TL205: what fine-tuning trained, and on what."""

from __future__ import annotations

import pytest

from grader.evidence import HeadState
from grader.policy import Policy
from grader.results import Location
from tests.evidence_samples import (
    FIT_FINE,
    FIT_HEAD,
    LAYERS,
    WEIGHTED,
    base,
    environment,
    evidence,
    finetuning_phase,
    head_phase,
    judge,
    layers_from,
    said,
    textbook,
)

REFUSE = Policy(batchnorm_frozen="refuse")
FLAVOURS = pytest.mark.parametrize("flavour", ["2", "3"])
ASKED = "layers 120 (`block_13_depthwise`) to 152 (`Conv_1_bn`) were asked for"
BROKEN = {"error": "KeyError: 'Conv1'", "steps": 0, "moved": (), "head": HeadState(tensors=2, trainable=2, moved=0)}
BROKE = "The fine-tuning in cell 27 broke off before its first step: KeyError: 'Conv1'."
SLICE = (
    "Set `base_model.trainable = True`, then `for layer in base_model.layers[:120]: layer.trainable = False`, "
    "and call `compile` after it."
)
COMPILE = "Call `model.compile(...)` after the last change of `trainable` and before `fit`."
STALE = {"flagged": layers_from(120), "trainable": (), "moved": (), "recompiled": False}


@FLAVOURS
@pytest.mark.parametrize("policy", [Policy(), REFUSE])
def test_the_textbook_passes(flavour: str, policy: Policy) -> None:
    for code in ("TL201", "TL202", "TL205"):
        assert said(judge(code, textbook(flavour), policy)) == ("passed", ())


@FLAVOURS
def test_unfrozen_and_not_compiled(flavour: str) -> None:
    result = judge("TL201", textbook(flavour, finetuning=STALE))
    assert said(result) == (
        "failed",
        (
            "`trainable` said that 24 base layers would train in the fine-tuning, 120 (`block_13_depthwise`) to 152 "
            "(`Conv_1_bn`), but as the model was compiled none of the base's layers could.",
        ),
    )
    finding = result.findings[0]
    assert (finding.expected, finding.observed) == ("24 layers trainable as compiled", "0 layers trainable as compiled")
    assert finding.location == Location(cell=FIT_FINE.cell, line=FIT_FINE.line)
    assert finding.fix == COMPILE


def test_frozen_again_and_not_compiled() -> None:
    result = judge("TL201", textbook(finetuning={"flagged": (), "trainable": WEIGHTED}))
    assert said(result)[1] == (
        "`trainable` said that no base layer would train any more in the fine-tuning, but as the model was compiled "
        "104 of the base's layers could.",
    )


def test_a_custom_step_made_before_unfreezing() -> None:
    result = judge("TL201", textbook(finetuning={**STALE, "kind": "custom", "compiled": None}))
    assert said(result)[1][0].endswith(", but in the training step that ran none of the base's layers could.")
    assert result.findings[0].fix == (
        "Make the training step (`tf.function`) and its optimizer anew after the last change of `trainable`."
    )


def test_nothing_unfrozen_needs_no_compile() -> None:
    nothing = {"flagged": (), "trainable": (), "moved": ()}
    result = judge("TL201", textbook(finetuning=nothing))
    assert said(result) == (
        "skipped",
        ("No layer of the base was unfrozen, so there was nothing to compile again for.",),
    )
    assert result.max_points == 2


def test_without_fine_tuning_201_and_205_are_not_assessed() -> None:
    reason = ("skipped", ("The notebook trained the model, but a fine-tuning was not among it.",))
    assert said(judge("TL201", textbook(finetuning=None))) == reason
    assert said(judge("TL205", textbook(finetuning=None))) == reason


@pytest.mark.parametrize("code", ["TL201", "TL202", "TL205"])
def test_fine_tuning_that_never_took_a_step_is_not_assessed(code: str) -> None:
    assert said(judge(code, textbook(finetuning=BROKEN))) == ("skipped", (BROKE,))


@FLAVOURS
@pytest.mark.parametrize("start", [118, 119, 120, 121])
def test_a_start_off_by_the_numbering(flavour: str, start: int) -> None:
    assert said(
        judge(
            "TL202",
            textbook(flavour, finetuning=None).model_copy(
                update={"phases": (head_phase(), finetuning_phase(layers_from(start)))}
            ),
        )
    ) == ("passed", ())


def with_layers(layers: tuple[int, ...], **changes: object) -> object:
    return evidence((head_phase(), finetuning_phase(layers, **changes)))


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            layers_from(100),
            "Layers 101 (`block_11_depthwise`) to 152 (`Conv_1_bn`) were trainable in the fine-tuning; " + ASKED + ".",
        ),
        (
            layers_from(123),
            "Layers 123 (`block_13_project`) to 152 (`Conv_1_bn`) were trainable in the fine-tuning; " + ASKED + ".",
        ),
        (WEIGHTED, "All 104 of the base's layers with weights were trainable in the fine-tuning; " + ASKED + "."),
        (
            tuple(index for index in WEIGHTED if index < 120),
            "Layers 1 (`Conv1`) to 117 (`block_13_expand_BN`) were trainable in the fine-tuning; "
            + ASKED
            + ". That is the other way round.",
        ),
        ((151,), "Layer 151 (`Conv_1`) was trainable in the fine-tuning; " + ASKED + "."),
        (
            (1, 4, 7, 9, 13),
            "Layers 1 (`Conv1`) to 13 (`block_1_depthwise`) without the BatchNorm layers were trainable in the "
            "fine-tuning; " + ASKED + ".",
        ),
        (
            (1, 5, 9, 14, 21, 120),
            "Layers 1 (`Conv1`), 5 (`expanded_conv_depthwise_BN`), 9 (`block_1_expand`) and 3 more were trainable in "
            "the fine-tuning; " + ASKED + ".",
        ),
    ],
)
def test_other_layers_than_asked(layers: tuple[int, ...], message: str) -> None:
    result = judge("TL202", with_layers(layers))
    assert said(result) == ("failed", (message,))
    assert result.findings[0].fix == SLICE
    assert result.findings[0].expected == (
        "24 layers with weights trainable: 120 (`block_13_depthwise`) to 152 (`Conv_1_bn`)"
    )


def test_the_start_and_the_tolerance_are_the_assignments() -> None:
    assert judge("TL202", with_layers(layers_from(100)), start=100).outcome.value == "passed"
    assert judge("TL202", with_layers(layers_from(121)), tolerance=0).outcome.value == "failed"
    assert judge("TL202", with_layers(layers_from(124)), tolerance=4).outcome.value == "passed"
    assert judge("TL202", textbook(), start=100).title == "Layers from 100 on are fine-tuned, the others are not"


@FLAVOURS
def test_batchnorm_left_out(flavour: str) -> None:
    convs = layers_from(120, batchnorm=False)
    sample = evidence((head_phase(), finetuning_phase(convs)), flavour)
    assert said(judge("TL202", sample)) == ("passed", ())
    assert said(judge("TL202", sample, REFUSE)) == (
        "failed",
        (
            "Layers 120 (`block_13_depthwise`) to 151 (`Conv_1`) without the BatchNorm layers were trainable in the "
            f"fine-tuning; {ASKED}. This assignment asks for the BatchNorm layers too.",
        ),
    )


def test_batchnorm_left_out_in_part_is_neither() -> None:
    assert (
        judge("TL202", with_layers(tuple(index for index in layers_from(120) if index != 121))).outcome.value
        == "failed"
    )


def test_nothing_unfrozen() -> None:
    result = judge("TL202", textbook(finetuning={"flagged": (), "trainable": (), "moved": ()}))
    assert said(result) == (
        "failed",
        (f"Nothing of the base was unfrozen: the fine-tuning trained the head again, and {ASKED}.",),
    )
    assert result.findings[0].fix == f"{SLICE} Take care that `base_model` is the very base that the model holds."


def test_unfrozen_without_effect_is_laid_at_the_door_of_compile() -> None:
    result = judge("TL202", textbook(finetuning=STALE))
    assert said(result) == (
        "failed",
        (
            "No layer of the base could train in the fine-tuning: `trainable` said that 24 layers would, but that was "
            "not compiled (see TL201).",
        ),
    )
    assert result.findings[0].fix == COMPILE
    assert result.findings[0].observed == "0 trainable, 0 of them among those asked for"


def test_the_right_flags_over_a_base_compiled_whole() -> None:
    result = judge(
        "TL202", textbook(finetuning={"flagged": layers_from(120), "trainable": WEIGHTED, "moved": WEIGHTED})
    )
    assert said(result)[1] == (
        f"All 104 of the base's layers with weights were trainable in the fine-tuning; {ASKED}. `trainable` said so "
        "too, but that was not compiled (see TL201).",
    )


def test_fine_tuning_never_ran() -> None:
    after_head = judge("TL202", textbook(finetuning=None))
    assert said(after_head) == ("failed", (f"The fine-tuning never ran: only the head was trained, and {ASKED}.",))
    assert after_head.findings[0].location == Location(cell=FIT_HEAD.cell, line=FIT_HEAD.line)
    never = judge("TL202", textbook(head=None, finetuning=None))
    assert said(never) == ("failed", (f"The fine-tuning never ran: the model was never trained, and {ASKED}.",))
    other = judge("TL202", evidence((head_phase(role="other"),)))
    assert said(other) == (
        "failed",
        (f"The fine-tuning never ran: no training after the head's was found, and {ASKED}.",),
    )


def test_weights_that_changed_below() -> None:
    result = judge("TL202", textbook(finetuning={"moved": (1, *layers_from(120))}))
    assert said(result) == (
        "failed",
        (
            "The right layers were trainable in the fine-tuning, but the weights of 1 other base layer changed too: "
            "1 (`Conv1`).",
        ),
    )


def test_a_gradient_of_zero_here_and_there_is_no_fault() -> None:
    assert said(judge("TL202", textbook(finetuning={"moved": (151,)}))) == ("passed", ())
    assert said(judge("TL202", textbook(finetuning={"moved": (), "error": "ValueError: x", "steps": 1}))) == (
        "passed",
        (),
    )


UNMOVED = "The right layers were trainable in the fine-tuning, but none of the 24 changed"


def test_nothing_moved_in_one_bounded_step_is_only_said() -> None:
    result = judge("TL202", textbook(finetuning={"moved": ()}))
    assert said(result) == ("warned", (f"{UNMOVED} in the one short run that the grader made.",))
    assert (result.points, result.max_points) == (2, 2)


@pytest.mark.parametrize(
    ("changes", "training", "tail"),
    [
        ({"learning_rate": 0.0}, "bounded", ": the learning rate was 0."),
        ({"kind": "custom"}, "bounded", ", while the head did."),
        ({}, "full", ", though it was trained in full."),
    ],
)
def test_nothing_moved_for_a_reason(changes: dict[str, object], training: str, tail: str) -> None:
    sample = textbook(finetuning={"moved": (), **changes})
    sample = sample.model_copy(update={"environment": environment(training=training)})
    assert said(judge("TL202", sample)) == ("failed", (UNMOVED + tail,))


def test_a_base_without_a_layer_of_that_number() -> None:
    result = judge("TL202", textbook(application="VGG16", layers=LAYERS[:19]))
    assert said(result) == ("skipped", ("`VGG16` has 19 layers, and none with weights from 120 on.",))


def test_fine_tuning_of_another_model() -> None:
    result = judge("TL205", textbook(finetuning={"continues": False}))
    assert said(result) == (
        "failed",
        (
            "The fine-tuning did not begin with the weights that the training before it left. "
            "The head was trained in cell 21.",
        ),
    )
    assert result.findings[0].location == Location(cell=FIT_FINE.cell, line=FIT_FINE.line)


def test_nothing_to_go_on_with() -> None:
    result = judge("TL205", evidence((finetuning_phase(continues=None),), base=base()))
    assert said(result) == (
        "skipped",
        ("No training of this model came before the fine-tuning, so there was nothing to go on with.",),
    )


def test_a_change_after_compile_counts_by_its_effect_or_not_at_all() -> None:
    late = textbook("3", finetuning={"flagged_at_compile": ()})
    assert said(judge("TL201", late)) == ("passed", ())
    strict = judge("TL201", late, Policy(trainable_after_compile="strict"))
    assert said(strict) == (
        "failed",
        (
            "`trainable` was changed after `compile`: 0 base layers would have trained then, 24 when the fine-tuning "
            "began. Keras 3.15.1 still acts on that before the first `fit`; Keras 2 does not.",
        ),
    )
    in_time = textbook("3", finetuning={"flagged_at_compile": layers_from(120)})
    assert said(judge("TL201", in_time, Policy(trainable_after_compile="strict"))) == ("passed", ())


@pytest.mark.parametrize("start", [0, 100])
def test_more_layers_than_asked_may_be_only_told(start: int) -> None:
    more = textbook(finetuning={"flagged": layers_from(start), "trainable": layers_from(start)})
    assert judge("TL202", more).outcome == "failed"
    told = judge("TL202", more, Policy(extra_layers="warn"))
    assert told.outcome == "warned"
    assert told.findings == judge("TL202", more).findings
    fewer = textbook(finetuning={"flagged": layers_from(140), "trainable": layers_from(140)})
    assert judge("TL202", fewer, Policy(extra_layers="warn")).outcome == "failed"

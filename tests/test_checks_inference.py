"""TL103 and TL203: how BatchNorm was called, and what became of its statistics."""

from __future__ import annotations

import math
from typing import Any

import pytest

from grader.evidence import Drift, HeadState, Place
from grader.policy import Policy
from grader.results import Location
from tests.evidence_samples import (
    CALL,
    FIT_FINE,
    LAYERS,
    WEIGHTED,
    base,
    call,
    drift_of,
    evidence,
    finetuning_phase,
    judge,
    layers_from,
    said,
    textbook,
)

REFUSE = Policy(batchnorm_frozen="refuse")
STRICT = Policy(framework_override="fail")
FLAVOURS = pytest.mark.parametrize("flavour", ["2", "3"])
CONVS = layers_from(120, batchnorm=False)
DRIFT = drift_of(layers_from(120))
BROKEN = {"error": "ValueError: x", "steps": 0, "moved": (), "head": HeadState(tensors=2, trainable=2, moved=0)}
PLACE = Place(cell=17, line=14, code="x = base_model(x)")
HIDDEN = (
    "Freezing hides it: a frozen BatchNorm layer runs in inference mode anyway. Once the base is unfrozen, its "
    "BatchNorm layers work with the statistics of each batch and lose their own."
)
FREEZE = (
    "freeze the BatchNorm layers one by one before `compile`: `for layer in base_model.layers: "
    "if isinstance(layer, tf.keras.layers.BatchNormalization): layer.trainable = False`."
)
BESIDE = (
    "Look for code beside the model's own training that calls the base with `training=True` or assigns its weights."
)
NO_NORMS = tuple(layer for layer in LAYERS if not layer.is_batchnorm)


@FLAVOURS
@pytest.mark.parametrize("policy", [Policy(), REFUSE])
@pytest.mark.parametrize("style", ["nested", "subclassed"])
def test_called_rightly(flavour: str, policy: Policy, style: str) -> None:
    assert said(judge("TL103", textbook(flavour, style=style), policy)) == ("passed", ())
    assert said(judge("TL103", textbook(flavour, style=style, head=None, finetuning=None), policy)) == ("passed", ())


@pytest.mark.parametrize("flavour", ["2", "3"])
def test_nothing_passed_and_unfrozen(flavour: str) -> None:
    result = judge("TL103", textbook(flavour, calls=(call("unset"), call("unset", PLACE)), finetuning={"drift": DRIFT}))
    assert said(result) == (
        "failed",
        (
            "The base is called without `training=False`. So 12 of its 52 BatchNorm layers, unfrozen, worked with the "
            "statistics of each batch in training and lost their own.",
        ),
    )
    finding = result.findings[0]
    assert finding.location == Location(cell=17, line=14)
    assert finding.expected == "the base called with `training=False`"
    assert finding.observed == "`x = base_model(x)`"
    assert finding.suggestion == "x = base_model(x, training=False)"
    assert finding.fix == "Pass `training=False` where the base is called, as in `x = base_model(x, training=False)`."


@FLAVOURS
@pytest.mark.parametrize("policy", [Policy(), REFUSE])
def test_freezing_does_not_excuse_a_forgotten_argument(flavour: str, policy: Policy) -> None:
    sample = textbook(flavour, calls=(call("unset"),), finetuning=None)
    result = judge("TL103", sample, policy)
    assert said(result) == ("failed", (f"The base is called without `training=False`. {HIDDEN}",))
    assert result.findings[0].observed == "nothing passed for `training`"
    assert result.findings[0].location is None


@pytest.mark.parametrize(("flavour", "even"), [("2", " and in `predict`"), ("3", "")])
def test_training_true(flavour: str, even: str) -> None:
    place = Place(cell=17, line=14, code="x = base_model(x, training=True)")
    result = judge("TL103", textbook(flavour, calls=(call("true", place),)))
    assert said(result)[1] == (
        "The base is called with `training=True`. So 12 of its 52 BatchNorm layers, unfrozen, worked with the "
        f"statistics of each batch in training{even} and lost their own.",
    )
    assert result.findings[0].suggestion == "x = base_model(x, training=False)"


def test_one_wrong_call_among_right_ones_fails() -> None:
    result = judge("TL103", textbook(calls=(call("false", CALL), call("unset", PLACE)), finetuning=None))
    assert [finding.location for finding in result.findings] == [Location(cell=17, line=14)]
    other = Place(cell=19, line=1, code="y = base_model(y, training=True)")
    both = judge("TL103", textbook(calls=(call("unset", PLACE), call("true", other)), finetuning=None))
    assert [finding.location for finding in both.findings] == [Location(cell=17, line=14), Location(cell=19, line=1)]


@FLAVOURS
@pytest.mark.parametrize("training", ["unset", "true"])
def test_batchnorm_frozen_one_by_one(flavour: str, training: Any) -> None:
    phase = finetuning_phase(CONVS)
    sample = evidence((phase,), flavour, base=base(calls=(call(training),)))
    assert said(judge("TL103", sample)) == ("passed", ())
    assert judge("TL103", sample, REFUSE).outcome.value == "failed"


def test_batchnorm_frozen_in_one_phase_only_is_not_the_same() -> None:
    phases = (finetuning_phase(CONVS), finetuning_phase(layers_from(100), role="other", index=3))
    assert judge("TL103", evidence(phases, base=base(calls=(call("unset"),)))).outcome.value == "failed"


def test_batchnorm_frozen_and_drifting_is_not_the_same() -> None:
    phase = finetuning_phase(CONVS, drift=DRIFT)
    assert judge("TL103", evidence((phase,), base=base(calls=(call("unset"),)))).outcome.value == "failed"


def test_batchnorm_frozen_in_a_phase_that_never_stepped_proves_nothing() -> None:
    phase = finetuning_phase(CONVS, **BROKEN)
    assert judge("TL103", evidence((phase,), base=base(calls=(call("unset"),)))).outcome.value == "failed"


@pytest.mark.parametrize("style", ["nested", "subclassed"])
def test_no_call_was_seen(style: str) -> None:
    result = judge("TL103", textbook(style=style, calls=()))
    assert said(result) == ("skipped", ("No call of the base was seen, so nothing tells how it was called.",))
    assert result.max_points == 2


@FLAVOURS
@pytest.mark.parametrize(
    ("style", "held"),
    [
        ("sequential", "The base is a layer of a `Sequential`"),
        ("flattened", "The base's layers lie in the model itself (`base_model.output`)"),
    ],
)
@pytest.mark.parametrize("calls", [(), (call("unset"),)])
def test_styles_without_a_call_are_judged_by_effect(flavour: str, style: str, held: str, calls: Any) -> None:
    spoiled = judge("TL103", textbook(flavour, style=style, calls=calls, finetuning={"drift": DRIFT}))
    assert said(spoiled) == (
        "failed",
        (
            f"{held}, so no call says `training=False`: 12 of its 52 BatchNorm layers followed the `training=True` of "
            "the fine-tuning in cell 27.",
        ),
    )
    assert spoiled.findings[0].location == Location(cell=FIT_FINE.cell, line=FIT_FINE.line)
    assert spoiled.findings[0].fix == (
        "Call the base as a layer of a functional model, `x = base_model(inputs, training=False)`, "
        "or keep its BatchNorm layers frozen while you fine-tune the others."
    )
    frozen = textbook(flavour, style=style, calls=calls, finetuning=None)
    assert said(judge("TL103", frozen)) == ("passed", ())
    assert said(judge("TL103", frozen, REFUSE)) == ("passed", ())
    one_by_one = evidence((finetuning_phase(CONVS),), flavour, base=base(style=style, calls=calls))
    assert said(judge("TL103", one_by_one)) == ("passed", ())
    refused = judge("TL103", one_by_one, REFUSE)
    assert said(refused) == (
        "failed",
        (
            f"{held}, so no call says `training=False`: its BatchNorm layers were kept still by freezing them one by "
            "one, which this assignment does not accept.",
        ),
    )
    assert refused.findings[0].fix == (
        "Call the base as a layer of a functional model, `x = base_model(inputs, training=False)`."
    )
    never = judge("TL103", textbook(flavour, style=style, calls=calls, head=None, finetuning=None))
    assert said(never) == (
        "skipped",
        (f"{held}, and it was never trained, so nothing tells what its BatchNorm layers do.",),
    )


def test_statistics_that_moved_under_frozen_layers_are_an_effect_too() -> None:
    sample = textbook(style="flattened", calls=(), finetuning=None, head={"drift": DRIFT})
    assert said(judge("TL103", sample))[1] == (
        "The base's layers lie in the model itself (`base_model.output`), so no call says `training=False`: 12 of its "
        "52 BatchNorm layers followed the `training=True` of the training of the head in cell 21.",
    )


def test_a_call_with_training_true_fails_in_any_style() -> None:
    assert judge("TL103", textbook(style="flattened", calls=(call("true"),), finetuning=None)).outcome.value == "failed"


def test_a_flattened_model_whose_own_graph_says_false_passes() -> None:
    assert said(judge("TL103", textbook(style="sequential", calls=(call("false"),)))) == ("passed", ())


def test_a_base_without_batchnorm() -> None:
    sample = textbook(application="VGG16", layers=NO_NORMS, calls=(call("unset"),))
    assert said(judge("TL103", sample)) == (
        "skipped",
        ("`VGG16` has no BatchNorm layers, so `training=False` changes nothing in them.",),
    )
    statistics = judge("TL203", sample)
    assert said(statistics) == ("skipped", ("`VGG16` has no BatchNorm layers, so it has no moving statistics.",))
    assert statistics.max_points == 0


@pytest.mark.parametrize("policy", [Policy(), STRICT])
def test_statistics_untouched(policy: Policy) -> None:
    assert said(judge("TL203", textbook(), policy)) == ("passed", ())
    assert said(judge("TL203", textbook("3", finetuning=None), policy)) == ("passed", ())
    assert said(judge("TL203", textbook("3", finetuning={"drift": ()}), policy)) == ("passed", ())


MOVED = (
    "In the fine-tuning in cell 27 the moving statistics of 12 of the base's 52 BatchNorm layers changed, those of "
    "`Conv_1_bn` (152) most: its moving mean by 0.24 standard deviations."
)
OVERRIDE = (
    " Your code is right: the base was called with `training=False`, and Keras 3.15.1 overrides that during `fit`."
)


@pytest.mark.parametrize("kind", ["fit", "train_on_batch"])
@pytest.mark.parametrize("style", ["nested", "sequential"])
def test_the_override_of_keras_3(kind: str, style: str) -> None:
    sample = textbook("3", style=style, finetuning={"kind": kind})
    forgiven = judge("TL203", sample)
    assert said(forgiven) == ("warned", (MOVED + OVERRIDE,))
    assert (forgiven.points, forgiven.max_points) == (2, 2)
    assert forgiven.findings[0].observed == "12 of 52 BatchNorm layers changed"
    assert forgiven.findings[0].fix == (
        f"Nothing needs to change for this assignment. To hold the statistics still in this Keras too, {FREEZE}"
    )
    strict = judge("TL203", sample, STRICT)
    assert said(strict) == (
        "failed",
        (
            f"{MOVED} The base was called with `training=False`, as it should be, but Keras 3.15.1 overrides that "
            "during `fit`, and in this assignment they must not move.",
        ),
    )
    assert strict.findings[0].fix == f"To hold the statistics still in this Keras too, {FREEZE}"


@pytest.mark.parametrize("policy", [Policy(), STRICT])
@pytest.mark.parametrize(
    ("flavour", "fields", "phase", "fix"),
    [
        (
            "2",
            {},
            {},
            BESIDE,
        ),
        (
            "3",
            {"style": "subclassed"},
            {},
            BESIDE,
        ),
        (
            "2",
            {},
            {"kind": "custom"},
            f"`model(x, training=True)` in a training loop can put the base in training mode: {FREEZE}",
        ),
        ("3", {"calls": (call("unset"),)}, {}, "Call the base with `training=False`: this follows from TL103."),
        ("3", {"calls": ()}, {}, "Call the base with `training=False`: this follows from TL103."),
        ("2", {"calls": (call("unset"),)}, {}, "Call the base with `training=False`: this follows from TL103."),
    ],
)
def test_statistics_that_moved(policy: Policy, flavour: Any, fields: Any, phase: Any, fix: str) -> None:
    result = judge("TL203", textbook(flavour, finetuning={"drift": DRIFT, **phase}, **fields), policy)
    assert said(result) == ("failed", (MOVED,))
    assert result.findings[0].fix == fix
    assert result.findings[0].location == Location(cell=27, line=5)


def test_a_base_that_was_never_frozen() -> None:
    drift = drift_of(WEIGHTED)
    sample = textbook(calls=(call("unset"),), head={"trainable": WEIGHTED, "drift": drift}, finetuning={"drift": DRIFT})
    result = judge("TL203", sample)
    assert len(result.findings) == 2
    assert result.findings[0].fix == (
        "Freeze the base while the head is trained (TL101). "
        "Call the base with `training=False`: this follows from TL103."
    )


@pytest.mark.parametrize(
    ("drift", "tail"),
    [
        (Drift(layer=152, mean=0.1, variance=0.345), "its moving variance by 34.5%."),
        (Drift(layer=152, mean=math.nan, variance=0.1), "they are no longer finite numbers."),
    ],
)
def test_the_layer_that_moved_most(drift: Drift, tail: str) -> None:
    result = judge("TL203", textbook(finetuning={"drift": (Drift(layer=2, mean=0.01, variance=0.01), drift)}))
    assert said(result)[1] == (
        "In the fine-tuning in cell 27 the moving statistics of 2 of the base's 52 BatchNorm layers changed, those of "
        f"`Conv_1_bn` (152) most: {tail}",
    )


def test_statistics_without_training_are_not_assessed() -> None:
    assert said(judge("TL203", textbook(head=None, finetuning=None))) == ("skipped", ("The model was never trained.",))
    assert said(judge("TL203", textbook(finetuning=BROKEN))) == (
        "skipped",
        ("The fine-tuning in cell 27 broke off before its first step: ValueError: x.",),
    )


def test_statistics_that_moved_before_the_training_broke_off_are_judged() -> None:
    sample = textbook("3", calls=(call("unset"),), finetuning={**BROKEN, "drift": DRIFT})
    assert said(judge("TL203", sample)) == ("failed", (MOVED,))

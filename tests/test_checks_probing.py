"""TL301, TL302, TL402 and TL403 on made-up evidence: each verdict with its exact words."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from grader.checks import all_checks
from grader.checks._scales import Scale, number, recognise
from grader.evidence import Evidence, GraphNode, Model, Place
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
from grader.examine.probes import together
from tests.evidence_samples import FIT_HEAD, call, environment, judge, said, textbook

PREDICT = Place(cell=30, line=2, code="logits = model2.predict(images)")
CENTRED = Expectation(
    by="mobilenet_v2.preprocess_input",
    low=(-1.0, -1.0, -1.0),
    high=(1.0, 1.0, 1.0),
    spread=(0.58, 0.5, 0.45),
    examples=((-0.83, 1.0), (-0.56, 0.82), (-0.84, 1.0)),
)
CAFFE = Expectation(
    by="resnet.preprocess_input", low=(-103.939, -116.779, -123.68), high=(151.061, 138.221, 131.32), spread=(70.0,) * 3
)
TORCH = Expectation(
    by="densenet.preprocess_input", low=(-2.118, -2.036, -1.804), high=(2.249, 2.429, 2.64), spread=(1.1,) * 3
)
RAW = Expectation(by="efficientnet.preprocess_input", low=(0.0,) * 3, high=(255.0,) * 3, spread=(70.0,) * 3)
Mode = Literal["training", "prediction"]


def values(low: float, high: float, spread: float | None = None) -> Values:
    """Three channels alike; the spread of photographs unless another is given."""
    middle, usual = (low + high) / 2, (high - low) / 4
    return Values(
        low=(low,) * 3,
        high=(high,) * 3,
        mean=(middle,) * 3,
        spread=(usual if spread is None else spread,) * 3,
        images=2,
    )


def arrival(mode: Mode, low: float, high: float, **changes: Any) -> Arrival:
    """Images that reached the base in `fit` or `predict`."""
    source = "fit" if mode == "training" else "predict"
    place = FIT_HEAD if mode == "training" else PREDICT
    return Arrival(**{"mode": mode, "source": source, "place": place, "values": values(low, high), **changes})


def with_probes(keras: Literal["2", "3"] = "2", **probes: Any) -> Evidence:
    """The right solution, with these probes."""
    return textbook(keras).model_copy(update={"probes": Probes(**{"expected": CENTRED, **probes})})


@pytest.mark.parametrize(
    ("expected", "low", "high", "scale"),
    [
        (CENTRED, -1.0, 1.0, Scale.RIGHT),
        (CENTRED, -0.7, 0.95, Scale.RIGHT),
        (CENTRED, -0.05, 1.0, Scale.RIGHT),  # Bright, but darker than any division by 255 can make it.
        (CENTRED, 0.0, 1.0, Scale.UNIT),
        (CENTRED, 0.09, 0.99, Scale.UNIT),
        (CENTRED, 0.0, 255.0, Scale.RAW),
        (CENTRED, 31.0, 255.0, Scale.RAW),
        (CENTRED, -1.008, -0.992, Scale.TWICE),
        (CENTRED, -1.0, -0.992, Scale.TWICE),
        (CENTRED, 0.0, 0.0039, Scale.TWICE),
        (CENTRED, -0.02, 0.02, Scale.FLAT),
        (CENTRED, -123.0, 150.0, Scale.OTHER),
        (CAFFE, -103.0, 131.0, Scale.RIGHT),
        (CAFFE, 0.0, 255.0, Scale.RAW),
        (CAFFE, 0.0, 1.0, Scale.UNIT),
        (CAFFE, -1.0, 1.0, Scale.SYMMETRIC),
        (TORCH, -1.8, 2.2, Scale.RIGHT),
        (TORCH, 0.0, 1.0, Scale.UNIT),
        (TORCH, -1.0, 1.0, Scale.SYMMETRIC),
        (RAW, 0.0, 255.0, Scale.RIGHT),
        (RAW, 0.0, 1.0, Scale.UNIT),
        (RAW, -0.9, 1.0, Scale.SYMMETRIC),
    ],
)
def test_scales_are_told_apart(expected: Expectation, low: float, high: float, scale: Scale) -> None:
    assert recognise(values(low, high), expected, "prediction") is scale


def test_augmentation_may_go_beyond_the_range_in_training_alone() -> None:
    assert recognise(values(-1.5, 1.6), CENTRED, "training") is Scale.RIGHT
    assert recognise(values(-1.5, 1.6), CENTRED, "prediction") is Scale.OTHER


def test_bright_images_do_not_look_divided_where_all_the_images_are_bright() -> None:
    bright = CENTRED.model_copy(update={"examples": ((0.1, 1.0), (0.2, 1.0), (-0.3, 1.0))})
    assert recognise(values(0.1, 1.0), bright, "prediction") is Scale.RIGHT


def test_numbers_are_short() -> None:
    assert [number(value) for value in (-1.0, 0.5, -123.68, -0.9921, -0.0001, 255.0)] == [
        "-1",
        "0.5",
        "-123.7",
        "-0.992",
        "0",
        "255",
    ]


def test_right_values_pass() -> None:
    sample = with_probes(arrivals=(arrival("training", -1.0, 1.0), arrival("prediction", -0.9, 1.0)))
    assert said(judge("TL301", sample)) == ("passed", ())


def test_pixels_divided_by_255_fail_once_for_training_and_prediction() -> None:
    sample = with_probes(arrivals=(arrival("training", 0.0, 1.0), arrival("prediction", 0.02, 0.98)))
    [finding] = judge("TL301", sample).findings
    assert finding.message == (
        "In training and in `predict`, values from 0 to 1 reach `MobileNetV2`, which expects -1 to 1: the pixels were "
        "divided by 255."
    )
    assert finding.expected == "values from -1 to 1, as `mobilenet_v2.preprocess_input` gives them"
    assert finding.observed == "0 to 1 in training and in `predict`"
    assert finding.fix == (
        "Call `mobilenet_v2.preprocess_input` on pixels from 0 to 255 before the base, in place of the scaling that is "
        "there."
    )
    assert finding.location is not None
    assert (finding.location.cell, finding.location.line) == (FIT_HEAD.cell, FIT_HEAD.line)


def test_training_unlike_prediction_is_said() -> None:
    sample = with_probes(arrivals=(arrival("training", -1.0, 1.0), arrival("prediction", 0.0, 255.0)))
    [finding] = judge("TL301", sample).findings
    assert finding.message == (
        "In `predict`, values from 0 to 255 reach `MobileNetV2`, which expects -1 to 1: the pixels are not scaled at "
        "all. In training the values are right, so the model sees different images there."
    )
    assert finding.fix == (
        "Preprocess all images alike, best inside the model: call `mobilenet_v2.preprocess_input` there, before the "
        "base."
    )


def test_two_ways_of_being_wrong_are_two_findings() -> None:
    sample = with_probes(arrivals=(arrival("training", 0.0, 1.0), arrival("prediction", 0.0, 255.0)))
    assert [finding.observed for finding in judge("TL301", sample).findings] == [
        "0 to 1 in training",
        "0 to 255 in `predict`",
    ]


def test_what_a_bare_call_is_tried_on_does_not_count_beside_predict() -> None:
    dummy = arrival("prediction", 0.0, 0.0, source="call")
    trial = arrival("prediction", 0.0, 255.0, source="call")
    right = (arrival("training", -1.0, 1.0), arrival("prediction", -1.0, 1.0))
    assert said(judge("TL301", with_probes(arrivals=(*right, dummy, trial)))) == ("passed", ())
    assert judge("TL301", with_probes(arrivals=(right[0], trial))).outcome.value == "failed"


def test_without_images_in_training_nothing_is_passed() -> None:
    sample = with_probes(arrivals=(arrival("prediction", -1.0, 1.0),))
    assert said(judge("TL301", sample)) == (
        "skipped",
        ("No images were seen on their way to the base in training.",),
    )


def test_a_base_whose_range_is_not_known_is_not_judged() -> None:
    why = "It was built with `include_preprocessing=False`, so `preprocess_input` does not apply to it."
    result = judge("TL301", with_probes(expected=None, unexpected=why))
    assert said(result) == ("skipped", (f"Nothing tells which values `MobileNetV2` expects. {why}",))
    assert result.max_points == 0


def test_two_measurements_are_one() -> None:
    one = together(values(-1.0, 0.0, 0.2), values(0.0, 1.0, 0.2))
    assert (one.low[0], one.high[0], one.mean[0], one.images) == (-1.0, 1.0, 0.0, 4)
    assert one.spread[0] == pytest.approx((0.2**2 + 0.5**2) ** 0.5)


def probed(*, training: bool, prediction: bool = False) -> AugmentationProbe:
    """What came of sending the same images several times."""
    return AugmentationProbe(training=training, prediction=prediction, images=8, passes=3)


def test_augmentation_by_effect() -> None:
    assert judge("TL302", with_probes(augmentation=probed(training=True))).outcome.value == "passed"
    assert said(judge("TL302", with_probes(augmentation=probed(training=False)))) == (
        "failed",
        ("Images reach the base the same way each time in training, and no random step in the data was seen.",),
    )
    assert said(judge("TL302", with_probes(augmentation=probed(training=True, prediction=True)))) == (
        "failed",
        ("The model changes images at random in prediction too. One image has another answer each time.",),
    )
    reason = "No trained model with a pretrained base was left in the kernel to be probed."
    assert said(judge("TL302", with_probes(unprobed={"augmentation": reason}))) == ("skipped", (reason,))
    assert said(judge("TL302", with_probes())) == ("skipped", ("The model was not probed with images.",))


def test_augmentation_in_the_data_pipeline() -> None:
    still = probed(training=False)
    step = RandomStep(what="RandomFlip", acts=True, place=FIT_HEAD)
    assert judge("TL302", with_probes(augmentation=still, random_steps=(step,))).outcome.value == "passed"
    generator = Generator(use="training", arguments=("rotation_range",), place=FIT_HEAD)
    assert judge("TL302", with_probes(augmentation=still, generators=(generator,))).outcome.value == "passed"
    plain = generator.model_copy(update={"arguments": ()})
    assert judge("TL302", with_probes(augmentation=still, generators=(plain,))).outcome.value == "failed"
    idle = step.model_copy(update={"acts": False})
    assert said(judge("TL302", with_probes(augmentation=still, random_steps=(idle,)))) == (
        "failed",
        ("`RandomFlip` is called with `training=False`, so it changes no image in training either.",),
    )


def test_training_true_that_keras_overrides_is_a_warning() -> None:
    node = GraphNode(name="flips", kind="Sequential", training="true")
    model = Model(name="m", kind="Functional", chosen="trained last", parameters=1, nodes=(node,))
    sample = with_probes("3", augmentation=probed(training=True)).model_copy(update={"model": model})
    assert said(judge("TL302", sample)) == (
        "warned",
        (
            "`flips` is called with `training=True`. Keras 3.15.1 overrides that in `predict`, so no harm is done "
            "here; Keras 2 does not, and changes images in prediction too.",
        ),
    )


def test_keras_3_notes_training_true_for_random_layers_unasked() -> None:
    node = GraphNode(name="flip", kind="RandomFlip", training="true")
    model = Model(name="m", kind="Functional", chosen="trained last", parameters=1, nodes=(node,))
    sample = with_probes("3", augmentation=probed(training=True)).model_copy(update={"model": model})
    assert said(judge("TL302", sample)) == ("passed", ())


def test_batch_mates() -> None:
    def batch(difference: float, noise: float = 0.0) -> Probes:
        return Probes(batch=BatchProbe(difference=difference, noise=noise, scale=0.5, mates=7))

    sample = textbook()
    assert said(judge("TL402", sample.model_copy(update={"probes": batch(3e-7)}))) == ("passed", ())
    assert said(judge("TL402", sample.model_copy(update={"probes": batch(0.12)}))) == (
        "failed",
        ("`predict` gives one image another answer alone than among 7 others: its outputs differ by up to 0.12.",),
    )
    forced = textbook(calls=(call("true"),)).model_copy(update={"probes": batch(0.12)})
    assert said(judge("TL402", forced))[1][0].endswith(
        "The base is called with `training=True`, so its BatchNorm layers use the statistics of each batch."
    )
    assert said(judge("TL402", sample.model_copy(update={"probes": batch(0.12, noise=0.1)}))) == (
        "skipped",
        ("`predict` gives the same image another answer each time, so nothing tells what its batch-mates do.",),
    )


def fully_trained(correct: int, total: int = 40) -> Evidence:
    """The right solution after a full training on real weights."""
    probes = Probes(accuracy=AccuracyProbe(correct=correct, total=total))
    return textbook().model_copy(update={"environment": environment(training="full"), "probes": probes})


def test_accuracy() -> None:
    assert said(judge("TL403", fully_trained(32))) == ("passed", ())
    assert said(judge("TL403", fully_trained(31))) == (
        "failed",
        ("The trained model names 31 of 40 hidden images rightly (78%).",),
    )
    assert judge("TL403", fully_trained(31), minimum=0.7).outcome.value == "passed"
    assert judge("TL403", fully_trained(31), minimum=0.7).title == "At least 70% of the hidden images are named rightly"


def test_accuracy_is_not_judged_where_it_says_nothing() -> None:
    bounded = fully_trained(0).model_copy(update={"environment": environment()})
    assert said(judge("TL403", bounded)) == (
        "skipped",
        ("Training was shortened, so the model's accuracy says nothing about the notebook.",),
    )
    standing_in = fully_trained(0).model_copy(update={"environment": environment(training="full", weights="stand-in")})
    assert said(judge("TL403", standing_in)) == (
        "skipped",
        ("No real pretrained weights were there, so the accuracy says nothing about the notebook.",),
    )
    assert said(judge("TL403", fully_trained(0, 0))) == ("skipped", ("The assignment has no hidden images.",))


def test_a_check_whose_examples_cannot_be_run_says_what_they_need() -> None:
    needy = {code: check.example_needs for code, check in all_checks().items() if check.example_needs}
    assert needy == {"TL403": "real pretrained weights, a full training and hidden images"}

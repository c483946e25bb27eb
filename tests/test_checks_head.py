"""TL204, TL303, TL304 and TL305 on evidence: what they say, to the letter."""

from __future__ import annotations

from typing import Any

import pytest

from grader.evidence import Asked, Evidence, Head, HeadLayer, Loss, Place
from tests.evidence_samples import evidence, finetuning_phase, head_phase, judge, layers_from, said, textbook

BCE_LOGITS = Loss(name="BinaryCrossentropy", kind="binary", from_logits=True)
BCE_TEXT = Loss(name="binary_crossentropy", kind="binary", from_logits=False)
CATEGORICAL = Loss(name="CategoricalCrossentropy", kind="categorical", from_logits=False)
SPARSE = Loss(name="sparse_categorical_crossentropy", kind="sparse", from_logits=False)
SPARSE_LOGITS = Loss(name="SparseCategoricalCrossentropy", kind="sparse", from_logits=True)
OF_TENSORFLOW = Loss(name="sigmoid_cross_entropy_with_logits", kind="binary", from_logits=True, mends=False)


def layer(kind: str, does: str, **settings: Any) -> HeadLayer:
    return HeadLayer(name=kind.lower(), kind=kind, does=does, settings=settings)


def head(**changes: Any) -> Head:
    """Average, Dropout(0.2), one logit."""
    fields: dict[str, Any] = {
        "layers": (
            layer("GlobalAveragePooling2D", "average"),
            layer("Dropout", "dropout", rate=0.2),
            layer("Dense", "dense", units=1, activation="linear"),
        ),
        "pooling": "average",
        "activation": "linear",
        "units": 1,
    }
    return Head(**{**fields, **changes})


def sample(loss: Loss | None = BCE_LOGITS, *, phase: dict[str, Any] | None = None, **changes: Any) -> Evidence:
    """The textbook notebook with this head and loss."""
    about: dict[str, Any] = {"compiled_loss": loss, **(phase or {})}
    made = textbook(head=about, finetuning=about)
    assert made.model is not None
    shape = {key: changes.pop(key) for key in ("input_shape", "resized") if key in changes}
    model = made.model.model_copy(update={"head": head(**changes), **shape})
    return made.model_copy(update={"model": model, "asked": Asked(input_shape=(160, 160, 3))})


# --- TL204 ---------------------------------------------------------------------------------------------------


def rates(first: float | None, second: float | None, **changes: Any) -> Evidence:
    return textbook(head={"learning_rate": first}, finetuning={"learning_rate": second, **changes})


@pytest.mark.parametrize(
    ("first", "second"), [(1e-3, 1e-4), (1e-3, 1e-5), (9.999999747378752e-05, 9.999999747378752e-06)]
)
def test_a_tenth_of_the_rate_passes(first: float, second: float) -> None:
    assert said(judge("TL204", rates(first, second))) == ("passed", ())


def test_a_tenth_passes_although_float32_makes_it_a_little_more() -> None:
    assert judge("TL204", rates(0.001, 0.00010000000474974513)).outcome.value == "passed"


def test_the_same_rate_fails_and_says_so() -> None:
    result = judge("TL204", rates(0.001, 0.001))
    assert said(result) == (
        "failed",
        ("The fine-tuning began with a learning rate of 0.001, which is the same as the 0.001 of the head.",),
    )
    finding = result.findings[0]
    assert finding.expected == "a learning rate of at most 0.0001"
    assert finding.location is not None
    assert (finding.location.cell, finding.location.line) == (26, 12)
    assert finding.fix == (
        "Compile for the fine-tuning with a smaller rate, such as `tf.keras.optimizers.Adam(learning_rate=0.0001)`."
    )


def test_the_fraction_is_the_assignments() -> None:
    half = rates(0.001, 0.0005)
    assert said(judge("TL204", half)) == (
        "failed",
        ("The fine-tuning began with a learning rate of 0.0005, which is 0.5 times the 0.001 of the head.",),
    )
    assert judge("TL204", half, fraction=0.5).outcome.value == "passed"


def test_a_rate_of_a_schedule_or_callback_is_named_so() -> None:
    result = judge("TL204", rates(0.001, 0.01, rate_from="callback"))
    assert said(result)[1] == (
        "The fine-tuning began with a learning rate of 0.01, which is 10 times the 0.001 of the head. "
        "The fine-tuning got its rate from a callback.",
    )


def test_the_head_may_have_been_trained_in_several_steps() -> None:
    phases = (
        head_phase(role="other", learning_rate=0.001),
        head_phase(index=2, learning_rate=0.0001, continues=True),
        finetuning_phase(index=3, learning_rate=0.0001),
    )
    assert said(judge("TL204", evidence(phases))) == ("passed", ())
    another = (phases[0], phases[1].model_copy(update={"continues": False}), phases[2])
    assert judge("TL204", evidence(another)).outcome.value == "failed", "an earlier model's rate is none of this one's"


def test_every_step_of_the_fine_tuning_counts() -> None:
    phases = (
        head_phase(),
        finetuning_phase(role="other", learning_rate=0.001, place=Place(cell=25), compiled=Place(cell=24)),
        finetuning_phase(index=3, learning_rate=0.00001),
    )
    result = judge("TL204", evidence(phases))
    assert result.outcome.value == "failed"
    assert [finding.location.cell for finding in result.findings if finding.location] == [24]


def test_a_base_that_was_never_frozen_has_its_rates_compared_all_the_same() -> None:
    phases = (head_phase(trainable=layers_from(0), flagged=layers_from(0)), finetuning_phase(learning_rate=0.0001))
    assert said(judge("TL204", evidence(phases))) == ("passed", ())
    same = (phases[0], finetuning_phase(learning_rate=0.001))
    assert judge("TL204", evidence(same)).outcome.value == "failed"


def test_without_unfreezing_without_a_phase_or_without_a_rate_nothing_is_assessed() -> None:
    nothing = rates(0.001, 0.001, flagged=(), trainable=(), moved=())
    assert said(judge("TL204", nothing)) == (
        "skipped",
        ("No layer of the base was unfrozen, so there was no fine-tuning to lower the rate for.",),
    )
    assert judge("TL204", nothing).max_points == 2
    too_late = rates(0.001, 0.001, trainable=(), moved=())
    assert judge("TL204", too_late).outcome.value == "failed", "unfrozen, but not compiled again: the rate stayed"
    assert judge("TL204", textbook(finetuning=None)).outcome.value == "skipped"
    assert judge("TL204", evidence((finetuning_phase(),))).outcome.value == "skipped"
    assert said(judge("TL204", rates(0.001, None))) == (
        "skipped",
        ("The learning rate of the fine-tuning could not be told.",),
    )


# --- TL303 ---------------------------------------------------------------------------------------------------


def test_the_head_as_asked_passes() -> None:
    assert said(judge("TL303", sample())) == ("passed", ())
    assert said(judge("TL303", sample(), dropout=0.2, units=1)) == ("passed", ())
    assert said(judge("TL303", sample(), dropout=[0.1, 0.5], units=[1, 2])) == ("passed", ())


def test_another_pooling_fails_with_what_the_head_does() -> None:
    flat = sample(
        layers=(layer("Flatten", "flatten"), layer("Dense", "dense", units=1)),
        pooling="flatten",
    )
    result = judge("TL303", flat)
    assert said(result) == (
        "failed",
        ("The head lays the base's whole feature map out in one row: its layers are `Flatten` and `Dense`.",),
    )
    assert result.findings[0].expected == "the average of each channel over the feature map"
    assert result.findings[0].fix == "Put `tf.keras.layers.GlobalAveragePooling2D()` right after the base."
    assert judge("TL303", flat, pooling="flatten").outcome.value == "passed"
    assert judge("TL303", flat, pooling="any").outcome.value == "passed"
    assert said(judge("TL303", sample(pooling="max")))[1] == (
        "The head takes the maximum of each channel of the base's feature map: its layers are "
        "`GlobalAveragePooling2D`, `Dropout` and `Dense`.",
    )


def test_a_pooling_that_is_hidden_in_code_is_not_judged() -> None:
    result = judge("TL303", sample(pooling="unknown"))
    assert said(result) == (
        "skipped",
        ("How the head pools is hidden in code or in the base's own top, so it was not judged.",),
    )
    assert result.max_points == 0


def test_dropout_is_looked_at_only_where_it_is_asked_for() -> None:
    none = sample(layers=(layer("GlobalAveragePooling2D", "average"), layer("Dense", "dense", units=1)))
    assert judge("TL303", none).outcome.value == "passed"
    assert said(judge("TL303", none, dropout=0.2)) == (
        "failed",
        ("The head has no Dropout: its layers are `GlobalAveragePooling2D` and `Dense`.",),
    )
    result = judge("TL303", sample(), dropout=[0.3, 0.5])
    assert said(result) == ("failed", ("The head's Dropout has a rate of 0.2.",))
    assert result.findings[0].expected == "a Dropout with a rate between 0.3 and 0.5"


def test_the_number_of_outputs_fails_where_it_is_none_of_the_allowed_ones() -> None:
    result = judge("TL303", sample(units=3), units=[1, 2])
    assert said(result) == ("failed", ("The model gives 3 numbers for an image.",))
    assert result.findings[0].expected == "1 or 2 for an image"
    assert judge("TL303", sample(units=None), units=1).max_points == 0


# --- TL304 ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "about"),
    [
        (BCE_LOGITS, {}),
        (BCE_TEXT, {"activation": "sigmoid"}),
        (BCE_TEXT, {"activation": "hardsigmoid"}),
        (CATEGORICAL, {"activation": "softmax", "units": 2}),
        (SPARSE, {"activation": "softmax", "units": 2}),
        (SPARSE_LOGITS, {"units": 2}),
        (OF_TENSORFLOW, {}),
        # Keras goes back to the logits, and the largest output is the same one.
        (SPARSE, {"activation": "sigmoid", "units": 2}),
    ],
)
def test_a_loss_that_expects_what_it_gets_passes(loss: Loss, about: dict[str, Any]) -> None:
    assert said(judge("TL304", sample(loss, **about))) == ("passed", ())


def test_logits_for_a_loss_of_probabilities_fail() -> None:
    result = judge("TL304", sample(BCE_TEXT))
    assert said(result) == (
        "failed",
        (
            "The loss `binary_crossentropy` expects probabilities, and the last layer gives logits, without an "
            "activation. Keras cuts off what does not lie between 0 and 1, and no gradient flows there.",
        ),
    )
    assert result.findings[0].fix == (
        "Compile with `tf.keras.losses.BinaryCrossentropy(from_logits=True)`, or give the last layer "
        '`activation="sigmoid"`.'
    )
    assert result.findings[0].location is not None
    assert result.findings[0].location.cell == 20


def test_a_sigmoid_for_a_loss_of_logits_is_mended_by_keras_and_warned() -> None:
    twice = sample(BCE_LOGITS, activation="sigmoid")
    message = (
        "The loss `BinaryCrossentropy` expects logits (`from_logits=True`), and the last layer gives what a sigmoid "
        "makes of them, between 0 and 1. Keras noticed, warned of it, and computed the loss from the logits that went "
        "into the sigmoid, so the training was as it should be."
    )
    assert said(judge("TL304", twice)) == ("warned", (message,))
    assert said(judge("TL304", twice, mended="fail")) == ("failed", (message,))


@pytest.mark.parametrize(
    ("loss", "about"),
    [(OF_TENSORFLOW, {}), (BCE_LOGITS, {"activation_last": False})],
    ids=["tf.nn", "something-after-the-sigmoid"],
)
def test_a_sigmoid_that_keras_cannot_see_through_fails(loss: Loss, about: dict[str, Any]) -> None:
    outcome, messages = said(judge("TL304", sample(loss, activation="sigmoid", **about)))
    assert outcome == "failed"
    assert messages[0].endswith("between 0 and 1. They are squashed a second time.")


def test_a_softmax_over_one_output_fails_whatever_the_loss() -> None:
    for loss in (BCE_TEXT, BCE_LOGITS, CATEGORICAL):
        assert said(judge("TL304", sample(loss, activation="softmax"))) == (
            "failed",
            (
                "The output is a softmax over 1 number, which is 1 for every image: the model cannot tell anything "
                "apart.",
            ),
        )


def test_one_output_for_a_loss_of_classes_fails() -> None:
    outcome, messages = said(judge("TL304", sample(SPARSE, activation="sigmoid")))
    assert outcome == "failed"
    assert messages[0].startswith("The loss `sparse_categorical_crossentropy` compares one output a class, and the")


@pytest.mark.parametrize("labels", [(), (1,)])
@pytest.mark.parametrize("loss", [BCE_TEXT, CATEGORICAL])
def test_two_outputs_and_one_label_fail_where_each_output_needs_one(loss: Loss, labels: tuple[int, ...]) -> None:
    two = sample(loss, activation="softmax", units=2, phase={"label_shape": labels})
    assert said(judge("TL304", two)) == (
        "failed",
        (
            f"The loss `{loss.name}` compares each of the model's 2 outputs with a label of its own, and there is "
            "1 label number an image.",
        ),
    )
    one_hot = sample(loss, activation="softmax", units=2, phase={"label_shape": (2,)})
    assert judge("TL304", one_hot).outcome.value == "passed"


def test_one_hot_labels_for_a_loss_of_class_numbers_fail() -> None:
    labelled = sample(SPARSE, activation="softmax", units=2, phase={"label_shape": (2,)})
    assert said(judge("TL304", labelled))[0] == "failed"
    assert judge("TL304", sample(SPARSE, activation="softmax", units=2, phase={"label_shape": ()})).points == 2


def test_a_relu_gives_no_logits() -> None:
    outcome, messages = said(judge("TL304", sample(BCE_LOGITS, activation="relu")))
    assert outcome == "failed"
    assert messages[0].endswith("gives what a relu makes of them, never below 0.")


@pytest.mark.parametrize(
    ("loss", "about", "reason"),
    [
        (None, {}, "The model was trained without a loss in `compile`, so there is none to judge."),
        (
            Loss(name="my_loss", kind="custom"),
            {},
            "The loss `my_loss` is the notebook's own; what it expects is not known.",
        ),
        (
            Loss(name="mse", kind="other"),
            {},
            "The loss `mse` takes any numbers, so no last layer is wrong for it.",
        ),
        (
            BCE_TEXT,
            {"activation": "unknown"},
            "What the model's output has passed through is hidden in code, so it was not judged.",
        ),
    ],
)
def test_what_cannot_be_known_is_not_judged(loss: Loss | None, about: dict[str, Any], reason: str) -> None:
    result = judge("TL304", sample(loss, **about))
    assert (result.max_points, said(result)) == (0, ("skipped", (reason,)))


def test_each_compile_is_judged_and_the_same_fault_told_once() -> None:
    made = sample(BCE_TEXT)
    assert len(judge("TL304", made).findings) == 1
    right = head_phase(compiled_loss=BCE_LOGITS)
    wrong = finetuning_phase(compiled_loss=BCE_TEXT, compiled=Place(cell=26, line=3))
    result = judge("TL304", made.model_copy(update={"phases": (right, wrong)}))
    assert [finding.location.cell for finding in result.findings if finding.location] == [26]


# --- TL305 ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "about",
    [
        {"input_shape": (160, 160, 3)},
        {"input_shape": (None, None, 3)},
        {"input_shape": (None, None, 3), "resized": (224, 224)},
        {"input_shape": (256, 256, 3), "resized": (160, 160)},
    ],
)
def test_a_model_that_takes_the_images_passes(about: dict[str, Any]) -> None:
    assert said(judge("TL305", sample(**about))) == ("passed", ())


@pytest.mark.parametrize(
    ("about", "message"),
    [
        (
            {"input_shape": (224, 224, 3)},
            "The model takes images of 224 x 224 x 3, and the assignment's are 160 x 160 x 3.",
        ),
        (
            {"input_shape": (None, None, 1)},
            "The model takes images of any x any x 1, and the assignment's are 160 x 160 x 3.",
        ),
        (
            {"input_shape": (256, 256, 3), "resized": (224, 224)},
            "The model takes images of 256 x 256 x 3, and the assignment's are 160 x 160 x 3.",
        ),
    ],
)
def test_a_model_of_other_images_fails(about: dict[str, Any], message: str) -> None:
    result = judge("TL305", sample(**about))
    assert said(result) == ("failed", (message,))
    assert result.findings[0].fix == "Build the base and the input with `input_shape=(160, 160, 3)`."


def test_the_shape_may_be_asked_for_by_the_check_itself() -> None:
    small = sample(input_shape=(96, 96, 3))
    assert judge("TL305", small, shape=[96, 96, 3]).outcome.value == "passed"
    assert judge("TL305", small.model_copy(update={"asked": None})).max_points == 0
    assert said(judge("TL305", sample())) == ("skipped", ("Which images the model takes could not be told.",))

"""TL304 loss-matches-output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from grader.checks._base import Check, Failed, NotApplicable, NotAssessed, Parameters, Passed, Verdict, Warned
from grader.checks._phases import absent, no_base
from grader.checks._words import locate
from grader.evidence import Evidence, Head, Loss, Phase, Place
from grader.policy import Policy
from grader.results import Finding

__all__ = ["LossMatchesOutput", "LossParameters"]

LOGITS = {
    "binary": "BinaryCrossentropy",
    "categorical": "CategoricalCrossentropy",
    "sparse": "SparseCategoricalCrossentropy",
}
SQUASH = {"binary": "sigmoid", "categorical": "softmax", "sparse": "softmax"}
BOUNDED = {
    "relu": "never below 0",
    "relu6": "between 0 and 6",
    "tanh": "between -1 and 1",
    "hardsigmoid": "between 0 and 1",
    "sigmoid": "between 0 and 1",
    "softmax": "between 0 and 1",
}
"""Activations whose values are no logits, and where they lie."""
PROBABILITIES = ("sigmoid", "softmax", "hardsigmoid")
NO_PROBABILITIES = ("linear", "relu", "relu6", "tanh")


class LossParameters(Parameters):
    """Keys of TL304 in the TOML."""

    mended: Literal["warn", "fail"] = "warn"
    """A loss with `from_logits=True` on a sigmoid or softmax, where Keras notices, and computes with the logits that
    went into it: ``warn``, for the training was as it should be, or ``fail``."""


class LossMatchesOutput(Check):
    """What it checks
    --------------
    The loss expects what the last layer gives. With `from_logits=True` that is any number, from a layer without an
    activation; otherwise, as in `loss="binary_crossentropy"`, it is probabilities, from a sigmoid (one output) or a
    softmax (one output a class). The number of outputs fits the loss and the labels. A loss of your own is not judged.

    Why it matters
    --------------
    A logit read as a probability is cut off to lie between 0 and 1; beyond that no gradient flows, and the
    image teaches nothing. A probability that is read as a logit is squashed a second time: nothing the model
    can say is more certain than 73%, and gradients shrink. A softmax over one output is always 1. In all three cases
    the training runs, and a good base hides the fault behind a fair accuracy.

    Example
    -------
    The last layer has no activation, and the text stands for a loss of probabilities.

    ```python
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base_model(inputs, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile("adam", loss="binary_crossentropy")
    model.fit(images, labels)
    ```

    Use instead
    -----------
    ```python
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base_model(inputs, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile("adam", loss=tf.keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(images, labels)
    ```
    """

    code = "TL304"
    name = "loss-matches-output"
    title = "The loss expects what the last layer gives"
    requires = ("NB002",)
    Parameters = LossParameters
    parameters: LossParameters

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        if evidence.base is None:
            return no_base()
        head = evidence.model.head if evidence.model else None
        if head is None:
            return NotAssessed("Of what the head is made could not be told.")
        phases = [phase for phase in evidence.phases if phase.role != "other"]
        if not phases:
            return absent(evidence, "head")
        words = {(phase.compiled_loss, phase.label_shape, phase.compiled): word_on(head, phase) for phase in phases}
        faults = tuple(finding(word, phase) for word, phase in told(words, phases, "fault"))
        mended = tuple(finding(word, phase) for word, phase in told(words, phases, "mended"))
        if faults or (mended and self.parameters.mended == "fail"):
            return Failed(faults + mended)
        if mended:
            return Warned(mended)
        if any(word.about == "right" for word in words.values()):
            return Passed()
        return NotApplicable(next(iter(words.values())).text)


@dataclass(frozen=True)
class Word:
    """What is to be said on one compiled loss."""

    about: Literal["right", "fault", "mended", "hidden"]
    text: str = ""
    expected: str = ""
    observed: str = ""
    fix: str = ""


Key = tuple[Loss | None, tuple[int, ...] | None, Place | None]


def told(words: dict[Key, Word], phases: list[Phase], about: str) -> list[tuple[Word, Phase]]:
    """Words of one kind, each once, with the first phase that it is about."""
    first: dict[Word, Phase] = {}
    for phase in phases:
        word = words[(phase.compiled_loss, phase.label_shape, phase.compiled)]
        if word.about == about:
            first.setdefault(word, phase)
    return list(first.items())


def finding(word: Word, phase: Phase) -> Finding:
    """The word as a finding."""
    return Finding(
        message=word.text,
        expected=word.expected,
        observed=word.observed,
        location=locate(phase.compiled or phase.place),
        fix=word.fix,
    )


def word_on(head: Head, phase: Phase) -> Word:
    """Whether this phase's loss fits the head."""
    loss = phase.compiled_loss
    if loss is None:
        return Word("hidden", "The model was trained without a loss in `compile`, so there is none to judge.")
    if loss.kind == "custom":
        return Word("hidden", f"The loss `{loss.name}` is the notebook's own; what it expects is not known.")
    if loss.kind == "other":
        return Word("hidden", f"The loss `{loss.name}` takes any numbers, so no last layer is wrong for it.")
    if head.activation in ("unknown", "custom"):
        return Word("hidden", "What the model's output has passed through is hidden in code, so it was not judged.")
    wrong_size = of_one_output(head, loss) or of_labels(head, loss, phase.label_shape)
    return wrong_size or (of_logits(head, loss) if loss.from_logits else of_probabilities(head, loss))


def of_one_output(head: Head, loss: Loss) -> Word | None:
    """A softmax over a single number."""
    if head.units != 1:
        return None
    fix = 'Use `Dense(1)` with `BinaryCrossentropy(from_logits=True)`, or `Dense(1, activation="sigmoid")` without it.'
    if head.activation == "softmax":
        return Word(
            "fault",
            "The output is a softmax over 1 number, which is 1 for every image: the model cannot tell anything apart.",
            "a sigmoid or no activation on 1 output, or a softmax over one output a class",
            "a softmax over 1 output",
            fix,
        )
    if loss.kind in ("categorical", "sparse"):
        return Word(
            "fault",
            f"The loss `{loss.name}` compares one output a class, and the model gives 1 number for an image: "
            "over a single class every prediction is certain and there is nothing to learn.",
            "one output a class, or a binary crossentropy",
            "1 output",
            fix,
        )
    return None


def of_labels(head: Head, loss: Loss, labels: tuple[int, ...] | None) -> Word | None:
    """Labels that are no match for the outputs."""
    if labels is None or head.units is None or head.units < 2:
        return None
    single = labels in ((), (1,))
    if loss.kind == "sparse":
        if single or labels != (head.units,):
            return None
        return Word(
            "fault",
            f"The loss `{loss.name}` takes the number of the class as label, and the labels are one-hot, "
            f"{labels[0]} numbers an image.",
            "one label an image",
            f"{labels[0]} label numbers an image",
            "Use a categorical crossentropy for one-hot labels.",
        )
    if not single:
        return None
    return Word(
        "fault",
        f"The loss `{loss.name}` compares each of the model's {head.units} outputs with a label of its own, and there "
        "is 1 label number an image.",
        f"{head.units} label numbers an image (one-hot), or a loss for the number of the class",
        "1 label number an image",
        "Use `SparseCategoricalCrossentropy` with a softmax for labels that number the classes, or a single output.",
    )


def of_logits(head: Head, loss: Loss) -> Word:
    """A loss that expects logits."""
    if head.activation not in BOUNDED:
        return Word("right")
    other = "a loss without `from_logits=True`" if loss.mends else f"`tf.keras.losses.{LOGITS[loss.kind]}()`"
    fix = f"Leave the activation of the last layer out, or compile with {other}."
    expected, observed = "no activation on the last layer", f"a {head.activation}"
    logits = "logits (`from_logits=True`)" if loss.mends else "logits"
    said = (
        f"The loss `{loss.name}` expects {logits}, and the last layer gives what a {head.activation} makes of them, "
        f"{BOUNDED[head.activation]}."
    )
    if head.activation in ("sigmoid", "softmax") and loss.mends and head.activation_last:
        return Word(
            "mended",
            f"{said} Keras noticed, warned of it, and computed the loss from the logits that went into the "
            f"{head.activation}, so the training was as it should be.",
            expected,
            observed,
            fix,
        )
    squashed = " They are squashed a second time." if head.activation in PROBABILITIES else ""
    return Word("fault", f"{said}{squashed}", expected, observed, fix)


def of_probabilities(head: Head, loss: Loss) -> Word:
    """A loss that expects probabilities."""
    squash = SQUASH[loss.kind]
    if head.activation not in NO_PROBABILITIES:
        return Word("right")
    gives = (
        "logits, without an activation" if head.activation == "linear" else f"what a {head.activation} makes of them"
    )
    return Word(
        "fault",
        f"The loss `{loss.name}` expects probabilities, and the last layer gives {gives}. Keras cuts off what does not "
        "lie between 0 and 1, and no gradient flows there.",
        f"a {squash} on the last layer, or a loss with `from_logits=True`",
        "no activation" if head.activation == "linear" else f"a {head.activation}",
        f"Compile with `tf.keras.losses.{LOGITS[loss.kind]}(from_logits=True)`, "
        f'or give the last layer `activation="{squash}"`.',
    )

"""TL401 trained."""

from __future__ import annotations

from grader.checks._base import Check, Failed, Passed, Verdict, Warned
from grader.checks._phases import broke_early, broken_off, no_base, stopped_cells
from grader.checks._words import locate
from grader.evidence import Evidence, Phase
from grader.policy import Policy
from grader.results import Finding

__all__ = ["Trained"]


class Trained(Check):
    """What it checks
    --------------
    The model was trained, and the weights of its head changed in that training. A `fit` that was written but
    never reached, or that could change nothing, is no training.

    Why it matters
    --------------
    The base brings what it learned on ImageNet; the head begins with random numbers. Until it has been trained,
    the model guesses, and neither `compile` nor `evaluate` changes a single weight.

    Example
    -------
    ```python
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base_model(inputs, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile("adam", loss)
    model.evaluate(images, labels)
    ```

    Use instead
    -----------
    ```python
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base_model(inputs, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile("adam", loss)
    model.fit(images, labels)
    model.evaluate(images, labels)
    ```
    """

    code = "TL401"
    name = "trained"
    title = "The head was trained"
    requires = ("NB002",)

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        if evidence.base is None:
            return no_base()
        if not evidence.phases:
            return Failed(
                (
                    Finding(
                        message=f"The model was never trained.{stopped_cells(evidence)}",
                        expected="a training that changes the head's weights",
                        observed="no training",
                        fix="Call `model.fit(...)` on the model after `compile`.",
                    ),
                )
            )
        if any(phase.head.moved for phase in evidence.phases):
            return Passed()
        ran = [phase for phase in evidence.phases if not broke_early(phase)]
        if not ran:
            return broken_off(evidence.phases[0])
        chance = evidence.environment.training == "bounded" and any(could_move(phase) for phase in ran)
        return Warned((by_chance(ran[-1]),)) if chance else Failed((unmoved(ran[-1]),))


def could_move(phase: Phase) -> bool:
    """Whether nothing but the gradient kept the head as it was. In one short step that may be zero by chance: a loss
    that cuts off what lies outside its range has none for some images."""
    return phase.head.trainable > 0 and phase.learning_rate != 0


def by_chance(phase: Phase) -> Finding:
    """The head could learn, and did not in the grader's one short step."""
    return unmoved(phase).model_copy(
        update={
            "message": "The head could learn, but no weight of it changed in the one short run that the grader made.",
        }
    )


def unmoved(phase: Phase) -> Finding:
    """The training ran and the head is as it was."""
    message, fix = (
        "The model was trained, but no weight of its head changed",
        "Look at the loss and at what the head returns: a gradient that is zero everywhere changes nothing.",
    )
    if phase.head.tensors == 0:
        message += ": there is no layer with weights beside the base"
        fix = "Add a head with weights of its own, such as `tf.keras.layers.Dense(1)`, on top of the base."
    elif phase.head.trainable == 0:
        message += ": the whole head was frozen"
        fix = "Set `trainable = False` on the base alone, not on the model, and call `compile` after it."
    elif phase.learning_rate == 0:
        message += ": the learning rate was 0"
        fix = "Give the optimizer a learning rate above 0."
    head = phase.head
    return Finding(
        message=f"{message}.",
        expected="a training that changes the head's weights",
        observed=f"{head.moved} of {head.tensors} head tensors changed, {head.trainable} were trainable",
        location=locate(phase.place),
        fix=fix,
    )

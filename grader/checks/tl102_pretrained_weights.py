"""TL102 pretrained-weights."""

from __future__ import annotations

from grader.checks._base import Check, Failed, NotApplicable, Passed, Verdict
from grader.checks._phases import no_base
from grader.checks._words import locate, plain
from grader.evidence import Base, Evidence
from grader.policy import Policy
from grader.results import Finding

__all__ = ["PretrainedWeights"]

FEW = 0.05
"""Up to this fraction of equal tensors the base counts as random: BatchNorm's zeros and ones can agree by chance."""
LOAD = 'Make the base with `weights="imagenet"`, and train that very base.'


class PretrainedWeights(Check):
    """What it checks
    --------------
    When training began, every weight of the base was equal, to the last bit, to the pretrained file that the
    grader keeps (or to the stand-in that it gave your notebook in its place). How the weights got there does
    not matter.

    Why it matters
    --------------
    Transfer learning transfers the weights. `weights=None` builds the very same layers around random numbers:
    every shape, name and count agrees, `fit` runs, and a frozen base of random numbers hands the head features
    that mean nothing. `tf.keras.models.clone_model` does so too, silently: it copies layers and draws new weights.

    Example
    -------
    ```python
    base_model = MobileNetV2(input_shape=(96, 96, 3), include_top=False, weights=None)
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base_model(inputs, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile("adam", loss)
    model.fit(images, labels)
    ```

    Use instead
    -----------
    ```python
    base_model = MobileNetV2(input_shape=(96, 96, 3), include_top=False, weights="imagenet")
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base_model(inputs, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile("adam", loss)
    model.fit(images, labels)
    ```
    """

    code = "TL102"
    name = "pretrained-weights"
    title = "The base starts from its pretrained weights"
    requires = ("NB002",)

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        base = evidence.base
        if base is None:
            return no_base()
        store = base.store
        asked_random = base.asked_weights == "None"
        if store.kind == "none" or store.tensors == 0:
            if asked_random:
                return Failed(
                    (finding(base, "The base was made with `weights=None`, so it started from random numbers."),)
                )
            return NotApplicable("The grader has no pretrained weights of this base to compare with.")
        if store.equal == store.tensors:
            return Passed()
        if store.kind == "stand-in" and not asked_random and base.asked_weights not in ("", "imagenet"):
            return NotApplicable(
                f"The base was loaded from `{plain(base.asked_weights)}`, and the grader has only stand-in weights "
                "to compare with."
            )
        return Failed((finding(base, describe(base)),))


def describe(base: Base) -> str:
    """How far the base is from the pretrained weights."""
    store = base.store
    if store.equal > FEW * store.tensors:
        differ = store.tensors - store.equal
        return (
            f"{store.equal} of the base's {store.tensors} weight tensors were the pretrained ones when training began; "
            f"the other {differ} {'was' if differ == 1 else 'were'} not."
        )
    if base.asked_weights == "None":
        return "The base was made with `weights=None`, so it started from random numbers."
    asked = f'The base was made with `weights="{plain(base.asked_weights)}"`, but by' if base.asked_weights else "By"
    return f"{asked} the time training began its weights were not the pretrained ones."


def finding(base: Base, message: str) -> Finding:
    """The finding, with the count that stands behind it."""
    store = base.store
    source = {
        "pretrained": "the pretrained file",
        "stand-in": "the grader's stand-in for the pretrained file",
        "none": "",
    }
    compared = store.kind != "none" and store.tensors
    fix = LOAD
    if base.asked_weights != "None":
        fix += (
            " `clone_model` and code that assigns weights do not keep them: copy with `get_weights` and `set_weights`."
        )
    return Finding(
        message=message,
        expected=f"all {store.tensors} tensors equal to {source[store.kind]}" if compared else "pretrained weights",
        observed=f"{store.equal} of {store.tensors} equal" if compared else "`weights=None`",
        location=locate(base.built),
        fix=fix,
    )

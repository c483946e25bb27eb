"""TL301 preprocessing."""

from __future__ import annotations

from collections.abc import Sequence, Set

from grader.checks._base import Check, Failed, NotApplicable, NotAssessed, Passed, Verdict
from grader.checks._phases import no_base, stopped_cells
from grader.checks._scales import Scale, number, recognise, span
from grader.checks._words import listed, locate
from grader.evidence import Base, Evidence
from grader.evidence_probes import Arrival, Expectation
from grader.policy import Policy
from grader.results import Finding

__all__ = ["Preprocessing"]

RUNS = {
    "fit": "in training",
    "validation": "in validation",
    "evaluate": "in `evaluate`",
    "predict": "in `predict`",
    "call": "when the model is called",
}


class Preprocessing(Check):
    """What it checks
    --------------
    The values that reach the base lie in the range that this base was trained with, in training and in prediction.
    What counts is what arrives: it makes no difference whether images are preprocessed in the model, in the dataset,
    by `preprocess_input`, by a `Rescaling` layer or by arithmetic. The range is measured with the `preprocess_input`
    that comes with the base.

    Why it matters
    --------------
    The weights of a base fit the values it was trained with. MobileNetV2 learned from pixels between -1 and 1, ResNet50
    from pixels between about -124 and 151, EfficientNet takes them from 0 to 255 and scales them itself. Other values
    crash nothing and often train nearly as well, so nothing points at the mistake; the base just sees images that
    are too pale, or all alike, and its features are worth less. Dividing by 255 for a base that expects -1 to 1 is
    the most common form.

    Example
    -------
    ```python
    photos = (images + 1.0) * 127.5
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = base_model(inputs, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile("adam", loss)
    model.fit(photos / 255.0, labels)
    ```

    Use instead
    -----------
    ```python
    photos = (images + 1.0) * 127.5
    base_model.trainable = False
    inputs = tf.keras.Input((96, 96, 3))
    x = tf.keras.applications.mobilenet_v2.preprocess_input(inputs)
    x = base_model(x, training=False)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(x))
    model.compile("adam", loss)
    model.fit(photos, labels)
    ```
    """

    code = "TL301"
    name = "preprocessing"
    title = "Images reach the base in the range that it expects"
    requires = ("NB002",)
    probes = ("inputs",)

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        base, probes = evidence.base, evidence.probes
        if base is None:
            return no_base()
        expected = probes.expected
        if expected is None:
            why = probes.unexpected or "What it expects could not be measured."
            return NotApplicable(f"Nothing tells which values `{base.application}` expects. {why}")
        arrivals = [one for one in probes.arrivals if len(one.values.low) == len(expected.low) and not is_dummy(one)]
        training = decisive([one for one in arrivals if one.mode == "training"])
        prediction = decisive([one for one in arrivals if one.mode == "prediction"])
        scales = {id(one): recognise(one.values, expected, one.mode) for one in (*training, *prediction)}
        wrong = [one for one in (*training, *prediction) if scales[id(one)] is not Scale.RIGHT]
        if wrong:
            fine = {one.mode for one in (*training, *prediction)} - {one.mode for one in wrong}
            return Failed(findings_for(wrong, scales, frozenset(fine), base, expected))
        if not training:
            return NotAssessed(f"No images were seen on their way to the base in training.{stopped_cells(evidence)}")
        return Passed()


def run_of(arrival: Arrival) -> str:
    """What ran the model, as a phrase."""
    loop = arrival.source == "call" and arrival.mode == "training"
    return "in the training loop" if loop else RUNS[arrival.source]


def is_dummy(arrival: Arrival) -> bool:
    """Whether these are no images: a tensor of zeros that builds the model, say."""
    return max(arrival.values.high) == min(arrival.values.low)


def decisive(arrivals: list[Arrival]) -> list[Arrival]:
    """Those that count in one mode: a bare call may try the model on anything, so it counts only where `fit`,
    `evaluate` and `predict` show nothing."""
    return [one for one in arrivals if one.source != "call"] or arrivals


def findings_for(
    wrong: Sequence[Arrival], scales: dict[int, Scale], fine: Set[str], base: Base, expected: Expectation
) -> tuple[Finding, ...]:
    """One finding for each way in which values are wrong; the lines that show the same are told together."""
    grouped: dict[tuple[Scale, str], list[Arrival]] = {}
    both = {scales[id(one)] for one in wrong if one.mode == "training"} & {
        scales[id(one)] for one in wrong if one.mode == "prediction"
    }
    for one in wrong:
        scale = scales[id(one)]
        grouped.setdefault((scale, "" if scale in both else one.mode), []).append(one)
    return tuple(finding(group, scale, fine, base, expected) for (scale, _), group in grouped.items())


def finding(group: list[Arrival], scale: Scale, fine: Set[str], base: Base, expected: Expectation) -> Finding:
    """What one way of being wrong looks like."""
    low = min(min(one.values.low) for one in group)
    high = max(max(one.values.high) for one in group)
    seen = f"{number(low)} to {number(high)}"
    where = listed([*dict.fromkeys(run_of(one) for one in group)])
    message = (
        f"{where[0].upper()}{where[1:]}, values from {seen} reach `{base.application}`, which expects {span(expected)}"
    )
    unlike = ""
    if fine and {one.mode for one in group}.isdisjoint(fine):
        other = "training" if "training" in fine else "prediction"
        unlike = f" In {other} the values are right, so the model sees different images there."
    return Finding(
        message=f"{message}: {scale.explained}.{unlike}",
        expected=f"values from {span(expected)}, as `{expected.by}` gives them",
        observed=f"{seen} {where}",
        location=locate(next((one.place for one in group if one.place), None)),
        fix=scale.remedy(expected.by, unlike=bool(unlike)),
    )

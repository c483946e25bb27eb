"""Numbers, lists and environments in a reader's words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from grader.evidence import Drift, Environment
from grader.results import CheckResult, Outcome, Report

__all__ = [
    "drift_text",
    "environment_line",
    "exercise_name",
    "joined",
    "layer_ranges",
    "number",
    "outcome_word",
    "plural",
    "points_text",
    "tally",
    "version_text",
]

WEIGHTS = {
    "pretrained": "real ImageNet weights",
    "stand-in": "stand-in weights",
    "none": "no pretrained weights at hand",
}
TRAINING = {"bounded": "training shortened to one step a phase", "full": "trained in full"}
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def plural(count: int, noun: str, many: str = "") -> str:
    """``1 layer``, ``2 layers``."""
    return f"{count} {noun if count == 1 else many or noun + 's'}"


def number(count: int) -> str:
    """Up to twelve as a word, above in digits."""
    return WORDS[count] if 0 <= count < len(WORDS) else str(count)


def exercise_name(name: str) -> str:
    """An exercise as it is spoken of: a function as code, a heading in quotation marks."""
    return f"`{name}`" if name.isidentifier() else f"\u201c{name}\u201d"


def joined(parts: Sequence[str], last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def points_text(value: float) -> str:
    """Points without needless zeros, to two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def version_text(version: str) -> str:
    """A version without a patch number of 0: ``2.21.0`` -> ``2.21``."""
    parts = version.split(".")
    return ".".join(parts[:-1]) if len(parts) > 2 and parts[-1] == "0" else version


def layer_ranges(layers: Sequence[int]) -> str:
    """``0 to 3, 7`` for the indices 0, 1, 2, 3, 7; they must be sorted."""
    runs: list[list[int]] = []
    for layer in layers:
        if runs and layer == runs[-1][-1] + 1:
            runs[-1][1:] = [layer]
        else:
            runs.append([layer])
    return ", ".join(" to ".join(map(str, run)) for run in runs)


def drift_text(drift: Sequence[Drift]) -> str:
    """How far moving means went, as the end of a phrase: ``by up to 0.41 standard deviations``.

    Empty where only variances moved.
    """
    if not all(math.isfinite(one.mean) and math.isfinite(one.variance) for one in drift):
        return "to values that are no longer finite"
    furthest = max((one.mean for one in drift), default=0.0)
    return f"by up to {furthest:.2g} standard deviations" if furthest > 0 else ""


def environment_line(name: str, environment: Environment) -> str:
    """What ran the notebook, for the line below the lead; parts are set apart by `` · ``."""
    keras, tensorflow = version_text(environment.keras), version_text(environment.tensorflow)
    flavour = f"Keras 2 (tf-keras {keras})" if environment.keras_flavour == "2" else f"Keras {keras}"
    parts = [
        name,
        f"{flavour} on TensorFlow {tensorflow}",
        WEIGHTS[environment.weights],
        TRAINING[environment.training],
    ]
    return " · ".join(parts)


def outcome_word(check: CheckResult) -> str:
    """The outcome of a check as a reader sees it."""
    if check.outcome is Outcome.SKIPPED:
        return "not assessed" if check.max_points > 0 else "skipped"
    words = {Outcome.WARNED: "worth reading", Outcome.ERROR: "grader error"}
    return words.get(check.outcome, str(check.outcome.value))


def tally(report: Report) -> str:
    """How many checks failed, were not assessed or erred, e.g. ``2 of 14 checks failed``.

    Checks that were skipped at nobody's cost are left out of the count.
    """
    words = [outcome_word(check) for check in report.checks]
    total = len(words) - words.count("skipped")
    troubles = [
        f"{words.count(word)} {text}"
        for word, text in (
            ("failed", "failed"),
            ("not assessed", "not assessed"),
            ("grader error", "could not be judged"),
        )
        if word in words
    ]
    if not troubles and (warned := words.count("worth reading")):
        return f"nothing failed, {warned} worth reading"
    if not troubles:
        return f"all {total} checks hold" if total > 1 else "the check holds" if total else "nothing to check"
    first, rest = troubles[0].split(" ", 1), troubles[1:]
    return ", ".join([f"{first[0]} of {plural(total, 'check')} {first[1]}", *rest])

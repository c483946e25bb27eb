"""Which mistake is behind the findings."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from grader.evidence import Evidence
from grader.feedback.diagnosis import diagnose, follows_from, rules
from grader.results import CheckResult, Outcome
from tests import feedback_samples as samples

FAILED = Outcome.FAILED
UNFREEZE = "base_model.trainable = True"


def codes(seen: Evidence, words: Sequence[CheckResult]) -> list[tuple[str, tuple[str, ...]]]:
    return [(found.code, found.checks) for found in diagnose(seen, words)]


def failing(*names: str) -> list[CheckResult]:
    return samples.results(**{code: samples.result(code, FAILED) for code in names})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("full_marks", []),
        ("framework_override", [("framework-override", ("TL203",))]),
        ("training_flag_forgotten", [("training-flag-forgotten", ("TL103", "TL203"))]),
        ("recompile_forgotten", [("recompile-forgotten", ("TL201", "TL202"))]),
        ("crashed", [("run-broke-off", ("NB001", "TL201", "TL202", "TL204"))]),
        ("grader_error", []),
    ],
)
def test_samples(name: str, expected: list[tuple[str, tuple[str, ...]]]) -> None:
    assert codes(*samples.SAMPLES[name]()) == expected


def test_open_exercises_account_for_all_that_waits() -> None:
    (found,) = diagnose(*samples.untouched_starter())
    assert found.code == "unfinished"
    assert found.checks == ("NB003", "TL101", "TL103", "TL201", "TL202", "TL203", "TL204", "TL301")
    assert found.explanation == (
        "Still to be filled in: `data_augmenter` (cell 5), `alpaca_model` (cell 7) and `fine_tune_at` (cell 14). "
        "Begin with the first: later cells build on it, and what could not be assessed now will be once the model "
        "trains."
    )


def test_every_rule_has_a_title_a_code_of_its_own_file_and_checks() -> None:
    for code, rule in rules().items():
        assert type(rule).__module__.endswith("." + code.replace("-", "_"))
        assert rule.title
        assert not rule.title.endswith(".")
        assert rule.accounts_for


def test_the_flag_forgotten_is_explained_with_what_was_measured() -> None:
    (found,) = diagnose(*samples.training_flag_forgotten())
    assert found.explanation.split("\n\n") == [
        "The base was used without `training=False` (cell 7, line 12). `trainable = False` is about gradients: it "
        "stops the optimizer from updating weights. As long as it holds, it also puts a BatchNorm layer into inference "
        "mode, and so a frozen base looks right without the flag.",
        "In phase 2 layers were unfrozen, nothing held their BatchNorm in inference mode any more, and each batch "
        "overwrote what they had learned from ImageNet: 12 of its 52 BatchNorm layers moved, the mean by up to 0.41 "
        "standard deviations.",
        "Write `training=False` into the call of the base: it keeps BatchNorm in inference mode in both phases.",
    ]


def test_training_true_is_another_mistake_than_leaving_it_out() -> None:
    seen = samples.evidence(
        "n", base=samples.base("true"), phases=(samples.head_phase(), samples.tuned_phase(drift=samples.DRIFT))
    )
    words = failing("TL103", "TL203", "TL402")
    assert codes(seen, words) == [("training-flag-true", ("TL103", "TL203", "TL402"))]
    text = diagnose(seen, words)[0].explanation
    assert "In phase 2 that is what happened: 12 of its 52 BatchNorm layers moved" in text
    assert "`predict` too normalises with the batch at hand" in text
    assert "{" not in text
    on_keras_3 = seen.model_copy(update={"environment": samples.KERAS_3})
    assert "`predict` overrides it" in diagnose(on_keras_3, words)[0].explanation


def test_no_override_where_the_flag_was_not_passed() -> None:
    seen, words = samples.framework_override()
    assert codes(seen.model_copy(update={"base": samples.base("unset")}), words) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"flagged": samples.FROM_120, "recompiled": False}, "recompile-forgotten"),
        ({"flagged": samples.FROM_120, "recompiled": True}, "compiled-too-early"),
    ],
)
def test_compile_missing_or_too_early(changes: dict[str, object], expected: str) -> None:
    tuned = samples.tuned_phase(trainable=(), moved=(), **changes)
    seen = samples.evidence("n", phases=(samples.head_phase(), tuned))
    assert codes(seen, failing("TL201", "TL202")) == [(expected, ("TL201", "TL202"))]


@pytest.mark.parametrize(
    ("environment", "source", "expected"),
    [
        (samples.KERAS_2, UNFREEZE, "unfroze-another-model"),
        (samples.KERAS_2, f"# {UNFREEZE}", "nothing-unfrozen"),
        (samples.KERAS_2, "fit()", "nothing-unfrozen"),
        (samples.KERAS_3, UNFREEZE, "nothing-unfrozen"),
    ],
)
def test_nothing_unfrozen_and_why(environment: object, source: str, expected: str) -> None:
    tuned = samples.tuned_phase(flagged=(), trainable=(), moved=())
    seen = samples.evidence("n", environment=environment, phases=(samples.head_phase(), tuned), sources={14: source})
    found = diagnose(seen, failing("TL202"))
    assert [one.code for one in found] == [expected]
    both_causes = "Two things can make that go without effect on Keras 3" in found[0].explanation
    assert both_causes == (environment is samples.KERAS_3)


def test_never_fine_tuned() -> None:
    seen = samples.evidence("n", phases=(samples.head_phase(),))
    assert codes(seen, failing("TL202")) == [("never-fine-tuned", ("TL202",))]
    assert codes(seen, failing("TL202", "NB001")) == []


def test_rebuilt_model() -> None:
    seen = samples.evidence("n", phases=(samples.head_phase(), samples.tuned_phase(continues=False)))
    lost = samples.result("TL204", FAILED).model_copy(update={"code": "TL205"})
    assert codes(seen, [lost]) == [("rebuilt-model", ("TL205",))]


def test_base_not_frozen() -> None:
    head = samples.head_phase(flagged=samples.ALL_WEIGHTED, trainable=samples.ALL_WEIGHTED, moved=samples.ALL_WEIGHTED)
    seen = samples.evidence("n", phases=(head, samples.tuned_phase()))
    assert codes(seen, failing("TL101")) == [("base-not-frozen", ("TL101",))]
    late = seen.model_copy(update={"phases": (head.model_copy(update={"flagged": ()}),)})
    assert "the state at `compile` counts" in diagnose(late, failing("TL101"))[0].explanation


def test_random_weights() -> None:
    seen = samples.evidence("n", base=samples.base(asked_weights="None"))
    assert codes(seen, failing("TL102"))[0][0] == "random-weights"
    assert codes(samples.evidence("n"), failing("TL102")) == []


def test_a_sequential_model_is_told_of_the_functional_api() -> None:
    seen = samples.evidence("n", base=samples.base("unset", style="sequential"))
    assert "A `Sequential` model has no place for the argument" in diagnose(seen, failing("TL103"))[0].explanation


def test_only_a_failure_follows_from_a_failure() -> None:
    seen, words = samples.training_flag_forgotten()
    assert follows_from(diagnose(seen, words), words) == {"TL203": "TL103"}
    warned = [word.model_copy(update={"outcome": Outcome.WARNED}) if word.code == "TL203" else word for word in words]
    assert follows_from(diagnose(seen, warned), warned) == {}

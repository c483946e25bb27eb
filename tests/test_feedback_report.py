"""From results to a report: score, outcome, excerpts, lead."""

from __future__ import annotations

import pytest

from grader.assignment import CheckSpec
from grader.evidence import Drift, Note
from grader.feedback.report import build_report, excerpt_of, overall_outcome
from grader.feedback.wording import drift_text, environment_line, joined, layer_ranges, tally, version_text
from grader.results import Excerpt, Finding, Location, Outcome, Report
from tests import feedback_samples as samples

LEADS = {
    "full_marks": "Well done. The base is frozen while the head trains and the right layers are fine-tuned, and every "
    "check holds.",
    "framework_override": "Well done, everything that counts is right. One thing to know: Keras overrode your "
    "`training=False` while it fine-tuned, which is not your mistake and costs nothing.",
    "training_flag_forgotten": "Nearly there. The base is frozen while the head trains and the right layers are "
    "fine-tuned, but BatchNorm was left free to overwrite the statistics it learned from ImageNet.",
    "recompile_forgotten": "Nearly there. The base is frozen while the head trains and the base runs in inference "
    "mode, but the change of `trainable` never took effect, because the model was not compiled again, and the second "
    "phase kept too high a learning rate.",
    "untouched_starter": "This one is waiting for you: three exercises are still open, and no model has been trained "
    "yet; begin with `data_augmenter`.",
    "crashed": "So close to a full picture: the notebook stopped with `ValueError` in cell 14, and what comes after "
    "could not be judged in full.",
    "grader_error": "The grader stumbled, not you: 1 check could not be judged. It costs you nothing, staff have been "
    "told, and the others stand as they are.",
}
OUTCOMES = {
    "full_marks": ("passed", 10, 10, "all 11 checks hold"),
    "framework_override": ("warned", 10, 10, "nothing failed, 1 worth reading"),
    "training_flag_forgotten": ("failed", 7, 10, "2 of 11 checks failed"),
    "recompile_forgotten": ("failed", 6, 10, "3 of 11 checks failed"),
    "untouched_starter": ("failed", 0, 10, "2 of 9 checks failed, 7 not assessed"),
    "crashed": ("failed", 6, 10, "1 of 11 checks failed, 3 not assessed"),
    "grader_error": ("error", 9, 9, "1 of 10 checks could not be judged"),
}


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_lead(name: str) -> None:
    assert samples.report(name).summary == LEADS[name]


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_outcome_score_and_tally(name: str) -> None:
    report = samples.report(name)
    assert (report.outcome.value, report.score, report.max_score, tally(report)) == OUTCOMES[name]


def test_a_skipped_check_worth_points_fails_the_whole_and_one_without_does_not() -> None:
    assert overall_outcome([samples.skipped("TL201", "x")]) is Outcome.FAILED
    assert overall_outcome([samples.result("TL201", Outcome.SKIPPED, max_points=0.0)]) is Outcome.PASSED


def test_report_survives_json() -> None:
    report = samples.report("training_flag_forgotten")
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_an_excerpt_has_two_lines_on_either_side() -> None:
    finding = next(
        check for check in samples.report("training_flag_forgotten").checks if check.code == "TL103"
    ).findings[0]
    assert finding.location == Location(
        cell=7,
        line=12,
        excerpt=Excerpt(
            first=10,
            lines=(
                "    x = data_augmentation(inputs)",
                "    x = preprocess_input(x)",
                "    x = base_model(x)",
                "    x = tfl.GlobalAveragePooling2D()(x)",
                "    x = tfl.Dropout(0.2)(x)",
            ),
            hit=12,
        ),
    )


def test_an_excerpt_stops_at_the_ends_of_the_cell_and_is_absent_beyond() -> None:
    assert excerpt_of("a\nb", 1) == Excerpt(first=1, lines=("a", "b"), hit=1)
    assert excerpt_of("a\nb", 3) is None
    assert excerpt_of("", 1) is None


def test_an_excerpt_that_a_check_gave_is_kept() -> None:
    given = Location(cell=7, line=12, excerpt=Excerpt(first=12, lines=("own",), hit=12))
    words = samples.results(TL103=samples.result("TL103", Outcome.FAILED, Finding(message="m", location=given)))
    report = samples.report_on(samples.evidence("n"), words)
    assert report.checks[4].findings[0].location == given


def test_the_asked_start_is_that_of_tl202() -> None:
    assert samples.report("full_marks").asked_start == 120
    other = samples.ASSIGNMENT.model_copy(update={"checks": (CheckSpec(code="TL101", points=1),)})
    assert build_report(*samples.full_marks(), other).asked_start is None


def test_a_check_that_nobody_foresaw_has_its_place_in_the_lead() -> None:
    new = samples.result("TL204", Outcome.FAILED).model_copy(update={"code": "XX999", "max_points": 1.0})
    report = samples.report_on(samples.evidence("n"), [samples.result("NB001"), new])
    assert report.summary == "Not there yet. The notebook runs from top to bottom, but XX999 does not hold."


def test_environment_lines() -> None:
    assert environment_line("a.ipynb", samples.KERAS_2) == (
        "a.ipynb · Keras 2 (tf-keras 2.21) on TensorFlow 2.21 · stand-in weights · "
        "training shortened to one step a phase"
    )
    full = samples.KERAS_3.model_copy(update={"weights": "pretrained", "training": "full"})
    assert environment_line("a.ipynb", full) == (
        "a.ipynb · Keras 3.15.1 on TensorFlow 2.21 · real ImageNet weights · trained in full"
    )


def test_words() -> None:
    assert layer_ranges([0, 1, 2, 5, 7, 8]) == "0 to 2, 5, 7 to 8"
    assert joined(["a", "b", "c"]) == "a, b and c"
    assert [version_text(text) for text in ("2.21.0", "3.15.1", "3.0", "10.0.0-rc0")] == [
        "2.21",
        "3.15.1",
        "3.0",
        "10.0.0-rc0",
    ]
    assert drift_text([Drift(layer=1, mean=float("inf"), variance=0.1)]) == "to values that are no longer finite"


def test_notes_for_staff_are_in_the_report_and_on_no_page() -> None:
    from grader.feedback.render import render

    note = Note(kind="integrity", text="log and weights disagree")
    report = samples.report_on(samples.evidence("n", notes=(note,)), samples.results())
    assert report.notes == (note,)
    assert all("disagree" not in render(report, name) for name in ("text", "markdown", "html"))
    assert "disagree" in render(report, "json")

"""Evidence and results as real runs give them, written by hand for the tests of the feedback.

`SAMPLES` maps a name to a function that returns ``(evidence, results)``; `ASSIGNMENT` is what they are judged under.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from grader.assignment import Assignment, BaseSpec, CheckSpec
from grader.evidence import (
    CellError,
    CellRun,
    Evidence,
    Exercise,
    Notebook,
    Place,
)
from grader.feedback.report import build_report
from grader.results import CheckResult, Finding, Location, Outcome, Report
from tests.feedback_parts import (
    ALL_WEIGHTED,
    BATCHNORM_FROM_120,
    COMPILE,
    DRIFT,
    FROM_120,
    KERAS_2,
    KERAS_3,
    LAYERS,
    MODEL_CELL,
    NAMES,
    POINTS,
    SHORTENED,
    STAND_IN,
    TUNE_CELL,
    WHY_COMPILE,
    WHY_STATISTICS,
    WHY_TRAINING,
    base,
    evidence,
    head_phase,
    mobilenet_layers,
    result,
    results,
    skipped,
    tuned_phase,
)

__all__ = [
    "ALL_WEIGHTED",
    "ASSIGNMENT",
    "BATCHNORM_FROM_120",
    "COMPILE",
    "DRIFT",
    "FROM_120",
    "KERAS_2",
    "KERAS_3",
    "LAYERS",
    "MODEL_CELL",
    "NAMES",
    "POINTS",
    "SAMPLES",
    "SHORTENED",
    "STAND_IN",
    "TUNE_CELL",
    "WHY_COMPILE",
    "WHY_STATISTICS",
    "WHY_TRAINING",
    "base",
    "crashed",
    "evidence",
    "framework_override",
    "full_marks",
    "grader_error",
    "head_phase",
    "mobilenet_layers",
    "recompile_forgotten",
    "report",
    "report_on",
    "result",
    "results",
    "skipped",
    "training_flag_forgotten",
    "tuned_phase",
    "untouched_starter",
]


def full_marks() -> tuple[Evidence, list[CheckResult]]:
    """Everything right, on Keras 2."""
    return evidence("solution"), results()


def framework_override() -> tuple[Evidence, list[CheckResult]]:
    """The same notebook on Keras 3.15: twelve BatchNorm layers drift although training=False was passed."""
    seen = evidence("solution-keras3", environment=KERAS_3, phases=(head_phase(), tuned_phase(drift=DRIFT)))
    finding = Finding(
        message="The moving statistics of 12 of 52 BatchNorm layers changed in phase 2.",
        expected="no change in either phase",
        observed="phase 1: none of 52 BatchNorm layers; phase 2: 12 of 52, largest in `block_16_expand_BN`",
        location=Location(cell=14, line=7),
        fix="Nothing needs mending. To keep them still on every Keras, freeze the BatchNorm layers as well.",
    )
    return seen, results(TL203=result("TL203", Outcome.WARNED, finding, why=WHY_STATISTICS))


def training_flag_forgotten() -> tuple[Evidence, list[CheckResult]]:
    """training=False left out of the call of the base, on Keras 2."""
    seen = evidence(
        "sample-04",
        base=base("unset"),
        phases=(head_phase(), tuned_phase(drift=DRIFT)),
        sources={7: MODEL_CELL.format(flag=""), 14: TUNE_CELL.format(compile=COMPILE)},
    )
    call = Finding(
        message="The base was called without `training=False`.",
        expected="`base_model(x, training=False)`",
        observed="`base_model(x)`: no `training` argument, in cell 7, line 12",
        location=Location(cell=7, line=12),
        fix="Pass `training=False` where the base is called.",
        suggestion="x = base_model(x, training=False)",
    )
    drift = Finding(
        message="The moving statistics of 12 of 52 BatchNorm layers changed in phase 2.",
        expected="no change in either phase",
        observed="phase 1: none of 52 BatchNorm layers; phase 2: 12 of 52, largest in `block_16_expand_BN`",
        location=Location(cell=14, line=7),
        fix="Keep BatchNorm in inference mode while you fine-tune.",
    )
    independence = Finding(message="On this Keras it does not. Had you written `training=True`, it would.")
    return seen, results(
        TL103=result("TL103", Outcome.FAILED, call, why=WHY_TRAINING),
        TL203=result("TL203", Outcome.FAILED, drift, why=WHY_STATISTICS),
        TL402=result("TL402", Outcome.WARNED, independence),
    )


def recompile_forgotten() -> tuple[Evidence, list[CheckResult]]:
    """Layers unfrozen, and fit called again without compile: nothing of the base trains."""
    tuned = tuned_phase(
        place=Place(cell=14, line=5, code="history_fine = model2.fit(train_dataset, epochs=10)"),
        compiled=Place(cell=9, line=2),
        recompiled=False,
        learning_rate=0.001,
        trainable=(),
        moved=(),
        trainable_parameters=1281,
    )
    seen = evidence(
        "sample-07",
        phases=(head_phase(), tuned),
        sources={7: MODEL_CELL.format(flag=", training=False"), 14: TUNE_CELL.format(compile="")},
    )
    missing = Finding(
        message="`trainable` changed after phase 1, and the model was not compiled again before phase 2.",
        expected="`compile` between the change of `trainable` and the second `fit`",
        observed="the `compile` of cell 9 was still in force",
        location=Location(cell=14, line=5),
        fix="Call `model2.compile(...)` before this line.",
    )
    layers = Finding(
        message="No layer of the base was trainable as compiled.",
        expected="layers 120 to 153",
        observed="none of the 104 layers with weights",
        location=Location(cell=14, line=5),
        fix="Make the unfrozen layers count: compile again.",
    )
    rate = Finding(
        message="Phase 2 ran with the learning rate of phase 1.",
        expected="at most 0.0001",
        observed="0.001",
        location=Location(cell=14, line=5),
        fix="Compile with a tenth of the learning rate.",
    )
    return seen, results(
        TL201=result("TL201", Outcome.FAILED, missing, why=WHY_COMPILE),
        TL202=result("TL202", Outcome.FAILED, layers),
        TL204=result("TL204", Outcome.FAILED, rate),
    )


def untouched_starter() -> tuple[Evidence, list[CheckResult]]:
    """The starter, handed in as it was."""
    stopped = CellRun(
        cell=9,
        status="failed",
        error=CellError(name="AttributeError", message="'NoneType' object has no attribute 'compile'"),
    )
    exercises = tuple(
        Exercise(name=name, places=(Place(cell=cell, line=line, code=code),))
        for name, cell, line, code in (
            ("data_augmenter", 5, 2, "data_augmentation = None"),
            ("alpaca_model", 7, 4, "base_model = None"),
            ("fine_tune_at", 14, 3, "fine_tune_at = None"),
        )
    )
    book = Notebook(
        name="starter.ipynb",
        sha256="0f" * 32,
        cells=(CellRun(cell=2, status="ran"), CellRun(cell=5, status="ran"), stopped),
        open_exercises=exercises,
    )
    starter = "def alpaca_model(image_shape=IMG_SIZE, data_augmentation=data_augmenter()):\n    ### START CODE "
    "HERE\n\n    base_model = None"
    seen = evidence("starter", notebook=book, model=None, base=None, phases=(), sources={7: starter})
    findings = [
        Finding(
            message=f"`{exercise.name}` is as the starter left it.",
            observed=f"`{exercise.places[0].code}`",
            location=Location(cell=exercise.places[0].cell, line=exercise.places[0].line),
            fix="Replace the placeholder.",
        )
        for exercise in exercises
    ]
    crash = Finding(
        message="Cell 9 stopped with `AttributeError`: 'NoneType' object has no attribute 'compile'.",
        location=Location(cell=9),
    )
    waiting = {
        code: skipped(code, "No model was trained: NB003 comes first.") for code in POINTS if code.startswith("TL")
    }
    return seen, results(
        NB001=result("NB001", Outcome.FAILED, crash), NB003=result("NB003", Outcome.FAILED, *findings), **waiting
    )


def crashed() -> tuple[Evidence, list[CheckResult]]:
    """A cell of the student's broke before the second phase."""
    error = CellError(name="ValueError", message="Shapes (None, 1) and (None, 2) are incompatible", line=7)
    broken = CellRun(cell=14, status="failed", error=error)
    cells = (*(CellRun(cell=number, status="ran") for number in (2, 3, 5, 7, 9, 10)), broken)
    seen = evidence(
        "sample-11", notebook=Notebook(name="sample-11.ipynb", sha256="77" * 32, cells=cells), phases=(head_phase(),)
    )
    finding = Finding(
        message="Cell 14 stopped with `ValueError`: Shapes (None, 1) and (None, 2) are incompatible.",
        location=Location(cell=14, line=7),
        fix="Run the notebook from top to bottom in a fresh kernel, and mend the first cell that stops.",
    )
    reason = "Phase 2 was never reached, because cell 14 stopped (NB001)."
    waiting = {code: skipped(code, reason) for code in ("TL201", "TL202", "TL204")}
    return seen, results(NB001=result("NB001", Outcome.FAILED, finding), **waiting)


def grader_error() -> tuple[Evidence, list[CheckResult]]:
    """A check of the grader's own broke; another does not apply."""
    fault = Finding(message="KeyError: 'moving_mean' (checks/moving_stats.py, line 41)")
    nothing = result(
        "TL402", Outcome.SKIPPED, Finding(message="The assignment has no images to predict on."), max_points=0.0
    )
    return evidence("sample-12"), results(TL203=result("TL203", Outcome.ERROR, fault), TL402=nothing)


SAMPLES: dict[str, Callable[[], tuple[Evidence, list[CheckResult]]]] = {
    "full_marks": full_marks,
    "framework_override": framework_override,
    "training_flag_forgotten": training_flag_forgotten,
    "recompile_forgotten": recompile_forgotten,
    "untouched_starter": untouched_starter,
    "crashed": crashed,
    "grader_error": grader_error,
}

ASSIGNMENT = Assignment(
    schema=1,
    title="Alpaca or not: transfer learning with MobileNetV2",
    base=BaseSpec(application="MobileNetV2", input_shape=(160, 160, 3)),
    checks=tuple(
        CheckSpec(code=code, points=points, **({"start": 120} if code == "TL202" else {}))
        for code, points in POINTS.items()
    ),
    folder=Path("alpaca-mobilenetv2"),
)


def report(name: str) -> Report:
    """The report on a sample."""
    return build_report(*SAMPLES[name](), ASSIGNMENT)


def report_on(seen: Evidence, words: Sequence[CheckResult]) -> Report:
    """The report on evidence and results of a test's own."""
    return build_report(seen, words, ASSIGNMENT)

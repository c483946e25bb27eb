"""NB001, NB002 and NB003: the notebook itself."""

from __future__ import annotations

from typing import Any

import pytest

from grader.evidence import Asked, CellError, CellRun, Evidence, Exercise, LimitBreach, Model, Place
from grader.policy import Policy
from grader.results import Location
from tests.evidence_samples import BUILT, base, evidence, judge, notebook, said, textbook

NAME_ERROR = CellError(name="NameError", message="name 'lables' is not defined", line=2)


def ran(cell: int, status: str = "ran", **fields: Any) -> CellRun:
    return CellRun.model_validate({"cell": cell, "status": status, **fields})


def of(*cells: CellRun, **fields: Any) -> Evidence:
    return textbook().model_copy(update={"notebook": notebook(cells=cells, **fields)})


def test_a_notebook_that_ran_passes() -> None:
    assert said(judge("NB001", textbook())) == ("passed", ())


def test_an_error_is_told_with_its_cell_line_and_text() -> None:
    result = judge("NB001", of(ran(3), ran(7, "failed", error=NAME_ERROR), ran(9)))
    assert said(result) == ("failed", ("Cell 7 stopped with a `NameError`: name 'lables' is not defined.",))
    finding = result.findings[0]
    assert finding.location == Location(cell=7, line=2)
    assert finding.observed == "NameError: name 'lables' is not defined"
    assert finding.fix == (
        "Define that name in a cell above this one, then restart the kernel and run all cells from the top."
    )
    assert (result.points, result.max_points) == (0, 2)


def test_each_failed_cell_has_its_finding() -> None:
    result = judge("NB001", of(ran(3, "failed", error=NAME_ERROR), ran(7, "failed", error=NAME_ERROR)))
    assert [finding.location for finding in result.findings] == [Location(cell=3, line=2), Location(cell=7, line=2)]


def test_of_a_long_text_the_message_has_the_first_line_and_no_stray_backtick() -> None:
    error = CellError(name="ValueError", message="Shapes `x do not fit\nTraceback ...", line=1)
    result = judge("NB001", of(ran(3, "failed", error=error)))
    assert said(result)[1] == ("Cell 3 stopped with a `ValueError`: Shapes 'x do not fit.",)
    assert result.findings[0].observed == "ValueError: Shapes `x do not fit\nTraceback ..."


@pytest.mark.parametrize("error", [None, CellError(name="KeyError", message="")])
def test_errors_without_a_text(error: CellError | None) -> None:
    messages = said(judge("NB001", of(ran(3, "failed", error=error))))[1]
    assert messages == ("Cell 3 stopped with a `KeyError`: it came without a text." if error else "Cell 3 failed.",)


def test_an_excused_error_costs_nothing() -> None:
    error = CellError(name="ModuleNotFoundError", message="No module named 'foo'", excuse="The grader lacks `foo`")
    result = judge("NB001", of(ran(3, "failed", error=error), ran(4)))
    assert said(result) == (
        "warned",
        (
            "Cell 3 stopped with a `ModuleNotFoundError`: No module named 'foo'. "
            "This costs nothing. The grader lacks `foo`.",
        ),
    )
    assert (result.points, result.max_points, result.findings[0].fix) == (2, 2, "")


def test_a_given_cell_costs_nothing_and_does_not_cover_for_another() -> None:
    given = ran(
        3, "failed", error=NAME_ERROR.model_copy(update={"excuse": "The cell came with the assignment"}), given=True
    )
    message = (
        "Cell 3 stopped with a `NameError`: name 'lables' is not defined. "
        "This costs nothing. The cell came with the assignment."
    )
    assert said(judge("NB001", of(given, ran(4)))) == ("warned", (message,))
    both = judge("NB001", of(given, ran(7, "failed", error=NAME_ERROR)))
    assert said(both) == ("failed", ("Cell 7 stopped with a `NameError`: name 'lables' is not defined.", message))


def test_a_given_cell_that_stopped_in_the_students_function_is_told_where() -> None:
    origin = Place(cell=5, line=2, code="x = lables")
    given = ran(7, "failed", error=NAME_ERROR.model_copy(update={"origin": origin}), given=True)
    result = judge("NB001", of(given))
    message = "Cell 7 stopped with a `NameError` in your code of cell 5: name 'lables' is not defined."
    assert said(result) == ("failed", (message,))
    assert result.findings[0].location == Location(cell=5, line=2)


def test_a_dead_kernel_names_the_cells_that_never_ran() -> None:
    cells = (ran(3), ran(5, "killed"), ran(7, "not_run"), ran(8, "not_run"), ran(9, "not_run"))
    result = judge("NB001", of(*cells, died="killed by signal 11 (SIGSEGV)"))
    assert said(result) == (
        "failed",
        ("The kernel died in cell 5: killed by signal 11 (SIGSEGV). Cells 7 to 9 never ran for that reason.",),
    )


@pytest.mark.parametrize(
    ("limit", "allowed", "used", "message"),
    [
        (
            "cell",
            "60 s",
            "60 s",
            "Cell 5 was stopped at the time limit for one cell: 60 s are allowed, 60 s were used.",
        ),
        (
            "run",
            "180 s",
            "181 s",
            "Cell 5 was stopped at the time limit for the whole notebook: 180 s are allowed, 181 s were used.",
        ),
        ("memory", "3 GB", "3.1 GB", "Cell 5 was stopped at the memory limit: 3 GB are allowed, 3.1 GB were used."),
        ("output", "10 MB", "12 MB", "Cell 5 was stopped at the limit on output: 10 MB are allowed, 12 MB were used."),
    ],
)
def test_limits(limit: str, allowed: str, used: str, message: str) -> None:
    breach = LimitBreach.model_validate({"limit": limit, "allowed": allowed, "used": used, "cell": 5})
    status = "killed" if limit == "memory" else "timed_out"
    result = judge("NB001", of(ran(3), ran(5, status), ran(6), breaches=(breach,), died="killed by signal 9 (SIGKILL)"))
    assert said(result) == ("failed", (message,))
    assert result.findings[0].location == Location(cell=5)


def test_a_limit_of_the_whole_run_names_what_it_left_out() -> None:
    breach = LimitBreach(limit="run", allowed="180 s", used="180 s", cell=None)
    result = judge("NB001", of(ran(3), ran(5, "not_run"), breaches=(breach,)))
    assert said(result) == (
        "failed",
        (
            "The notebook was stopped at the time limit for the whole notebook: 180 s are allowed, 180 s were used. "
            "Cell 5 never ran for that reason.",
        ),
    )


def test_the_interrupt_of_a_limit_is_not_a_second_fault() -> None:
    breach = LimitBreach(limit="output", allowed="10 MB", used="12 MB", cell=5)
    interrupt = CellError(name="KeyboardInterrupt", message="", line=4)
    result = judge("NB001", of(ran(5, "failed", error=interrupt), breaches=(breach,)))
    assert len(result.findings) == 1
    assert result.findings[0].location == Location(cell=5, line=4)


def test_a_timeout_without_a_limit_to_name() -> None:
    messages = said(judge("NB001", of(ran(5, "timed_out"))))[1]
    assert messages == ("Cell 5 was stopped before it came to its end.",)


def test_no_code_at_all() -> None:
    assert said(judge("NB001", of())) == ("failed", ("The notebook has no code.",))


def test_a_dead_kernel_without_a_cell() -> None:
    result = judge("NB001", of(ran(3), ran(4, "not_run"), died="exited with status 1"))
    assert said(result) == ("failed", ("The kernel died: exited with status 1. Cell 4 never ran for that reason.",))


def test_cells_that_never_ran_for_no_known_reason_are_not_passed() -> None:
    result = judge("NB001", of(ran(3), *(ran(cell, "not_run") for cell in (4, 5, 6, 9))))
    assert said(result) == ("skipped", ("Cells 4 to 6 and 9 never ran, and nothing tells why the run ended before.",))


def test_model_found() -> None:
    assert said(judge("NB002", textbook())) == ("passed", ())
    assert said(judge("NB002", textbook(head=None, finetuning=None))) == ("passed", ())


def test_no_model_with_a_base() -> None:
    result = judge("NB002", evidence((), model=None, base=None))
    assert said(result) == ("failed", ("No cell built a model that holds a pretrained base.",))


def test_no_model_since_cells_failed() -> None:
    cells = notebook(cells=(ran(3), ran(7, "failed", error=NAME_ERROR), ran(8, "not_run")))
    result = judge("NB002", evidence((), model=None, base=None, notebook=cells))
    assert said(result) == (
        "failed",
        ("No cell built a model that holds a pretrained base. Cells 7 and 8 did not run to their end.",),
    )


def test_no_model_for_a_reason_that_is_not_the_students() -> None:
    error = CellError(name="ModuleNotFoundError", message="No module named 'foo'", excuse="The grader lacks `foo`.")
    cells = notebook(cells=(ran(3, "failed", error=error),))
    result = judge("NB002", evidence((), model=None, base=None, notebook=cells))
    assert said(result) == (
        "skipped",
        ("No model was found, and the run broke for a reason that is not yours: The grader lacks `foo`.",),
    )


def test_a_model_without_a_base_and_a_base_without_a_model() -> None:
    model = Model(name="sequential", kind="Sequential", chosen="fitted last, in cell 9", parameters=10)
    assert said(judge("NB002", evidence((), model=model, base=None)))[1] == (
        "The model `sequential` (fitted last, in cell 9) holds no pretrained base.",
    )
    alone = judge("NB002", evidence((), model=None, base=base()))
    assert said(alone)[1] == ("The base `MobileNetV2` was made, but no model was built on it.",)
    assert alone.findings[0].location == Location(cell=BUILT.cell, line=BUILT.line)


def test_complete() -> None:
    assert said(judge("NB003", textbook())) == ("passed", ())


def test_open_exercises() -> None:
    places = (Place(cell=9, line=4, code="x = None"), Place(cell=9, line=6, code="outputs = None"))
    exercises = (
        Exercise(name="alpaca_model", places=places),
        Exercise(name="Exercise 3", places=places[:1]),
        Exercise(name="Exercise 4", places=()),
    )
    result = judge("NB003", of(ran(9), open_exercises=exercises))
    assert said(result) == (
        "failed",
        (
            "`alpaca_model` is not filled in: 2 placeholders of the starter are still there.",
            "Exercise 3 is not filled in: 1 placeholder of the starter is still there.",
            "Exercise 4 is not filled in: it is as the starter has it.",
        ),
    )
    assert [finding.location for finding in result.findings] == [
        Location(cell=9, line=4),
        Location(cell=9, line=4),
        None,
    ]
    assert [finding.observed for finding in result.findings] == ["`x = None`", "`x = None`", ""]


def on(application: str, asked: str) -> Evidence:
    """The textbook notebook on this network, where that one is asked for."""
    made = textbook(application=application)
    return made.model_copy(update={"asked": Asked(input_shape=(160, 160, 3), application=asked)})


def test_the_asked_network_passes_whatever_the_policy() -> None:
    for policy in (Policy(), Policy(other_base="fail")):
        assert said(judge("NB002", on("MobileNetV2", "MobileNetV2"), policy=policy)) == ("passed", ())
        assert said(judge("NB002", on("MobileNetV2", ""), policy=policy)) == ("passed", ())


def test_another_network_is_warned_of_by_default_and_fails_where_the_assignment_says_so() -> None:
    message = ("The model is built on `ResNet50`, and the assignment asks for `MobileNetV2`.",)
    warned = judge("NB002", on("ResNet50", "MobileNetV2"))
    assert said(warned) == ("warned", message)
    assert warned.findings[0].fix == "Make the base with `MobileNetV2(...)`."
    assert warned.findings[0].location == Location(cell=BUILT.cell, line=BUILT.line)
    assert said(judge("NB002", on("ResNet50", "MobileNetV2"), policy=Policy(other_base="fail"))) == ("failed", message)

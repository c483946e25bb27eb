"""`grader verify`: what is declared of the reference notebooks against what the grader says of them."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from grader.errors import GraderError, VariantError
from grader.verify import cases_of, find_references, load_reference
from grader.verify.facts import facts_of
from grader.verify.plugin import is_fresh
from grader.verify.recorded import read_recorded, write_recorded
from tests.evidence_samples import call, textbook
from tests.notebooks import write_notebook
from tests.verify_tree import SLUG, VARIANTS, Tree, samples


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """An assignment for Keras 2 whose notebooks all come out as declared."""
    tree = Tree(tmp_path)
    tree.record()
    return tree


# --- what is verified ---------------------------------------------------------------------------------------


def test_an_own_assignment_folder_is_verified_with_the_reference_beside_it(tree: Tree) -> None:
    done = tree.verify(SLUG, "--kept", "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("solution", "starter", "flag-forgotten", "unfrozen-entirely", "statistics-set"):
        assert f"{SLUG}::{name}[keras2] PASSED" in done.stdout
    assert f"5 of 5 notebooks as declared; the records are in {tree.records.folder}" in done.stdout
    kept = tree.records.of(SLUG)
    # One line a notebook: what is there anew stands in the place of what was.
    assert len(tree.records.path(SLUG).read_text().splitlines()) == len(kept) == 10
    record = kept["flag-forgotten", "2"]
    assert record.as_declared
    assert record.failed == {"TL103", "TL203"}
    assert (record.score, record.max_score) == (2, 4)
    assert len(record.findings["TL203"]) == 1


@pytest.mark.parametrize(("keras", "flavours"), [("2", ["keras2"]), ("3", ["keras3"]), ("auto", ["keras2", "keras3"])])
def test_the_assignment_says_which_kerases_it_is_for(tmp_path: Path, keras: str, flavours: list[str]) -> None:
    tree = Tree(tmp_path, keras)
    ids = [case.id for case in cases_of(load_reference(tree.reference))]
    assert [case for case in ids if case.startswith("flag-forgotten")] == [f"flag-forgotten[{f}]" for f in flavours]
    assert len(ids) == 5 * len(flavours)


def test_an_assignment_is_named_by_slug_or_folder_and_a_reference_by_its_own_or_its_parent(tree: Tree) -> None:
    for names, folder in (
        ([str(tree.assignment)], None),
        ([SLUG], tree.reference),
        ([], tree.reference.parent),
    ):
        (found,) = find_references(names, folder)
        assert found.folder.resolve() == tree.reference
        assert cases_of(found)[0].assignment.folder == tree.assignment


# --- what does not come out as declared ------------------------------------------------------------------------


def test_a_variant_that_is_not_caught_is_shown_as_a_table_without_a_traceback(tree: Tree) -> None:
    tree.record(flag_forgotten=textbook(calls=(call("unset"),)))
    done = tree.verify("--kept", "-k", "flag")
    assert done.returncode == 1
    assert "Traceback" not in done.stdout
    start = done.stdout.index(f"{SLUG}, flag-forgotten")
    assert done.stdout[start:].splitlines()[:8] == [
        "birds, flag-forgotten on Keras 2: No `training=False`.",
        "",
        "check   declared   seen     what it said",
        "────────────────────────────────────────",
        "TL203   failed     passed",
        "",
        "As declared: TL103 failed.",
        "",
    ]
    assert f"The whole report: grader check {tree.path('flag-forgotten')} -a {tree.assignment} --keras 2" in done.stdout
    assert "0 of 1 notebooks as declared" in done.stdout


def test_a_variant_that_fails_more_than_declared_shows_what_the_check_said(tree: Tree) -> None:
    tree.record(unfrozen_entirely=textbook(calls=(call("unset"),)))
    done = tree.verify("--kept", "-k", "unfrozen")
    assert done.returncode == 1
    assert "TL103   passed or warned   failed" in done.stdout
    assert "`base_model`" in done.stdout or "The base" in done.stdout or "base is called" in done.stdout


def test_the_solution_needs_full_marks_and_the_starter_must_earn_nothing(tree: Tree) -> None:
    tree.record(solution=textbook(calls=(call("unset"),)), starter=textbook())
    done = tree.verify("--kept", "-k", "solution or starter")
    assert done.returncode == 1
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert "report   full marks         3 of 4 points, failed" in lines
    assert "TL202   no points           passed, 2 points" in lines or any(
        line.startswith("TL202") and "passed, 2 points" in line for line in lines
    )


def test_what_the_starter_gives_away_can_be_declared(tmp_path: Path) -> None:
    tree = Tree(tmp_path, variants=f'[starter]\nearns = ["TL202"]\n{VARIANTS}')
    tree.record(starter=textbook(calls=(call("unset"),)))
    done = tree.verify("--kept", "-k", "starter")
    assert done.returncode == 1
    assert "TL202" not in done.stdout
    assert "TL203" in done.stdout


# --- evidence that lies beside the notebooks --------------------------------------------------------------------


def test_every_variant_is_run_on_one_keras_and_judged_on_recorded_evidence_on_the_other(tmp_path: Path) -> None:
    cases = cases_of(load_reference(Tree(tmp_path, "auto").reference))
    fresh = {name: [case.keras for case in cases if case.name == name and is_fresh(case, 2)] for name in samples()}
    assert fresh.pop("solution") == fresh.pop("starter") == ["2", "3"]
    assert {len(kerases) for kerases in fresh.values()} == {1}
    assert {keras for kerases in fresh.values() for keras in kerases} == {"2", "3"}
    assert all(is_fresh(case, 1) for case in cases)


def test_recorded_evidence_is_judged_in_place_of_a_run(tree: Tree) -> None:
    reference = load_reference(tree.reference)
    write_recorded(reference, list(tree.records.of(SLUG).values()))
    shutil.rmtree(tree.records.folder)
    recorded = next(case for case in cases_of(reference) if not is_fresh(case, 2))
    done = tree.verify("--verify-fresh=2", "-k", recorded.name)
    assert "1 of 1 notebooks as declared" in done.stdout, done.stdout + done.stderr
    assert tree.records.of(SLUG)[recorded.key].evidence == samples()[recorded.name].model_copy(
        update={"notebook": read_recorded(reference)[recorded.key].evidence.notebook}
    )


def test_recorded_evidence_that_cannot_be_read_is_named_with_the_remedy(tree: Tree) -> None:
    file = tree.reference / "recorded.jsonl.xz"
    file.write_bytes(b"no archive")
    with pytest.raises(GraderError) as caught:
        read_recorded(load_reference(tree.reference))
    assert str(caught.value).startswith(f"{file}: cannot be read: ")
    assert "make recorded" in str(caught.value.remedy)


# --- what goes on to pytest -------------------------------------------------------------------------------------


def test_workers_report_to_one_place_and_junit_has_the_findings(tree: Tree) -> None:
    tree.record(flag_forgotten=textbook())
    done = tree.verify("--kept", "-n", "2", "--junitxml", "out/junit.xml", "-q")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "4 of 5 notebooks as declared" in done.stdout
    assert tree.records.of(SLUG)["statistics-set", "2"].as_declared
    cases = ET.parse(tree.root / "out" / "junit.xml").getroot().iter("testcase")
    failures = {(case.get("classname"), case.get("name")): case.find("failure") for case in cases}
    assert len(failures) == 5
    failure = failures.pop((SLUG, "flag-forgotten[keras2]"))
    assert failure is not None
    assert (failure.text or "").startswith("birds, flag-forgotten on Keras 2: No `training=False`.")
    assert set(failures.values()) == {None}


def test_pytest_settings_of_the_current_folder_do_not_matter(tree: Tree) -> None:
    (tree.root / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (tree.root / "conftest.py").write_text("raise RuntimeError('not for this')\n")
    assert tree.verify("--kept").returncode == 0


def test_the_first_mismatch_ends_the_run_with_x(tree: Tree) -> None:
    tree.record(solution=textbook(calls=(call("unset"),)))
    done = tree.verify("--kept", "-x")
    assert done.returncode == 1
    assert "0 of 1 notebooks as declared" in done.stdout


# --- what the grader cannot do -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("bird",), "grader: There is no reference for 'bird'. Did you mean birds?\n"),
        (
            ("--reference", "assignments"),
            "grader: There is no reference in assignments: no folder with a variants.toml. Name the folder with "
            "--reference FOLDER.\n",
        ),
    ],
)
def test_a_reference_that_is_not_there_is_one_line_and_exit_status_2(
    tree: Tree, arguments: tuple[str, ...], line: str
) -> None:
    done = tree.verify(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)


def test_nothing_selected_is_exit_status_2(tree: Tree) -> None:
    done = tree.verify("--kept", "-k", "no-such-variant")
    assert done.returncode == 2
    assert done.stderr == "grader: nothing was selected. Without -k, all notebooks are.\n"


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        (
            VARIANTS.replace('"TL103", ', '"TL130", '),
            "variant flag-forgotten: birds has no check TL130. Did you mean TL103?",
        ),
        (VARIANTS.replace("statistics-set", "unfrozen-entirely"), "two variants are called 'unfrozen-entirely'."),
        (f"[strater]\nearns = []\n{VARIANTS}", "unknown table strater. Known are: variant, solution, starter."),
        (f"[solution]\nwarns = []\n{VARIANTS}", "solution: unknown key warns."),
    ],
)
def test_declarations_that_do_not_fit_are_refused(tmp_path: Path, variants: str, message: str) -> None:
    tree = Tree(tmp_path, variants=variants)
    with pytest.raises(VariantError) as caught:
        cases_of(load_reference(tree.reference))
    assert str(caught.value) == f"{tree.reference / 'variants.toml'}: {message}"


def test_a_variant_that_was_not_made_is_told_with_its_remedy(tree: Tree) -> None:
    tree.path("flag-forgotten").unlink()
    done = tree.verify("--kept")
    assert done.returncode == 2
    assert "Traceback" not in done.stdout + done.stderr
    assert f"{tree.path('flag-forgotten')}: there is no such notebook. Make it with" in done.stdout


def test_a_notebook_that_cannot_be_graded_is_exit_status_2_and_the_others_go_on(tree: Tree) -> None:
    tree.path("flag-forgotten").write_text("no notebook")
    done = tree.verify("--kept")
    assert done.returncode == 2
    assert "Traceback" not in done.stdout
    assert f"{tree.path('flag-forgotten')}: " in done.stdout
    assert "4 of 4 notebooks as declared" in done.stdout


# --- for real -----------------------------------------------------------------------------------------------


def test_a_notebook_that_changed_is_run_again_and_one_that_did_not_is_not(tree: Tree) -> None:
    write_notebook(tree.path("starter"), ["y = None"])
    done = tree.verify("--kept", "-k", "starter or solution")
    assert done.returncode == 0, done.stdout
    kept = tree.records.of(SLUG)
    assert [run.cell for run in kept["starter", "2"].evidence.notebook.cells] == [1]
    assert set(kept["starter", "2"].timing) >= {"kernel", "cells", "examine"}
    assert len(kept["solution", "2"].evidence.notebook.cells) == 5
    assert kept["solution", "2"].timing == {}


# --- the matrix and the facts ----------------------------------------------------------------------------------


def test_the_matrix_shows_what_catches_what_and_that_every_check_is_needed(tree: Tree) -> None:
    assert tree.verify("--kept").returncode == 0
    done = tree.verify("--matrix")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [
        "birds on Keras 2: 3 of 3 wrong variants caught",
        "                      TL1 TL2",
        "variant               03  02 03",
        "flag-forgotten         ✕   ·  ✕",
        "unfrozen-entirely      ·   ✕  ·",
        "statistics-set         ·   ·  ✕",
        "───────────────────────────────",
        "caught by it           1   1  2",
        "the only one to fail   0   1  1",
        "share in %            33  33 67",
        "",
        "✕ failed  · passed  ! warned  – not assessed  E grader's error; reversed: not as declared",
        "",
        "Of 3 wrong variants each check catches: TL203 2 (67 %), TL103 1 (33 %), TL202 1 (33 %)",
        "",
        "✓ wrong variants caught: 3 of 3 (100 %)",
        "✓ right answers in another form that fail nothing: 0 of 0",
        "✓ checks that catch some variant: 3 of 3",
        "✓ no two checks fail on just the same variants",
    ]


def test_a_missed_bar_is_named_and_exit_status_1(tree: Tree) -> None:
    tree.record(unfrozen_entirely=textbook(), statistics_set=textbook())
    assert tree.verify("--kept").returncode == 1
    done = tree.verify("--matrix")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-8:] == [
        "✕ wrong variants caught: 1 of 3 (33 %)",
        "  birds::unfrozen-entirely[keras2]",
        "  birds::statistics-set[keras2]",
        "✓ right answers in another form that fail nothing: 0 of 0",
        "✕ checks that catch some variant: 2 of 3",
        "  TL202",
        "✕ no two checks fail on just the same variants",
        "  TL103 = TL203",
    ]


def test_a_matrix_of_notebooks_that_changed_since_is_refused(tree: Tree) -> None:
    assert tree.verify("--kept").returncode == 0
    write_notebook(tree.path("statistics-set"), ["x = 7"])
    done = tree.verify("--matrix")
    assert done.returncode == 2
    assert done.stderr == (
        "grader: no record of 1 notebooks and checks as they are now, e.g. birds::statistics-set[keras2]. "
        "Run grader verify --kept.\n"
    )


def test_facts_are_a_table_of_what_was_measured(tree: Tree) -> None:
    shutil.rmtree(tree.records.folder)
    tree.record(starter=textbook(finetuning=None))
    assert facts_of(load_reference(tree.reference), tree.records) == (
        "## birds\n"
        "\n"
        "* Keras 2: tf-keras 2.21.0, TensorFlow 2.21.0, pretrained weights, bounded training\n"
        "\n"
        "| notebook | trainable tensors, Keras 2 | BN layers that drift, Keras 2 |\n"
        "|---|---|---|\n"
        "| `solution` | 0 / 0 | 0 / 0 |\n"
        "| `starter` | 0 / – | 0 / – |\n"
        "| `flag-forgotten` | 0 / 0 | 0 / 12 |\n"
        "| `unfrozen-entirely` | 0 / 0 | 0 / 0 |\n"
        "| `statistics-set` | 0 / 0 | 0 + 52 / 0 |\n"
    )

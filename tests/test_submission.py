"""Reading what students hand in."""

import codecs
import json
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, writes

from grader import repair
from grader.cells import parse_cell
from grader.errors import SubmissionError
from grader.submission import LARGEST, MOST_CELLS, clean_for_run, load_starter, load_submission
from tests.notebooks import write_notebook


def notebook(*sources, **metadata):
    made = new_notebook(cells=[new_markdown_cell("# Title"), *(new_code_cell(source) for source in sources)])
    made.metadata.update(metadata)
    return made


def load(tmp_path: Path, content: str | bytes, name: str = "hw.ipynb"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_submission(path, "ada")


def texts(submission):
    return [note.text for note in submission.notes]


def test_plain_notebook(tmp_path):
    submission = load(tmp_path, writes(notebook("x = 1")))
    assert (submission.name, submission.student, texts(submission)) == ("hw.ipynb", "ada", [])
    assert [cell.source for cell in submission.notebook.cells] == ["# Title", "x = 1"]
    assert len(submission.sha256) == 64


def test_byte_order_mark_windows_lines_and_odd_name(tmp_path):
    data = codecs.BOM_UTF8 + writes(notebook("x = 1\r\ny = 2")).replace("\n", "\r\n").encode()
    submission = load(tmp_path, data, "Übung 1 (final) #2.ipynb")
    assert submission.notebook.cells[1].source == "x = 1\ny = 2"
    assert texts(submission) == []


def test_trailing_comma_is_repaired(tmp_path):
    text = '{"nbformat": 4, "nbformat_minor": 4, "metadata": {},\n"cells": [{"cell_type": "code", "source": "x = 1", "metadata": {}},]}'  # noqa: E501
    submission = load(tmp_path, text)
    assert submission.notebook.cells[0].source == "x = 1"
    assert texts(submission) == ["The file is not valid JSON at line 2, column 68; it was repaired."]


def test_old_formats_are_converted(tmp_path):
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [
            {
                "metadata": {},
                "cells": [{"cell_type": "code", "input": ["x = 1\n", "y"], "language": "python", "outputs": []}],
            }
        ],
    }
    submission = load(tmp_path, json.dumps(old))
    assert submission.notebook.cells[0].source == "x = 1\ny"
    assert texts(submission)[0] == "The notebook has the old format 3; it was converted to format 4."


def test_schema_faults_are_repaired(tmp_path):
    raw = json.loads(writes(notebook("a", "b")))
    del raw["cells"][1]["id"], raw["cells"][2]["metadata"]
    raw["cells"][2]["id"] = raw["cells"][0]["id"]
    raw["cells"].append("nonsense")
    submission = load(tmp_path, json.dumps(raw))
    assert texts(submission) == [
        "Entry 4 of the cells is no cell; it was left out.",
        "1 cell had no valid id; added.",
        "1 cell had no metadata; added.",
        "1 cell had the id of another cell; replaced.",
    ]
    assert len({cell.id for cell in submission.notebook.cells}) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty."),
        ("  \n", "the file is empty."),
        ("<!DOCTYPE html><p>", "this is a web page, not a notebook."),
        ("import numpy as np\n", "this is a Python script, not a notebook."),
        ("dear teacher", "this is a text file, not a notebook."),
        (b"PK\x03\x04rest", "this is a zip archive, not a notebook."),
        (b"%PDF-1.7", "this is a PDF, not a notebook."),
        (b"ab\x00\x01", "this is a binary file, not a notebook."),
        ('{"type": "Point", "at": [1, 2]}', "this is JSON, but no notebook: an object with the keys type, at."),
        ("[1, 2]", "this is JSON, but no notebook: a list of 2 entries."),
        (writes(notebook()), "the notebook has no code cells."),
        (
            writes(notebook("x", kernelspec={"name": "ir", "display_name": "R"})),
            "the notebook is written in R, not in Python.",
        ),
        (writes(notebook("x", language_info={"name": "julia"})), "the notebook is written in Julia, not in Python."),
        ('{"cells": [\n<<<<<<< HEAD\n]}', "the file has merge conflict markers in it."),
    ],
)
def test_refused(tmp_path, content, message):
    with pytest.raises(SubmissionError) as caught:
        load(tmp_path, content)
    assert caught.value.message == f"{tmp_path / 'hw.ipynb'}: {message}"
    assert caught.value.remedy.endswith(".") and "\n" not in str(caught.value)


def test_refused_paths(tmp_path):
    with pytest.raises(SubmissionError, match=r"there is no such file\. Check the path\.$"):
        load_submission(tmp_path / "none.ipynb")
    with pytest.raises(SubmissionError, match="this is a folder"):
        load_submission(tmp_path)
    big = tmp_path / "big.ipynb"
    with big.open("wb") as file:
        file.truncate(LARGEST + 10**6)
    with pytest.raises(SubmissionError, match="the file has 51 MB; the most that is read is 50 MB"):
        load_submission(big)


def test_empty_notebook_is_a_submission(tmp_path):
    assert load(tmp_path, writes(new_notebook())).notebook.cells == []


def test_tags_outputs_and_kernel_do_not_reach_the_run(tmp_path):
    made = notebook("1/0", kernelspec={"name": "python3", "display_name": "x"}, widgets={"a": 1})
    made.cells[1].metadata.tags = ["raises-exception", "mine"]
    made.cells[1].execution_count = 7
    submission = load(tmp_path, writes(made))
    assert texts(submission) == ["Cell 2 has the tag `raises-exception`; the grader ignores it."]
    clean = clean_for_run(submission.notebook)
    assert clean.metadata == {} and clean.cells[1].metadata == {} and clean.cells[1].execution_count is None


def test_syntax_errors_are_left_as_they_are(tmp_path):
    assert load(tmp_path, writes(notebook("print 'x'"))).notebook.cells[1].source == "print 'x'"


@pytest.mark.parametrize("source", ["\n\n!pip install x\ny = 1", "%matplotlib inline\n\n\ny = 1", "%%time\n\n\ny = 1"])
def test_lines_of_a_cell_with_magics(source):
    tree = parse_cell(source)
    assert tree is not None and tree.body[-1].lineno == 4


def test_what_is_no_python_gives_none():
    assert parse_cell("print 'x'") is None


def test_a_cell_that_many_hand_in_is_parsed_once_unless_it_is_long() -> None:
    assert parse_cell("x = 1") is parse_cell("x = 1")
    long = "x = 1\n" * 10_000
    assert parse_cell(long) is not parse_cell(long)


@pytest.mark.parametrize("minor", ["<b>", None, [], 10**30, float("nan")])
def test_a_minor_format_that_is_no_number_is_overlooked(tmp_path, minor):
    raw = {"nbformat": 4, "nbformat_minor": minor, "metadata": {}, "cells": [{"cell_type": "code", "source": "x = 1"}]}
    assert texts(load(tmp_path, json.dumps(raw))) is not None


def test_types_and_tags_that_are_lists_are_faults_like_others(tmp_path):
    cells = [
        {"cell_type": ["code"], "source": "a", "metadata": {}},
        {"cell_type": "code", "source": "x = 1", "metadata": {"tags": [["raises-exception"], {}, "mine"]}},
    ]
    raw = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}
    assert [cell.cell_type for cell in load(tmp_path, json.dumps(raw)).notebook.cells] == ["raw", "code"]


def test_half_a_character_is_replaced_so_that_reports_can_be_written(tmp_path):
    raw = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": []}
    raw["cells"] = [{"cell_type": "code", "source": ["x = '\ud800'"], "metadata": {}}]
    assert load(tmp_path, json.dumps(raw)).notebook.cells[0].source == "x = '\ufffd'"


def test_the_name_of_another_language_is_told_on_one_short_line(tmp_path):
    data = writes(notebook("x = 1", language_info={"name": "\x1b[31mR\n" + "x" * 500}))
    with pytest.raises(SubmissionError) as caught:
        load(tmp_path, data)
    assert str(caught.value) == (
        f"{tmp_path / 'hw.ipynb'}: the notebook is written in R {'x' * 38}, not in Python. Hand in a Python notebook."
    )


HEAD = '"nbformat": 4, "nbformat_minor": 4, "metadata": {}'
CELL = '{"cell_type": "code", "source": "x", "metadata": {}, "outputs": [], "execution_count": null}'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f'{{{HEAD}, "cells": [{"[" * 300_000}{"]" * 300_000}]}}', "the file is nested deeper than any notebook."),
        (f'{{{HEAD}, "cells": ' + '[{"cells": ' * 100_000, "the file is nested deeper than any notebook."),
        (f'{{{HEAD}, "cells": [], "x": {"9" * 5000}}}', "the file holds a number of more than 4,300 digits."),
        (f'{{{HEAD}, "cells": [], "x": {"9" * 5000}', "the file holds a number of more than 4,300 digits."),
        ('{"cells": ["' + 'a"b ' * 40_000, "the file is not valid JSON, and could not be repaired within 0 s."),
        (
            f'{{{HEAD}, "cells": [{", ".join([CELL] * (MOST_CELLS + 1))}]}}',
            "the notebook has 5,001 cells; the most that are read are 5,000.",
        ),
    ],
    ids=["deep", "deep and cut off", "long number", "long number and cut off", "stray quotes", "cells"],
)
def test_bombs_are_refused_with_one_line(tmp_path, monkeypatch, text, told):
    monkeypatch.setattr(repair, "PATIENCE", 0.3)
    with pytest.raises(SubmissionError) as refusal:
        load(tmp_path, text)
    assert refusal.value.message == f"{tmp_path / 'hw.ipynb'}: {told}"


def test_of_keys_that_come_twice_the_last_one_counts(tmp_path):
    submission = load(tmp_path, f'{{{HEAD}, "cells": [], "cells": {{}}, "cells": [{CELL}]}}')
    assert [cell.source for cell in submission.notebook.cells] == ["x"]


def test_a_starter_is_read_once_for_as_long_as_it_stays_as_it_is(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "starter.ipynb", ["first = 1"])
    assert load_starter(path) is load_starter(path)
    assert load_starter(path).cells == load_submission(path).notebook.cells
    write_notebook(path, ["first = 2", "second = 3"])
    assert [cell.source for cell in load_starter(path).cells] == ["first = 2", "second = 3"]
    path.unlink()
    with pytest.raises(SubmissionError, match="there is no such file"):
        load_starter(path)

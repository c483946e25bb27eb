"""Every format: what it holds, what it must not let through, and what happens to a broken template."""

from __future__ import annotations

import copy
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import html5lib
import nbformat
import pytest
from hypothesis import given, strategies
from jinja2 import Environment
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from rich.console import Console

from grader.errors import RenderError
from grader.evidence import Note
from grader.feedback.formats.markdown import inline as markdown_inline
from grader.feedback.formats.text import inline as text_inline
from grader.feedback.formats.text import original
from grader.feedback.neutral import clean, one_line
from grader.feedback.page import code_lines
from grader.feedback.render import FORMATS, print_text, render, suffix
from grader.feedback.table import print_table
from grader.results import Excerpt, Finding, Location, Outcome, Report
from tests import feedback_samples as samples

GOLDEN = Path(__file__).parent / "golden" / "feedback"
HOSTILE = (
    "\x1b[31mred\x1b]0;title\x07\x1b]8;;http://evil.example\x07 [bold]b[/bold] [/] \\\\\\ <script>alert(1)</script> "
    "<img src=x onerror=y> **strong** [link](javascript:x) ![i](http://evil.example/i.png) @someone #12 {{ 7*7 }} "
    "| \u202egnp.exe ``` ` \x9b2J\x00\x07 $x$ &lt; ~~gone~~"
)


def executed() -> nbformat.NotebookNode:
    cells = [new_markdown_cell("# Alpaca")] + [
        new_code_cell(f"cell = {number}", id=f"c{number}") for number in range(2, 15)
    ]
    return new_notebook(cells=cells)


def hostile_report() -> Report:
    seen = samples.evidence("n")
    book = seen.notebook.model_copy(update={"name": f"{HOSTILE}.ipynb", "student": HOSTILE})
    location = Location(cell=7, line=2, excerpt=Excerpt(first=1, lines=("ok", HOSTILE, "````"), hit=2))
    finding = Finding(
        message=HOSTILE, expected=f"`{HOSTILE}`", observed=HOSTILE, location=location, fix=HOSTILE, suggestion=HOSTILE
    )
    words = samples.results(
        TL103=samples.result("TL103", Outcome.FAILED, finding, finding, why=HOSTILE),
        TL201=samples.skipped("TL201", HOSTILE),
        TL204=samples.result("TL204", Outcome.WARNED, finding),
    )
    known = samples.base()
    layers = tuple(layer.model_copy(update={"name": HOSTILE}) for layer in known.layers)
    phases = (samples.head_phase(), samples.tuned_phase(drift=samples.DRIFT))
    changed = {
        "notebook": book,
        "base": samples.base("unset", layers=layers, application=HOSTILE, name=HOSTILE),
        "phases": phases,
        "notes": (Note(kind="compat", text=HOSTILE),),
    }
    return samples.report_on(seen.model_copy(update=changed), words)


@pytest.mark.parametrize("name", samples.SAMPLES)
@pytest.mark.parametrize("format", ["text", "markdown"])
def test_golden(name: str, format: str) -> None:
    path = GOLDEN / f"{name}{suffix(format)}"
    document = render(samples.report(name), format)
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(document, encoding="utf-8")
    assert document == path.read_text(encoding="utf-8")


def test_formats_are_the_files_of_the_folder() -> None:
    assert FORMATS == ("html", "json", "markdown", "notebook", "text")
    assert [suffix(name) for name in FORMATS] == [".html", ".json", ".md", ".ipynb", ".txt"]


def test_an_unknown_format_is_named_with_the_nearest() -> None:
    with pytest.raises(RenderError, match=re.escape("There is no format 'htm'. Did you mean html?")):
        render(samples.report("full_marks"), "htm")


def test_json_is_the_report_and_nothing_else() -> None:
    report = samples.report("crashed")
    assert render(report, "json") == report.model_dump_json(indent=2)
    assert "\x1b" not in render(hostile_report(), "json")


# --- HTML ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_html_is_valid_and_needs_nothing_from_outside(name: str) -> None:
    page = render(samples.report(name), "html")
    html5lib.HTMLParser(strict=True).parse(page)
    assert "<script" not in page
    assert not re.search(r"(?:src|href)=[\"'](?!#)|url\(|@import", page)
    assert "prefers-color-scheme:dark" in page
    assert "@media print" in page


def test_html_holds_what_there_is_to_say() -> None:
    page = render(samples.report("training_flag_forgotten"), "html")
    for text in (
        "2 of 11 checks failed",
        "Follows from TL103: mend that one first.",
        "<dt>expected</dt><dd><code>base_model(x, training=False)</code></dd>",
        '<span class="ln hit"><span class="n">12</span>x = base_model(x)\n</span>',
        '<span class="ln add"><span class="n">+</span>x = base_model(x, training=False)\n</span>',
        "<b>Why it matters.</b>",
        "Good to know",
    ):
        assert text in page
    assert "Try it on your own model" not in page


def test_html_neutralises_what_a_student_wrote() -> None:
    page = render(hostile_report(), "html")
    document = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    tags = {element.tag for element in document.iter() if isinstance(element.tag, str)}
    assert not tags & {"script", "img", "strong"}
    assert "{{ 7*7 }}" in page
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", page)


# --- terminal ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", samples.SAMPLES)
@pytest.mark.parametrize("width", [50, 80, 100])
def test_text_keeps_within_the_console(name: str, width: int) -> None:
    stream = io.StringIO()
    print_text(samples.report(name), Console(file=stream, width=width, color_system=None))
    assert max(len(line) for line in stream.getvalue().splitlines()) <= width


def test_text_is_coloured_on_a_terminal_and_plain_in_a_file() -> None:
    stream = io.StringIO()
    report = samples.report("training_flag_forgotten")
    print_text(report, Console(file=stream, width=80, force_terminal=True, color_system="standard"))
    assert "\x1b[36mtraining=False\x1b[0m" in stream.getvalue()
    assert re.sub("\x1b\\[[0-9;]*m", "", stream.getvalue()) == render(report, "text")
    assert "\x1b" not in render(report, "text")


def test_text_does_without_unicode_where_the_terminal_has_none() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    print_text(samples.report("training_flag_forgotten"), Console(file=stream, width=80, color_system=None))
    stream.flush()
    assert b"x TL103   The base is called with training=False" in raw.getvalue()
    assert b"-####" in raw.getvalue()


@given(strategies.text())
def test_any_text_is_shown_as_it_is(text: str) -> None:
    assert original(str(text_inline(text.replace("`", "")))).plain == one_line(text.replace("`", ""))


def test_text_neutralises_what_a_student_wrote() -> None:
    stream = io.StringIO()
    print_text(hostile_report(), Console(file=stream, width=100, color_system=None, force_terminal=False))
    shown = stream.getvalue()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ue000-\uf8ff]", shown)
    assert "[bold]b[/bold] [/] \\\\\\ <script>alert(1)</script>" in " ".join(shown.split())
    assert ";title" not in shown


# --- Markdown ------------------------------------------------------------------------------------------


def test_markdown_neutralises_what_a_student_wrote() -> None:
    import mistune

    page = render(hostile_report(), "markdown")
    made = mistune.create_markdown(escape=False, plugins=["table", "strikethrough", "url"])(page)
    document = html5lib.HTMLParser(namespaceHTMLElements=False).parse(made)
    tags = {element.tag for element in document.iter() if isinstance(element.tag, str)}
    assert not tags & {"script", "img", "a", "del"}
    assert "@someone" not in re.sub(r"`[^`]*`|```[\s\S]*?```", "", page.split("### TL103")[0])


def test_markdown_text_survives_a_reader() -> None:
    import mistune

    made = mistune.html(markdown_inline("1. a_b_c *x* `y|z` [q] # <t> - 5"))
    text = "".join(html5lib.parse(made).itertext()).replace("\u2060", "").strip()
    assert text == "1. a_b_c *x* y|z [q] # <t> - 5"


# --- notebook ------------------------------------------------------------------------------------------


def test_notebook_has_a_summary_first_and_findings_after_their_cells() -> None:
    before = executed()
    untouched = copy.deepcopy(before)
    made = nbformat.reads(
        render(samples.report("training_flag_forgotten"), "notebook", notebook=before), as_version=nbformat.NO_CONVERT
    )
    nbformat.validate(made)
    added = [number for number, cell in enumerate(made.cells) if "grader-feedback" in cell.metadata.get("tags", [])]
    assert added == [0, 8, 16]
    assert made.cells[0].source.startswith("# 7 / 10 · Alpaca or not")
    assert made.cells[7].source == "cell = 7"
    assert made.cells[8].source.startswith("**❌ TL103: The base is called with training=False**")
    assert made.cells[16].metadata.grader.checks == ["TL203"]
    assert "TL402" in made.cells[0].source
    assert [cell for number, cell in enumerate(made.cells) if number not in added] == untouched.cells
    assert before == untouched


def test_notebook_ids_are_stable_and_not_taken_twice() -> None:
    book = executed()
    book.cells[1]["id"] = "feedback-1a2b3c4d-summary"
    report = samples.report("training_flag_forgotten")
    made = json.loads(render(report, "notebook", notebook=book))
    ids = [cell["id"] for cell in made["cells"]]
    assert len(set(ids)) == len(ids)
    assert [ids[0], ids[8]] == ["feedback-1a2b3c4d-summary-2", "feedback-1a2b3c4d-cell-7"]


def test_notebook_of_an_older_format_gets_no_ids() -> None:
    book = executed()
    for cell in book.cells:
        cell.pop("id")
    book.nbformat_minor = 4
    made = nbformat.from_dict(json.loads(render(samples.report("crashed"), "notebook", notebook=book)))
    nbformat.validate(made)
    assert not any("id" in cell for cell in made.cells)


def test_notebook_neutralises_what_a_student_wrote() -> None:
    made = json.loads(render(hostile_report(), "notebook", notebook=executed()))
    added = ["".join(cell["source"]) for cell in made["cells"] if "grader" in cell["metadata"]]
    assert len(added) == 2
    outside_code = re.sub(r"(`+)[\s\S]*?[^`]\1(?!`)", "", "\n".join(added))
    assert "<script>" not in outside_code
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", "".join(added))


def test_notebook_needs_the_notebook() -> None:
    with pytest.raises(RenderError, match="needs the executed notebook"):
        render(samples.report("full_marks"), "notebook")


# --- templates -----------------------------------------------------------------------------------------


def test_an_assignment_overrides_one_template(tmp_path: Path) -> None:
    (tmp_path / "switches.html.j2").write_text("<p>our own words on {{ report.assignment }}</p>")
    page = render(samples.report("full_marks"), "html", templates=tmp_path)
    assert "<p>our own words on alpaca-mobilenetv2</p>" in page
    assert "What each layer of your base did" in page


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("fine\n{% if %}", "Expected an expression, got 'end of statement block'"),
        ("fine\n{{ page.grade }}", "'grader.feedback.page.Page object' has no attribute 'grade'"),
        ("fine\n{{ nothing }}", "'nothing' is undefined"),
        ("fine\n{{ 1 / 0 }}", "division by zero"),
        ('fine\n{% include "gone.j2" %}', "there is no template 'gone.j2'"),
        ("fine\n{{ page.score | shout }}", "No filter named 'shout'"),
    ],
)
def test_a_broken_override_is_named_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "report.html.j2"
    path.write_text(text)
    with pytest.raises(RenderError) as caught:
        render(samples.report("full_marks"), "html", templates=tmp_path)
    assert caught.value.message == f"{path}, line 2: {problem}."


def test_templates_are_compiled_once_and_again_when_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[str | None] = []
    compile = Environment.compile

    def counting(self: Environment, source: str, name: str | None = None, *args: Any, **kwargs: Any) -> Any:
        compiled.append(name)
        return compile(self, source, name, *args, **kwargs)

    monkeypatch.setattr(Environment, "compile", counting)

    def page() -> str:
        return render(samples.report("full_marks"), "html", templates=tmp_path)

    assert page() == page()
    assert len(compiled) == len(set(compiled)) > 1
    override = tmp_path / "switches.html.j2"
    override.write_text("<p>first words</p>")
    assert "<p>first words</p>" in page()
    override.write_text("<p>second words</p>")
    os.utime(override, (1, 1))
    assert "<p>second words</p>" in page()
    override.unlink()
    assert "words</p>" not in page()


def test_a_missing_folder_of_templates_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="there is no such folder of templates"):
        render(samples.report("full_marks"), "text", templates=tmp_path / "gone")


# --- the rest ------------------------------------------------------------------------------------------


def test_a_suggestion_stands_below_its_line_as_it_is_indented() -> None:
    excerpt = Excerpt(first=4, lines=("    if x:", "        y()"), hit=5)
    finding = Finding(message="m", location=Location(cell=1, line=5, excerpt=excerpt), suggestion="z()")
    assert [(line.number, line.text, line.kind) for line in code_lines(finding)] == [
        ("4", "if x:", ""),
        ("5", "    y()", "hit"),
        ("+", "    z()", "add"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\tb", "a   b"),
        ("\u202eabc\x00", "\ufffdabc\ufffd"),
        ("\U0001f468\u200d\U0001f373", "\U0001f468\u200d\U0001f373"),
    ],
)
def test_clean(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_table_lists_every_report() -> None:
    stream = io.StringIO()
    reports = [samples.report(name) for name in ("full_marks", "recompile_forgotten", "crashed")]
    paths = [Path("out/a.html"), None, Path("out/c.html")]
    print_table(reports, paths, Console(file=stream, width=100, color_system=None))
    rows = [line.split() for line in stream.getvalue().splitlines() if ".ipynb" in line]
    assert rows == [
        ["solution.ipynb", "✓", "passed", "10", "/", "10", "out/a.html"],
        ["sample-07.ipynb", "✗", "failed", "6", "/", "10", "TL201", "TL202", "TL204"],
        ["sample-11.ipynb", "✗", "failed", "6", "/", "10", "NB001,", "3", "not", "assessed", "out/c.html"],
    ]


def test_table_neutralises_names() -> None:
    stream = io.StringIO()
    print_table([hostile_report()], [None], Console(file=stream, width=200, color_system=None))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", stream.getvalue())


def test_no_tensorflow() -> None:
    code = (
        "import sys, grader.feedback.render as r; [r.load(name) for name in r.FORMATS]; "
        "print([m for m in sys.modules if m in ('tensorflow', 'keras', 'tf_keras')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""Attacks on what is reported: a notebook that wants to be taken for a better one, or to act through its report."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser

import mistune

from grader.results import CheckResult, Outcome, Report

__all__ = ["GROUPS", "Group", "Lie", "Told"]

ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys, as a character by itself."""


@dataclass(frozen=True)
class Told:
    """What the grader says of a run.

    Args:
        report: the report.
        statuses: what became of each cell.
        pages: the report in each format.
        printed: all that the grader wrote to stdout and stderr meanwhile.
        mark: stands in whatever the attacks wrote.
        growth: bytes by which the grader's own memory has grown.
    """

    report: Report
    statuses: tuple[str, ...]
    pages: dict[str, str]
    printed: str
    mark: str
    growth: int

    def check(self, code: str) -> CheckResult:
        """The word of this check."""
        return next(check for check in self.report.checks if check.code == code)

    def error_of(self, cell: int) -> str:
        """What NB001 has to say of this cell."""
        findings = self.check("NB001").findings
        return " ".join(one.message for one in findings if one.location and one.location.cell == cell)

    def notes(self) -> str:
        """All notes, one a line."""
        return "\n".join(note.text for note in self.report.notes)

    def nothing_gained(self) -> str:
        """Why the attack counts as one that got something for nothing; empty where no check of training passed."""
        gained = [c.code for c in self.report.checks if c.code.startswith("TL") and c.outcome is Outcome.PASSED]
        erred = [c.code for c in self.report.checks if c.outcome is Outcome.ERROR]
        return f"passed: {gained}; errors: {erred}" if gained or erred else ""


Seen = Callable[[Told, int], str]
"""Why an attack counts as one that got what it wanted, given the number of its cell; empty where it did not."""


@dataclass(frozen=True)
class Lie:
    """One attack on the report.

    Args:
        name: what it tries.
        code: its cell.
        seen: what came of it.
        tags: of the cell.
        open_in: tiers that are known not to stop it.
    """

    name: str
    code: str
    seen: Seen
    tags: tuple[str, ...] = ()
    open_in: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Group:
    """Attacks that do not spoil one another: cells of one notebook.

    Args:
        name: the notebook's file name.
        lies: its cells.
    """

    name: str
    lies: tuple[Lie, ...]


class ActiveParts(HTMLParser):
    """Collects what of a page would do something, or fetch something."""

    DOING = frozenset({"script", "iframe", "object", "embed", "form", "base", "link", "applet", "portal"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        refreshes = tag == "meta" and (dict(attrs).get("http-equiv") or "").lower() not in (
            "",
            "content-security-policy",
        )
        if tag in self.DOING or refreshes:
            self.found.append(tag)
        for name, value in attrs:
            target = (value or "").strip().lower()
            fetches = name in ("src", "srcset", "data", "poster", "background") and not target.startswith("data:image/")
            if name.startswith("on") or fetches or target.startswith(("javascript:", "vbscript:", "data:text")):
                self.found.append(f"{tag} {name}={target[:40]}")


def active_parts(page: str) -> list[str]:
    """What of an HTML page acts."""
    parser = ActiveParts()
    parser.feed(page)
    return parser.found


def html_is_passive(told: Told, cell: int) -> str:
    if "alert" not in told.error_of(cell):
        return "the error itself is not told"
    # Markdown as a reader that lets HTML through shows it.
    pages = {"html": told.pages["html"], "markdown": str(mistune.html(told.pages["markdown"]))}
    found = {name: parts for name, page in pages.items() if (parts := active_parts(page))}
    return f"active: {found}" if found else ""


def terminal_is_safe(told: Told, cell: int) -> str:
    shown = {**told.pages, "printed": told.printed}
    found = {name: sorted(set(map(ascii, ACTIVE.findall(page)))) for name, page in shown.items()}
    found = {name: characters for name, characters in found.items() if characters}
    if "hello" not in told.error_of(cell):
        return "the error itself is not told"
    return f"obeyed by a terminal: {found}" if found else ""


def only_the_grader_speaks(told: Told, cell: int) -> str:
    if f"{told.mark}-imitation" in told.printed:
        return "its words are among the grader's own"
    json.loads(told.pages["json"])
    return "" if told.report.outcome is Outcome.FAILED else "the report says what the notebook said"


def error_is_told(told: Told, cell: int) -> str:
    return "" if "seen anyway" in told.error_of(cell) else f"NB001 says of it: {told.error_of(cell)!r}"


def failure_counts(told: Told, cell: int) -> str:
    if told.statuses[cell - 1] != "failed" or "tagged" not in told.error_of(cell):
        return "the cell's failure does not count"
    return "" if f"Cell {cell} has the tag `raises-exception`" in told.notes() else "nobody is told"


def was_run(told: Told, cell: int) -> str:
    return "" if told.statuses[cell - 1] == "failed" and "ran after all" in told.error_of(cell) else "it was not run"


PATCHES = """
import json, sys
import nbclient, nbformat
from grader.run.recorder.journal import Journal
real = json.dumps
json.dumps = lambda thing, *a, **k: real(thing, *a, **k).replace('"failed"', '"passed"')
nbformat.write = nbformat.reads = nbformat.validate = nbclient.NotebookClient.execute = lambda *a, **k: None
nbclient.NotebookClient.async_execute_cell = lambda *a, **k: None
sys.modules["grader.results"] = sys.modules["grader.checks"] = None
raise ValueError("seen anyway")
"""

PAGE = """
from IPython.display import HTML, SVG, Javascript, Markdown, display
bad = "<script>alert(1)</script><img src=x onerror=alert(1)>"
display(HTML(bad), Javascript("alert(1)"), Markdown(f"[x](javascript:alert(1)) {bad}"))
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'))
display({"text/html": bad, "application/javascript": "alert(1)"}, raw=True)
raise ValueError(f"`{bad}` {bad} </code></pre></style><style>*{{display:none}}</style>")
"""

TERMINAL = """
codes = "\\x1b]0;title\\x07\\x1b[2J\\x1b[31m\\x9b5m\\x1bP$q\\x1b\\\\\\x1b]52;c;aGk=\\x07\\x07\\x08\\x7f\\u202e"
print(codes, flush=True)
os.write(1, codes.encode())
os.write(2, codes.encode())
class Odd(Exception):
    pass
Odd.__name__ = Odd.__qualname__ = "Odd" + codes
import tensorflow as tf
model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(1, name="a" + codes)], name="m" + codes)
model.compile("sgd", "mse")
model.fit(tf.ones((2, 2)), tf.ones((2, 1)))
raise Odd(codes + "hello" + codes)
"""

IMITATION = """
words = "\\n  $MARK-imitation 100/100 passed\\n" + '{"schema_version": 1, "outcome": "passed", "$MARK-imitation": 1}\\n'
print(words)
print(words, file=sys.stderr)
devices = [f"/dev/{name}" for name in ("tty", "stdout", "stderr", "pts/0", "pts/1")]
others = [f"/proc/{pid}/fd/{number}" for pid in ("$GRADER", os.getppid()) for number in (1, 2)]
for way in [1, 2, *devices, *others]:
    try:
        os.write(way if isinstance(way, int) else os.open(way, os.O_WRONLY | os.O_NONBLOCK), words.encode())
    except OSError:
        pass
"""

RECORDER = """
import gc
import tensorflow as tf
for one in gc.get_objects():
    if type(one).__name__ == "Journal" and type(one).__module__.startswith("grader"):
        type(one).event = type(one).note = type(one).document = lambda self, *a, **k: None
model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(1)], name="unseen")
model.compile("sgd", "mse")
model.fit(tf.ones((2, 2)), tf.ones((2, 1)), verbose=0)
"""


def line(**facts: object) -> str:
    """A line of a forged journal."""
    return json.dumps(facts)


def forged_log() -> str:
    """A journal that tells of a model that was built and trained as asked, with a layer of two billion units."""
    place = {"count": 1, "line": 1}
    big = {"role": "kernel", "shape": [1280, 2_000_000_000], "trains": True}
    small = {"role": "kernel", "shape": [3, 3, 3, 32], "trains": True}
    base = {"number": 902, "name": "Conv1", "kind": "Conv2D", "nested": False, "own": [small]}
    inner = {"number": 901, "name": "mobilenetv2", "kind": "Functional", "nested": True, "own": []}
    head = {"number": 904, "name": "dense", "kind": "Dense", "nested": False, "own": [big]}
    model = {"event": "model", "kind": "Functional", "is_model": True}
    about = {"model": 903, "compile": 91, "place": place, "flagged": ["904.0"], "trainable": ["904.0"]}
    train = {"event": "training", "id": 91, "kind": "fit", "epochs": 5, "before": 9001, "learning_rate": 0.001}
    end = {"event": "trained", "id": 91, "after": 9002, "steps": 5, "loss": 0.1, "error": ""}
    lines = [
        line(**model, model=901, name="mobilenetv2", layers=[base]),
        line(
            event="application",
            application="MobileNetV2",
            model=901,
            weights="imagenet",
            file="x.h5",
            include_top=False,
            place=place,
        ),
        line(**model, model=903, name="forged", layers=[inner, head], config="config-903.json"),
        line(event="call", model=901, training="false", symbolic=True, by_student=True, place=place),
        line(event="compile", id=91, model=903, place=place, trainable=["904.0"]),
        line(**train, **about),
        line(**end, model=903, flagged=["904.0"], trainable=["904.0"]),
    ]
    dense = {"class_name": "Dense", "name": "dense", "config": {"name": "dense", "units": 2_000_000_000}}
    config = {"class_name": "Functional", "config": {"name": "forged", "layers": [dense]}}
    return (
        f"open(f'{{evidence}}/journal.jsonl', 'a').write({chr(10).join(lines)!r} + chr(10))\n"
        f"open(f'{{evidence}}/config-903.json', 'w').write({json.dumps(config)!r})"
    )


def is_forged_in_vain(told: Told, cell: int) -> str:
    if "1 of the recorder's entries on training have no weights to go with them" not in told.notes():
        return "nobody is told"
    return told.nothing_gained()


BOMBS = """
deep, number = "[" * 1_000_000, "9" * 100_000
with open(f"{evidence}/journal.jsonl", "a") as file:
    file.write(deep + "\\n")
    file.write('{"event": "compile", "id": ' + number + ', "model": 1, "place": null}\\n')
    file.write('{"event": "note", "event": "training", "event": "note", "kind": "compat", "text": 3}\\n')
    file.write('{"event": "note", "kind": "compat", "text": "' + "x" * 2_000_000 + '"}\\n')
    file.write('{"event": "snapshot", "id": 1e999, "written": true}\\n')
    file.write("[" + "[]," * 600_000 + "[]]\\n")
with open(f"{evidence}/probes.jsonl", "a") as file:
    file.write(deep + "\\n" + number + "\\n")
for name in ("config-1-1.json", "config-2-1.json", "config-9-9.json"):
    open(f"{evidence}/{name}", "w").write('{"config":' * 100_000)
open(f"{evidence}/snapshot-900.safetensors", "wb").write(b"\\xff" * 8 + b"{}")
"""


LINE = """
with open(f"{evidence}/journal.jsonl", "a") as file:
    file.write('{"event": "note", "kind": "compat", "text": "' + "x" * 100_000_000 + '"}\\n')
"""


def bombs_are_left_out(told: Told, cell: int) -> str:
    if not re.search(r"^6 lines of the recorder's journal could not be read\.$", told.notes(), re.MULTILINE):
        return f"not told of: {told.notes()[:200]}"
    return f"the grader took {told.growth / 1e6:.0f} MB for it" if told.growth > 400e6 else ""


def journal_is_refused(told: Told, cell: int) -> str:
    # Where no file may grow so large, the line was cut off.
    if not re.search("journal was not read: it has 1|^1 lines of the recorder's journal", told.notes(), re.MULTILINE):
        return f"not told of: {told.notes()[:200]}"
    return told.nothing_gained() or (f"the grader took {told.growth / 1e6:.0f} MB" if told.growth > 200e6 else "")


NOTHING: Seen = lambda told, cell: told.nothing_gained()  # noqa: E731

GROUPS = (
    Group(
        "report\x1b[2J\x1b]0;x\x07[bold]<b>.ipynb",
        (
            Lie("tag raises-exception", "raise RuntimeError('tagged')", failure_counts, ("raises-exception",)),
            Lie("tag skip-execution", "raise RuntimeError('ran after all')", was_run, ("skip-execution",)),
            Lie("output that imitates the report", IMITATION, only_the_grader_speaks, (), frozenset({"bare"})),
            Lie("HTML and script in outputs and errors", PAGE, html_is_passive),
            Lie("terminal codes in outputs and names", TERMINAL, terminal_is_safe),
            Lie("patched nbformat, nbclient and json", PATCHES, error_is_told),
        ),
    ),
    Group(
        "log.ipynb",
        (
            Lie("bombs of JSON in the evidence", BOMBS, bombs_are_left_out),
            Lie("forged log, two billion units", forged_log(), is_forged_in_vain),
            Lie("patched recorder", RECORDER, NOTHING),
        ),
    ),
    Group("line.ipynb", (Lie("a line of 100 MB in the log", LINE, journal_is_refused),)),
)

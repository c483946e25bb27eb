"""A file that a student handed in -> a notebook that can be run.

Whatever can be read without guessing at the student's meaning is read, and every repair is noted. What is
left over (a folder, a PDF, a notebook in R) is a `SubmissionError` of one line with its remedy.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import json
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from grader.errors import SubmissionError
from grader.evidence import Note
from grader.printable import printable
from grader.repair import BeyondRepairError, repaired

__all__ = [
    "LARGEST",
    "Submission",
    "clean_for_run",
    "load_starter",
    "load_submission",
]

LARGEST = 50 * 10**6
"""Bytes above which a file is refused unread."""
MOST_CELLS = 5_000
"""No exercise has a hundredth of that; looking at a hundred thousand takes minutes."""

HALF = re.compile("[\ud800-\udfff]")
"""Half of a pair of UTF-16: JSON can spell it, but no file can hold it."""
HONOURED_TAGS = ("raises-exception", "skip-execution")
PYTHON = re.compile(r"^(i?python|pyodide|xpython)", re.IGNORECASE)
OTHER_KERNELS = {
    "ir": "R",
    "julia": "Julia",
    "javascript": "JavaScript",
    "deno": "TypeScript",
    "bash": "Bash",
    "scala": "Scala",
    "xcpp": "C++",
    "octave": "Octave",
    "matlab": "MATLAB",
    ".net-csharp": "C#",
}
MAGIC_BYTES = {
    b"PK\x03\x04": "a zip archive",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip archive",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x89HDF": "an HDF5 file of weights",
    b"\xd0\xcf\x11\xe0": "an Office document",
}
CELL_TYPES = ("code", "markdown", "raw")
EXPORT = "Hand in the .ipynb file itself, as Jupyter or Colab saves it."


@dataclass(frozen=True)
class Submission:
    """One notebook as it was handed in."""

    path: Path
    name: str
    """File name, without folders."""
    sha256: str
    """Of the file's bytes, hexadecimal."""
    student: str
    notebook: NotebookNode
    """nbformat 4, without outputs and execution counts."""
    notes: tuple[Note, ...] = ()
    """What had to be repaired, one sentence each."""


def load_submission(path: Path, student: str = "") -> Submission:
    """Read the notebook at ``path``.

    Raises:
        SubmissionError: there is no such file, it is empty, too large or binary, it is no notebook, the notebook
            is written in another language, or it has cells but none of code.
    """
    path = Path(path)
    data = read_bytes(path)
    repairs: list[str] = []
    raw = parse_notebook(decode(data, path, repairs), path, repairs)
    notebook = normalise(upgrade(raw, path, repairs), repairs)
    refuse_other_language(notebook, path)
    if notebook.cells and not any(cell.cell_type == "code" for cell in notebook.cells):
        raise SubmissionError(f"{path}: the notebook has no code cells.", "Hand in the notebook with the code.")
    repairs.extend(tag_notes(notebook))
    return Submission(
        path=path,
        name=path.name,
        sha256=hashlib.sha256(data).hexdigest(),
        student=student,
        notebook=notebook,
        notes=tuple(Note(kind="repair", text=text) for text in repairs),
    )


def load_starter(path: Path) -> NotebookNode:
    """The starter's notebook; as long as the file stays as it is, whoever asks gets the same one. Not to be changed.

    Raises:
        SubmissionError: as `load_submission`.
    """
    try:
        found = path.stat()
    except OSError:  # Whoever reads it says what is wrong.
        return load_submission(path).notebook
    return starter_as_of(path, found.st_mtime_ns, found.st_size)


@functools.lru_cache(maxsize=8)
def starter_as_of(path: Path, changed: int, size: int) -> NotebookNode:
    """As `load_starter`, and kept."""
    return load_submission(path).notebook


def clean_for_run(notebook: NotebookNode) -> NotebookNode:
    """A copy that holds nothing but sources: no outputs, tags, widget state or kernel of the student's.

    Cell tags would let a student decide which of their errors count, so none reaches the runner.
    """
    clean = nbformat.v4.new_notebook()
    for cell in notebook.cells:
        node = copy.deepcopy(cell)
        node.metadata = NotebookNode()
        if node.cell_type == "code":
            node.outputs, node.execution_count = [], None
        clean.cells.append(node)
    return clean


def read_bytes(path: Path) -> bytes:
    """The file's bytes, unless it is none or too large."""
    if path.is_dir():
        raise SubmissionError(
            f"{path}: this is a folder.", "Name the notebook in it, or use `grader grade` for a folder."
        )
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise SubmissionError(
                f"{path}: the file has {size / 10**6:.0f} MB; the most that is read is {LARGEST // 10**6} MB.",
                "Clear the outputs and save it again.",
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise SubmissionError(f"{path}: there is no such file.", "Check the path.") from None
    except OSError as exc:
        raise SubmissionError(f"{path}: cannot be read: {exc.strerror}.", "Check the file's permissions.") from None
    if not data.strip():
        raise SubmissionError(f"{path}: the file is empty.", EXPORT)
    return data


def decode(data: bytes, path: Path, repairs: list[str]) -> str:
    """The file's text."""
    for magic, what in MAGIC_BYTES.items():
        if data.startswith(magic):
            raise SubmissionError(f"{path}: this is {what}, not a notebook.", EXPORT)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        repairs.append("The file was encoded as UTF-16; it was read as such.")
        return data.decode("utf-16", errors="replace")
    if b"\x00" in data:
        raise SubmissionError(f"{path}: this is a binary file, not a notebook.", EXPORT)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        repairs.append(f"The file is not valid UTF-8 at byte {exc.start}; it was read as Windows-1252.")
        return data.decode("cp1252", errors="replace")


def parse_notebook(text: str, path: Path, repairs: list[str]) -> dict[str, Any]:
    """The JSON object of a notebook, repaired where it can be."""
    if re.search(r"^(<{7} |>{7} )", text, re.MULTILINE):
        raise SubmissionError(
            f"{path}: the file has merge conflict markers in it.", "Resolve the conflict and save it again."
        )
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as exc:
        if not text.lstrip().startswith("{"):
            raise SubmissionError(f"{path}: this is {guess(text)}, not a notebook.", EXPORT) from None
        try:
            raw = repaired(text)
        except BeyondRepairError as beyond:
            raise SubmissionError(f"{path}: the file {beyond}.", EXPORT) from None
        where = f" at line {exc.lineno}, column {exc.colno}" if isinstance(exc, json.JSONDecodeError) else ""
        repairs.append(f"The file is not valid JSON{where}; it was repaired.")
    if not isinstance(raw, dict) or not isinstance(raw.get("cells", raw.get("worksheets")), list):
        raise SubmissionError(f"{path}: this is JSON, but no notebook: {describe(raw)}.", EXPORT)
    cells = len(raw.get("cells", ()))
    if cells > MOST_CELLS:
        raise SubmissionError(
            f"{path}: the notebook has {cells:,} cells; the most that are read are {MOST_CELLS:,}.",
            "Hand in the notebook that was asked for.",
        )
    return raw


def guess(text: str) -> str:
    """What a text that is no JSON looks like."""
    head = text.lstrip()[:2000]
    if re.match(r"<(!doctype|html)", head, re.IGNORECASE):
        return "a web page"
    if head.startswith("version https://git-lfs"):
        return "a Git LFS pointer"
    if re.search(r"^\s*(import \w|from \w+ import|def \w+\()", head, re.MULTILINE):
        return "a Python script"
    return "a text file"


def describe(raw: object) -> str:
    """What a JSON value that is no notebook looks like."""
    if isinstance(raw, dict):
        keys = ", ".join(list(map(str, raw))[:4])
        return f"an object with the keys {keys}" if keys else "an empty object"
    if isinstance(raw, list):
        return f"a list of {len(raw)} entries"
    return f"a single value ({type(raw).__name__})"


def upgrade(raw: dict[str, Any], path: Path, repairs: list[str]) -> dict[str, Any]:
    """The notebook in format 4."""
    major = raw.get("nbformat")
    if not isinstance(major, int):
        major = 4 if "cells" in raw else 3
        repairs.append(f"The file does not say which notebook format it has; format {major} was assumed.")
        raw = {**raw, "nbformat": major}
    if major >= 4:
        return raw
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            converted = nbformat.reads(json.dumps(raw), as_version=4)
    except Exception as exc:  # nbformat's converters raise whatever the malformed part happens to trip
        raise SubmissionError(f"{path}: cannot be converted from notebook format {major}: {exc!r}.", EXPORT) from None
    repairs.append(f"The notebook has the old format {major}; it was converted to format 4.")
    return dict(converted)


def normalise(raw: dict[str, Any], repairs: list[str]) -> NotebookNode:
    """A notebook that follows the schema, without outputs."""
    cells: list[NotebookNode] = []
    faults: dict[str, int] = {}
    seen: set[str] = set()
    minor = raw.get("nbformat_minor")
    needs_ids = raw.get("nbformat") == 4 and isinstance(minor, int) and minor >= 5
    for number, cell in enumerate(raw["cells"], start=1):
        if not isinstance(cell, dict):
            repairs.append(f"Entry {number} of the cells is no cell; it was left out.")
            continue
        cells.append(normalise_cell(cell, number, seen, faults, needs_ids))
    try:
        notebook = nbformat.v4.new_notebook(cells=cells)
    except nbformat.ValidationError:
        keep_to_schema(cells, faults)
        notebook = nbformat.v4.new_notebook(cells=cells)
    for fault, count in faults.items():
        repairs.append(f"{count} {'cell' if count == 1 else 'cells'} {fault}")
    metadata = raw.get("metadata")
    notebook.metadata = nbformat.from_dict(metadata if isinstance(metadata, dict) else {})
    return notebook


def normalise_cell(
    cell: dict[str, Any], number: int, seen: set[str], faults: dict[str, int], needs_ids: bool
) -> NotebookNode:
    """One cell that follows the schema; what was wrong is counted in ``faults``."""

    def fault(text: str) -> None:
        faults[text] = faults.get(text, 0) + 1

    kind = cell.get("cell_type")
    if not isinstance(kind, str) or kind not in CELL_TYPES:
        fault("had an unknown type; read as raw text.")
        kind = "raw"
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(map(str, source))
    elif not isinstance(source, str):
        fault("had a source that is no text; left empty.")
        source = ""
    if HALF.search(source):
        fault("had half a character in the source; replaced.")
        source = HALF.sub("\ufffd", source)
    metadata = cell.get("metadata")
    if not isinstance(metadata, dict):
        fault("had no metadata; added.")
        metadata = {}
    identifier = cell.get("id")
    if not isinstance(identifier, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", identifier):
        if needs_ids:
            fault("had no valid id; added.")
        identifier = f"cell-{number}"
    if identifier in seen:
        fault("had the id of another cell; replaced.")
        identifier = f"cell-{number}-again"
    seen.add(identifier)
    # Not by nbformat's own makers: each would hold its cell against the schema, as is done with all of them at the end.
    node: NotebookNode = nbformat.from_dict(
        {"id": identifier, "cell_type": kind, "source": source.replace("\r\n", "\n"), "metadata": metadata}
    )
    if kind == "code":
        node.outputs, node.execution_count = [], None
    if kind != "code" and isinstance(cell.get("attachments"), dict):
        node.attachments = nbformat.from_dict(cell["attachments"])
    return node


def keep_to_schema(cells: list[NotebookNode], faults: dict[str, int]) -> None:
    """Take away what keeps a notebook of these cells from being one."""
    for cell in cells:
        try:
            nbformat.v4.new_notebook(cells=[cell])
        except nbformat.ValidationError:
            text = "had metadata that do not follow the format; left out."
            faults[text] = faults.get(text, 0) + 1
            cell.metadata = NotebookNode()
            cell.pop("attachments", None)


def refuse_other_language(notebook: NotebookNode, path: Path) -> None:
    """Raise where the notebook says that it is not Python."""
    language = " ".join(printable(language_of(notebook.metadata)).split())[:40]
    if language:
        raise SubmissionError(
            f"{path}: the notebook is written in {language}, not in Python.", "Hand in a Python notebook."
        )


def language_of(metadata: NotebookNode) -> str:
    """The language other than Python that a notebook's metadata names; empty for Python or none."""
    info, kernel = metadata.get("language_info"), metadata.get("kernelspec")
    info, kernel = (part if isinstance(part, dict) else {} for part in (info, kernel))
    for language in (info.get("name"), kernel.get("language")):
        if isinstance(language, str) and language.strip():
            return "" if PYTHON.match(language) else OTHER_KERNELS.get(language.lower(), language)
    name = str(kernel.get("name", "")).lower()
    return next(
        (known for prefix, known in OTHER_KERNELS.items() if re.fullmatch(re.escape(prefix) + r"[-\d.]*", name)), ""
    )


def tag_notes(notebook: NotebookNode) -> list[str]:
    """A sentence for each cell whose tags ask a runner to overlook it."""
    texts = []
    for number, cell in enumerate(notebook.cells, start=1):
        tags = cell.metadata.get("tags")
        for tag in tags if isinstance(tags, list) else ():
            if isinstance(tag, str) and tag in HONOURED_TAGS and cell.cell_type == "code":
                texts.append(f"Cell {number} has the tag `{tag}`; the grader ignores it.")
    return texts

"""Pages of a graded class: one for each student, named as the course's system wants them back, and one of all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from nbformat import NotebookNode

from grader.batch.exports._text import file_names
from grader.batch.exports.moodle_feedback import feedback_name
from grader.batch.gradebook import Gradebook, Row
from grader.batch.overview import Overview
from grader.errors import GraderError
from grader.feedback.formats.html import DIALECT
from grader.feedback.render import render
from grader.feedback.templating import lay_out

__all__ = ["class_page", "write_feedback"]

CANVAS_IDS = re.compile(r"_\d+_")


def class_page(gradebook: Gradebook, links: Mapping[str, str], templates: Path | None = None) -> str:
    """The index page of a class.

    Args:
        gradebook: the class.
        links: key of a student -> where their feedback lies, relative to the page; students may be missing.
        templates: the assignment's own, which go before the grader's.
    """
    values = {"gradebook": gradebook, "view": Overview(gradebook, links)}
    return lay_out("class.html.j2", DIALECT, values, templates)


def write_feedback(
    gradebook: Gradebook,
    folder: Path,
    notebook_of: Callable[[Row], NotebookNode | None] | None = None,
    templates: Path | None = None,
    only: Callable[[Row, Path], bool] | None = None,
) -> dict[str, str]:
    """Write the feedback of a whole class into one folder, ready to be zipped and uploaded.

    Args:
        gradebook: the class; whoever has no report gets no file.
        folder: made if it is not there.
        notebook_of: the notebook of a row as executed; where there is one, it is written with remarks beside its cells.
        templates: the assignment's own, which go before the grader's.
        only: whether a row's page, at this path, is to be written; without it all are.

    Returns:
        Key of a student -> name of the page in the folder.

    Raises:
        GraderError: a file cannot be written.
    """
    names = feedback_names(gradebook)
    links: dict[str, str] = {}
    for row in gradebook.rows:
        if row.report is None:
            continue
        stem = names[row.student.key]
        links[row.student.key] = f"{stem}.html"
        if only is not None and not only(row, folder / f"{stem}.html"):
            continue
        notebook = notebook_of(row) if notebook_of else None
        if notebook is not None:
            write(folder / f"{stem}.ipynb", render(row.report, "notebook", notebook=notebook, templates=templates))
        # Last: that it is there says that the other one is.
        write(folder / f"{stem}.html", render(row.report, "html", templates=templates))
    return links


def feedback_names(gradebook: Gradebook) -> dict[str, str]:
    """Key of a student -> file name without suffix, different for each."""
    wanted = {row.student.key: wanted_name(row) for row in gradebook.rows}
    # Made free of clashes together with the keys, as two students may have handed in under one name.
    safe = file_names(
        f"{name}\n{key}" if list(wanted.values()).count(name) > 1 else name for key, name in wanted.items()
    )
    return dict(zip(wanted, safe.values(), strict=True))


def wanted_name(row: Row) -> str:
    """What the system that the submission came from finds its student by."""
    if "moodle" in row.student.ids:
        return feedback_name(row.student.name, row.student.ids["moodle"]).removesuffix(".html")
    if "canvas" in row.student.ids and CANVAS_IDS.search(row.file):
        return re.sub(r"\.ipynb(\.\w+)?$", "", row.file)
    return row.student.key


def write(path: Path, text: str) -> None:
    """The file, unless it holds this already."""
    data = text.encode()
    try:
        if path.is_file() and path.read_bytes() == data:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as exc:
        raise GraderError(f"{path}: cannot be written: {exc.strerror}.", "Make room, or name another place.") from exc

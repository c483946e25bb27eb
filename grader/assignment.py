"""`assignment.toml` -> validated objects.

An assignment is a folder of data: `assignment.toml`, the starter notebook, and the files that a notebook
finds in its work folder. Every mistake in the TOML is reported with the file, the key and what is allowed.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from grader.errors import AssignmentError
from grader.policy import Policy

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = [
    "Assignment",
    "BaseSpec",
    "CheckSpec",
    "Files",
    "Limits",
    "Recognition",
    "find_assignment",
    "find_assignments",
]

DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(s|min|h)\s*$")
SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(kB|MB|GB)\s*$")
SECONDS = {"s": 1, "min": 60, "h": 3600}
BYTES = {"kB": 10**3, "MB": 10**6, "GB": 10**9}


def parse_duration(text: object) -> float:
    """Seconds of a text such as ``60 s``, ``3 min`` or ``1 h``."""
    match = DURATION.match(text) if isinstance(text, str) else None
    if not match or float(match[1]) <= 0:
        raise ValueError('a duration such as "60 s", "3 min" or "1 h"')
    return float(match[1]) * SECONDS[match[2]]


def parse_size(text: object) -> int:
    """Bytes of a text such as ``500 kB``, ``10 MB`` or ``3 GB``."""
    match = SIZE.match(text) if isinstance(text, str) else None
    if not match or float(match[1]) <= 0:
        raise ValueError('a size such as "500 kB", "10 MB" or "3 GB"')
    return int(float(match[1]) * BYTES[match[2]])


Duration = Annotated[float, BeforeValidator(parse_duration)]
Size = Annotated[int, BeforeValidator(parse_size)]


class Table(BaseModel):
    """A table of the TOML."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class BaseSpec(Table):
    """``[base]``: the pretrained network that the assignment asks for."""

    application: str
    """Name in `keras.applications`, e.g. ``MobileNetV2``."""
    weights: Literal["imagenet"] = "imagenet"
    input_shape: tuple[int, int, int]
    """Height, width (pixels) and channels of the images that the model takes."""


class Files(Table):
    """``[files]``: what a notebook finds in its work folder. Paths are relative to the assignment's folder."""

    starter: str = "starter.ipynb"
    """The notebook that students begin with."""
    dataset: str = "dataset"
    """Folder of images, one sub-folder a class; stands in wherever a notebook looks for its images."""
    hidden: str = ""
    """Folder of images that no notebook sees, one sub-folder a class; TL403 predicts them. Empty: none."""
    support: str = ""
    """Folder of modules that are put beside the notebook (`test_utils.py`, ...); empty: none."""
    templates: str = ""
    """Folder of Jinja templates that override the grader's own; empty: none."""


class Recognition(Table):
    """``[recognise]``: how a notebook is known as one of this assignment when none is named."""

    names: tuple[str, ...] = ()
    """Functions or variables that its notebooks define."""
    title: str = ""
    """A text in its first markdown cells."""


class Limits(Table):
    """``[limits]``."""

    cell: Duration = 60.0
    """Wall time of one cell, in seconds."""
    run: Duration = 180.0
    """Wall time of the whole notebook, in seconds."""
    memory: Size = 3 * 10**9
    """Memory of the kernel and its children, in bytes."""
    output: Size = 10 * 10**6
    """All that the notebook prints and displays, in bytes."""
    processes: int = Field(default=64, ge=1)
    """How many processes the notebook may have at a time, its kernel included."""
    disk: Size = 10**9
    """What the notebook may write, beyond the assignment's files, in bytes."""
    inodes: int = Field(default=50_000, ge=1)
    """How many files and folders the notebook may make, beyond the assignment's."""


class CheckSpec(BaseModel):
    """``[[checks]]``: one check with its points; any further key is a parameter of that check."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)

    code: str
    """E.g. ``TL103``."""
    points: float = Field(default=0, ge=0)

    @property
    def parameters(self) -> dict[str, Any]:
        """The check's own parameters, as written."""
        return dict(self.model_extra or {})


class Assignment(Table):
    """One assignment, as its ``assignment.toml`` has it."""

    schema_version: Literal[1] = Field(alias="schema")
    title: str
    keras: Literal["auto", "2", "3"] = "auto"
    """Which Keras notebooks run on; ``auto``: chosen from what each imports and calls."""
    training: Literal["bounded", "full"] = "bounded"
    """``bounded``: a `fit` runs one small step, enough for evidence. ``full``: all of it."""
    replay: Literal["auto", "always", "never"] = "auto"
    """When the grader rebuilds the model from its config, weights and flags and measures it itself, in a process that
    no code of the student's ran in. ``auto``: where a check failed that this has a word on, where the evidence does not
    fit together, and for one submission in twenty of the others, drawn by the file's hash."""
    base: BaseSpec
    files: Files = Files()
    recognise: Recognition = Recognition()
    limits: Limits = Limits()
    policy: Policy = Policy()
    checks: tuple[CheckSpec, ...]

    folder: Path = Field(default=Path(), exclude=True)
    """Where it was loaded from; not a key of the TOML."""

    @property
    def slug(self) -> str:
        """Name of its folder, e.g. ``alpaca-mobilenetv2``."""
        return self.folder.name

    @property
    def starter(self) -> Path:
        """The starter notebook."""
        return self.folder / self.files.starter

    @property
    def templates(self) -> Path | None:
        """Its own Jinja templates; None where it has none."""
        return self.folder / self.files.templates if self.files.templates else None

    @classmethod
    def load(cls, folder: Path) -> Assignment:
        """Read ``folder/assignment.toml``.

        Raises:
            AssignmentError: the file is missing, is no TOML, has a key that is not known or a value that is
                not allowed, or names a file that does not exist.
        """
        path = folder / "assignment.toml"
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise AssignmentError(
                f"{path}: there is no such file.", "An assignment is a folder with an assignment.toml."
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
            raise AssignmentError(f"{path}: not valid TOML: {exc}.", "Mend that line.") from None
        data.pop("folder", None)
        try:
            assignment = cls.model_validate({**data, "folder": folder.resolve()})
        except ValidationError as exc:
            raise AssignmentError(f"{path}: {describe(exc, cls, data)}") from None
        assignment._require_files(path)
        return assignment

    def _require_files(self, path: Path) -> None:
        for key in ("starter", "dataset", "hidden", "support", "templates"):
            value = getattr(self.files, key)
            if value and not (self.folder / value).exists():
                raise AssignmentError(
                    f'{path}: files.{key} = "{value}": there is no such file or folder in {self.folder}.'
                )


def describe(error: ValidationError, model: type[BaseModel], data: dict[str, Any]) -> str:
    """The first mistake of a pydantic error, in an instructor's words: the key, and what is allowed."""
    first = error.errors()[0]
    location = first["loc"]
    key = dotted(location)
    kind, context = first["type"], first.get("ctx", {})
    if kind == "extra_forbidden":
        table = table_at(model, location[:-1])
        known = (
            [field.alias or name for name, field in table.model_fields.items() if not field.exclude] if table else []
        )
        return f"unknown key {key}.{did_you_mean(str(location[-1]), known)}"
    if kind == "missing":
        return f"{key} is missing."
    value = f"{key} = {first['input']!r}" if not isinstance(first["input"], dict) else key
    if kind == "literal_error":
        return f"{value}: allowed is {context['expected']}."
    if kind == "value_error":
        return f"{value}: expected {context['error']}."
    return f"{value}: {first['msg'][0].lower()}{first['msg'][1:]}."


def dotted(location: tuple[int | str, ...]) -> str:
    """``("checks", 0, "code")`` -> ``checks[1].code``; entries of a list count from 1."""
    text = ""
    for part in location:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def table_at(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model of a nested table."""
    for part in location:
        field = next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)
        inner = field.annotation if field else None
        # Python 3.10 takes `tuple[int, ...]` for a class.
        if not (isinstance(inner, type) and get_origin(inner) is None and issubclass(inner, BaseModel)):
            return None
        model = inner
    return model


def did_you_mean(word: str, known: list[str]) -> str:
    """`` Did you mean ...?``, or the list of what is known; begins with a blank."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if close:
        return f" Did you mean {close[0]}?"
    return f" Known are: {', '.join(sorted(known))}." if known else ""


def assignment_roots() -> list[Path]:
    """Folders in which assignments are looked for, nearest first."""
    roots = []
    if named := os.environ.get("GRADER_ASSIGNMENTS"):
        roots.append(Path(named))
    roots.extend(folder / "assignments" for folder in (Path.cwd(), *Path.cwd().parents))
    package = Path(__file__).resolve().parent
    roots.extend([package.parent / "assignments", package / "_assignments"])
    return [root for root in dict.fromkeys(roots) if root.is_dir()]


def find_assignments() -> list[Assignment]:
    """Every assignment that can be found, nearest first, without repetition of a slug."""
    found: dict[str, Assignment] = {}
    for root in assignment_roots():
        for path in sorted(root.glob("*/assignment.toml")):
            if path.parent.name not in found:
                found[path.parent.name] = Assignment.load(path.parent)
    return list(found.values())


def find_assignment(name: str) -> Assignment:
    """The assignment of this slug or path.

    Raises:
        AssignmentError: there is none, with the ones that there are.
    """
    path = Path(name)
    if path.name == "assignment.toml":
        path = path.parent
    if (path / "assignment.toml").is_file():
        return Assignment.load(path)
    slugs: list[str] = []
    for root in assignment_roots():
        if (root / name / "assignment.toml").is_file():
            return Assignment.load(root / name)
        slugs.extend(path.parent.name for path in root.glob("*/assignment.toml"))
    raise AssignmentError(f"There is no assignment {name!r}.{did_you_mean(name, sorted(set(slugs)))}")

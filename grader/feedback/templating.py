"""Jinja, set up once a format: the grader's templates, an assignment's overrides, and errors that name the line."""

from __future__ import annotations

import functools
import os
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
)

from grader.errors import RenderError
from grader.feedback.neutral import Safe

__all__ = ["TEMPLATES", "Dialect", "lay_out"]

TEMPLATES = Path(__file__).parent / "templates"
REMEDY = "Mend the template, or remove it to use the grader's own."


@dataclass(frozen=True, eq=False)
class Dialect:
    """How one format writes values into its templates. Compared by identity: Jinja is set up once for each."""

    neutralise: Callable[[str], str]
    """Applied to every string that a template puts out, unless it is `Safe` (or `Markup`) already."""
    autoescape: bool = False
    """Jinja's own HTML escaping, after `neutralise`."""
    filters: Mapping[str, Callable[..., Any]] = field(default_factory=dict)


def lay_out(template: str, dialect: Dialect, values: Mapping[str, Any], folder: Path | None) -> str:
    """Fill a template.

    Args:
        template: file name, e.g. ``report.html.j2``.
        dialect: how values are written.
        values: what the template may use; a name that is not there is an error.
        folder: templates of the assignment, which go before the grader's own of the same name; None: none.

    Raises:
        RenderError: the folder is missing, or a template is missing or broken; names file and line.
    """
    if folder is not None and not folder.is_dir():
        raise RenderError(
            f"{folder}: there is no such folder of templates.", "Mend files.templates in assignment.toml."
        )
    try:
        return environment_for(dialect, folder, names_in(folder)).get_template(template).render(**values)
    except TemplateSyntaxError as exc:
        raise RenderError(
            f"{exc.filename or exc.name}, line {exc.lineno}: {str(exc.message).rstrip('.')}.", REMEDY
        ) from exc
    except RenderError:
        raise
    except Exception as exc:
        place = place_in_template(exc, folder)
        if place is None:
            raise
        what = f"there is no template {exc.name!r}" if isinstance(exc, TemplateNotFound) else str(exc)
        raise RenderError(f"{place}: {what.rstrip('.')}.", REMEDY) from exc


def names_in(folder: Path | None) -> frozenset[str]:
    """Of the templates in an assignment's folder."""
    try:
        return frozenset(os.listdir(folder)) if folder is not None else frozenset()
    except OSError as exc:
        raise RenderError(f"{folder}: cannot be read: {exc.strerror}.", "Mend its permissions.") from exc


@functools.lru_cache(maxsize=16)
def environment_for(dialect: Dialect, folder: Path | None, names: frozenset[str]) -> Environment:
    """Jinja for this dialect and these templates. It keeps what it compiles, which takes longer than to fill it in,
    and compiles anew what has changed.

    Args:
        names: of the folder's templates: a new one goes before one of the grader's that was compiled already.
    """
    loaders: list[BaseLoader] = [FileSystemLoader(place) for place in (folder, TEMPLATES) if place is not None]
    environment = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=dialect.autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: finalised(value, dialect),
    )
    environment.filters.update(dialect.filters)
    return environment


def finalised(value: object, dialect: Dialect) -> object:
    """A value as it goes into the page; what is marked as escaped already goes in as it is."""
    if isinstance(value, Safe) or hasattr(value, "__html__"):
        return value
    return dialect.neutralise(value if isinstance(value, str) else str(value))


def place_in_template(error: BaseException, folder: Path | None) -> str | None:
    """``FILE, line N`` of the innermost template line that the error came through.

    None where it came through none.
    """
    frames = traceback.extract_tb(error.__traceback__)
    roots = [str(root) for root in (folder, TEMPLATES) if root is not None]
    inside = [frame for frame in frames if any(frame.filename.startswith(root) for root in roots)]
    return f"{inside[-1].filename}, line {inside[-1].lineno}" if inside else None

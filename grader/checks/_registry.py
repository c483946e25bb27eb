"""Which checks there are, and the ones that an assignment asks for."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Protocol, get_origin

from pydantic import ValidationError

import grader.checks
from grader.checks._base import Check
from grader.errors import AssignmentError, GraderError

__all__ = ["Spec", "all_checks", "build_checks", "find_check"]


class Spec(Protocol):
    """One check as an assignment asks for it."""

    @property
    def code(self) -> str:
        """E.g. ``TL103``."""

    @property
    def points(self) -> float:
        """What it is worth."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The check's own keys, as written."""


@lru_cache(maxsize=1)
def all_checks() -> Mapping[str, type[Check]]:
    """Every check by its code, in the order of the codes.

    Raises:
        GraderError: two files claim one code.
    """
    found: dict[str, type[Check]] = {}
    for module_info in pkgutil.iter_modules(grader.checks.__path__):
        if module_info.name.startswith("_"):
            continue
        module = importlib.import_module(f"grader.checks.{module_info.name}")
        for value in vars(module).values():
            # Python 3.10 takes an alias such as `tuple[int, ...]` for a class.
            is_class = isinstance(value, type) and get_origin(value) is None
            if is_class and issubclass(value, Check) and value.__module__ == module.__name__:
                if value.code in found:
                    raise GraderError(
                        f"{module.__name__}: the code {value.code} is taken by {found[value.code].__module__}."
                    )
                found[value.code] = value
    return MappingProxyType(dict(sorted(found.items())))


def find_check(word: str) -> type[Check]:
    """The check of this code or name, in any case.

    Raises:
        GraderError: there is none, with the nearest that there is.
    """
    wanted = word.strip().lower()
    checks = all_checks()
    for code, check in checks.items():
        if wanted in (code.lower(), check.name):
            return check
    known = {text.lower(): code for code, check in checks.items() for text in (code, check.name)}
    close = difflib.get_close_matches(wanted, list(known), n=1, cutoff=0.5)
    raise GraderError(
        f"There is no check {word!r}.",
        f"Did you mean {known[close[0]]}?" if close else f"Known are: {', '.join(checks)}.",
    )


def build_checks(specs: Sequence[Spec], where: str) -> list[tuple[Check, float]]:
    """The checks of an assignment with their points, in its order.

    Args:
        specs: the entries of ``[[checks]]``.
        where: the file they come from, named in every error.

    Raises:
        AssignmentError: a code is unknown or is there twice, or a parameter is unknown or not allowed.
    """
    built: list[tuple[Check, float]] = []
    checks, seen = all_checks(), set()
    for number, spec in enumerate(specs, start=1):
        key = f"checks[{number}]"
        if spec.code not in checks:
            hint = suggest(spec.code, checks)
            raise AssignmentError(f'{where}: {key}.code = "{spec.code}": there is no such check.{hint}')
        if spec.code in seen:
            raise AssignmentError(f'{where}: {key}.code = "{spec.code}": this check is there twice.')
        seen.add(spec.code)
        built.append((build(checks[spec.code], spec.parameters, f"{where}: {{}}{key}"), spec.points))
    return built


def build(check: type[Check], parameters: Mapping[str, Any], place: str) -> Check:
    """One check with its parameters; `place` has a gap before the key."""
    try:
        return check(check.Parameters.model_validate(dict(parameters)))
    except ValidationError as error:
        first = error.errors()[0]
        key = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ["code", "points", *check.Parameters.model_fields]
            raise AssignmentError(
                f"{place.format('unknown key ')}{key}.{suggest(str(first['loc'][-1]), known)}"
            ) from None
        reason = f"{first['msg'][0].lower()}{first['msg'][1:]}"
        value = "" if first["type"] == "missing" else f" = {first['input']!r}"
        raise AssignmentError(f"{place.format('')}{key}{value}: {reason}.") from None


def suggest(word: str, known: Iterable[str]) -> str:
    """`` Did you mean ...?``, or what is known; begins with a blank."""
    options = list(known)
    by_lower = {option.lower(): option for option in options}
    close = difflib.get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.5)
    return f" Did you mean {by_lower[close[0]]}?" if close else f" Known are: {', '.join(options)}."

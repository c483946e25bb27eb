"""The contract of a check: one file, one class, a pure function of the evidence.

A check file defines one subclass of `Check`. Its docstring has four sections (*What it checks*, *Why it
matters*, *Example*, *Use instead*); the code in the last two is run by the tests: the first must fail the
check and the second pass it.
"""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from grader.evidence import Evidence
from grader.policy import Policy
from grader.results import Finding

__all__ = ["Check", "Failed", "NotApplicable", "NotAssessed", "Parameters", "Passed", "Verdict", "Warned"]

SECTION = re.compile(r"^(What it checks|Why it matters|Example|Use instead)\n-+\n", re.MULTILINE)


@dataclass(frozen=True)
class Passed:
    """The requirement holds."""


@dataclass(frozen=True)
class Failed:
    """The requirement does not hold; one finding for each thing to mend."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Warned:
    """Costs nothing, but should be read."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class NotAssessed:
    """Evidence is missing because of something that the student did or left undone: no points, skipped."""

    reason: str


@dataclass(frozen=True)
class NotApplicable:
    """There is nothing to judge, through nobody's fault: skipped, and its points do not count."""

    reason: str


Verdict = Passed | Failed | Warned | NotAssessed | NotApplicable


class Parameters(BaseModel):
    """A check's own keys in the TOML, beside `code` and `points`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Check(ABC):
    """One requirement."""

    code: ClassVar[str]
    """Permanent, e.g. ``TL103``."""
    name: ClassVar[str]
    """A short slug, e.g. ``inference-mode``."""
    title: ClassVar[str]
    """The requirement as a sentence without a full stop; may use ``{parameter}`` fields."""
    requires: ClassVar[tuple[str, ...]] = ()
    """Codes of the checks that must not have failed or been skipped for this one to be judged."""
    Parameters: ClassVar[type[Parameters]] = Parameters

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.parameters = parameters if parameters is not None else self.Parameters()

    @abstractmethod
    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        """The verdict on this evidence. Pure: no I/O, no TensorFlow, no state."""

    def titled(self) -> str:
        """The title with this check's parameters filled in."""
        return self.title.format(**self.parameters.model_dump())

    @classmethod
    def section(cls, heading: str) -> str:
        """One section of the docstring, e.g. ``Why it matters``."""
        parts = SECTION.split(inspect.cleandoc(cls.__doc__ or ""))
        return dict(zip(parts[1::2], parts[2::2], strict=True))[heading].strip()

"""The contract of a check: one file, one class, a pure function of the evidence.

A check file defines one subclass of `Check`; it is found by being in this folder (`_registry`). Its docstring
has four sections (*What it checks*, *Why it matters*, *Example*, *Use instead*). The last two hold code that the
tests really run, on both Keras flavours: the first must fail the check and the second pass it. So that they can:

* Code stands in ```python fences. Each fence is one code cell, in order; text around a fence is for readers only.
* The notebook that is run has one cell before them, `_example_setup.SETUP`, which makes `images`, `labels`, `loss`
  and `base_model` (MobileNetV2 with ImageNet weights). An example may make its own `base_model` instead.
* The check is judged with default parameters under the default policy.
* Where a check compares a submission with its starter, `example_starter` is the starter's code cell: the starter
  is then the set-up cell followed by this one. Everywhere else the starter is the set-up cell alone.
* A check whose verdict takes what no test has (real weights, hidden images) says so in `example_needs`. Its examples
  are shown and not run.
"""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict

from grader.evidence import Evidence
from grader.policy import Policy
from grader.results import Finding

__all__ = ["Check", "Failed", "NotApplicable", "NotAssessed", "Parameters", "Passed", "Verdict", "Warned"]

FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^(What it checks|Why it matters|Example|Use instead)\n-+\n", re.MULTILINE)


@cache
def sections(docstring: str) -> dict[str, str]:
    """The texts of a check's docstring by their headings. Kept: a regrade asks for them ten thousand times."""
    parts = SECTION.split(inspect.cleandoc(docstring))
    return {heading: text.strip() for heading, text in zip(parts[1::2], parts[2::2], strict=True)}


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


CheckParameters: TypeAlias = Parameters
"""The same class under a name that `Check.Parameters` does not hide."""


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
    Parameters: ClassVar[type[CheckParameters]] = Parameters
    probes: ClassVar[tuple[str, ...]] = ()
    """What the model under test has to be asked after the last cell for this check: ``inputs``, ``augmentation``,
    ``batch``, ``accuracy`` (`grader.run.recorder.probe`). It is asked nothing that no check wants."""
    example_needs: ClassVar[str] = ""
    """What the examples need that a test has not, e.g. real weights, as a phrase; empty where they can be run."""
    example_starter: ClassVar[str] = ""
    """The starter's code cell that the examples are compared with; empty where they need none."""

    def __init__(self, parameters: CheckParameters | None = None) -> None:
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
        return sections(cls.__doc__ or "")[heading]

    @classmethod
    def example_cells(cls, heading: str) -> tuple[str, ...]:
        """The code of *Example* or *Use instead*, a text for each cell."""
        return tuple(code.rstrip("\n") for code in FENCE.findall(cls.section(heading) + "\n"))

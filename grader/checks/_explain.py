"""A check's own documentation, for `grader explain` and for links from reports."""

from __future__ import annotations

from grader.checks._base import Check
from grader.checks._registry import find_check

__all__ = ["explain"]

SECTIONS = ("What it checks", "Why it matters", "Example", "Use instead")


def explain(code: str) -> str:
    """The check of this code (or name) as Markdown: title, the four sections, parameters.

    Raises:
        GraderError: there is no such check.
    """
    check = find_check(code)
    parts = [f"# {check.code} {check.name}", f"**{check().titled()}.**"]
    for heading in SECTIONS:
        parts += [f"## {heading}", check.section(heading)]
    if check.example_needs:
        parts.append(f"The two examples take {check.example_needs}, so no test runs them.")
    if check.requires:
        required = " and ".join(check.requires)
        parts += [
            "## Requires",
            f"Judged only after {required}: where that failed or was skipped, this is skipped too.",
        ]
    return "\n\n".join([*parts, *parameters(check)]) + "\n"


def parameters(check: type[Check]) -> list[str]:
    """The check's own keys in an assignment, with defaults."""
    fields = check.Parameters.model_fields
    if not fields:
        return []
    lines = []
    for name, field in fields.items():
        kind = field.annotation.__name__ if isinstance(field.annotation, type) else str(field.annotation)
        default = "required" if field.is_required() else f"default `{field.get_default(call_default_factory=True)!r}`"
        lines.append(f"* `{name}` ({kind}, {default}): {' '.join((field.description or '').split())}")
    return ["## Parameters", "\n".join(lines)]

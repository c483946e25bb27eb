"""What was measured on each reference notebook, as Markdown: the numbers that another grader can be held against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from grader.evidence import Environment, Evidence, Phase
from grader.verify.cases import cases_of
from grader.verify.records import Record, Records
from grader.verify.variants import Flavour, Reference

__all__ = ["facts_of"]


def facts_of(reference: Reference, records: Records) -> str:
    """A section with one row a notebook, from the records of the last run."""
    kept = records.of(reference.slug)
    cases = cases_of(reference)
    flavours: list[Flavour] = list(dict.fromkeys(case.keras for case in cases))
    names = list(dict.fromkeys(case.name for case in cases))
    header = ["notebook"]
    for keras in flavours:
        header += [f"trainable tensors, Keras {keras}", f"BN layers that drift, Keras {keras}"]
    lines = [
        f"## {reference.slug}",
        "",
        *versions(kept[case.key] for case in cases if case.key in kept),
        "",
        row(header),
        "|---" * len(header) + "|",
    ]
    lines += [row([f"`{name}`", *cells(name, flavours, kept)]) for name in names]
    return "\n".join(lines) + "\n"


def row(cells: Iterable[str]) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def versions(records: Iterable[Record]) -> list[str]:
    """What it was measured on, a line a Keras."""
    environments: dict[str, Environment] = {}
    for record in records:
        environments.setdefault(record.keras, record.evidence.environment)
    return [
        f"* Keras {keras}: {'tf-keras' if keras == '2' else 'Keras'} {found.keras}, TensorFlow {found.tensorflow}, "
        f"{found.weights} weights, {found.training} training"
        for keras, found in sorted(environments.items())
    ]


def cells(name: str, flavours: Iterable[Flavour], kept: Mapping[tuple[str, Flavour], Record]) -> Iterable[str]:
    """Two cells a Keras."""
    for keras in flavours:
        record = kept.get((name, keras))
        yield from ("not measured",) * 2 if record is None else (tensors(record.evidence), drift(record.evidence))


def phases(evidence: Evidence) -> tuple[Phase | None, Phase | None]:
    """The training of the head, and the fine-tuning."""
    return evidence.phase("head"), evidence.phase("fine-tuning")


def tensors(evidence: Evidence) -> str:
    """How many tensors each phase could train, as compiled."""
    shown = []
    for phase in phases(evidence):
        broken = f" ({phase.error.split(':')[0]})" if phase and phase.error else ""
        shown.append(f"{phase.trainable_tensors}{broken}" if phase else "–")
    return " / ".join(shown)


def drift(evidence: Evidence) -> str:
    """In how many BatchNorm layers of the base the moving statistics changed in each phase, and between them."""
    first, second = phases(evidence)
    between = f" + {len(second.drift_before)}" if second and second.drift_before else ""
    return f"{len(first.drift) if first else '–'}{between} / {len(second.drift) if second else '–'}"

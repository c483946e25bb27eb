"""What this machine has and lacks for grading."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from grader.errors import GraderError
from grader.run.isolation import choose, obstacles, tiers
from grader.run.kernel import WarmKernels
from grader.weights import WeightsStore

__all__ = ["Line", "examine_machine"]

GIGABYTE = 10**9


@dataclass(frozen=True)
class Line:
    """One finding about the machine.

    Args:
        subject: what it is about.
        state: ``ok``, ``warning`` (works, could be better) or ``missing`` (grading does not work).
        text: what is there.
        remedy: how to get better; empty where nothing needs to be.
    """

    subject: str
    state: str
    text: str
    remedy: str = ""


def examine_machine() -> list[Line]:
    """Everything that grading depends on, without starting any of it."""
    return [python(), *packages(), byte_code(), kernels(), isolation(), weights(), memory(), disk()]


def python() -> Line:
    """The interpreter."""
    supported = (3, 10) <= sys.version_info[:2] <= (3, 12)
    remedy = "" if supported else "Use Python 3.10, 3.11 or 3.12."
    return Line("Python", "ok" if supported else "warning", f"{platform.python_version()} ({sys.executable})", remedy)


def packages() -> list[Line]:
    """TensorFlow and the two Kerases."""
    lines = []
    for name, purpose in (("tensorflow", ""), ("keras", "Keras 3"), ("tf-keras", "Keras 2")):
        try:
            text = f"{version(name)}{f' ({purpose})' if purpose else ''}"
            lines.append(Line(name, "ok", text))
        except PackageNotFoundError:
            lines.append(Line(name, "missing", "not installed", f"pip install {name}"))
    return lines


def byte_code() -> Line:
    """Whether TensorFlow was compiled: without, each kernel takes some 10 s longer to start."""
    spec = importlib.util.find_spec("tensorflow")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    compiled = folder is not None and any((folder / "__pycache__").glob("*.pyc"))
    if compiled:
        return Line("byte-code", "ok", "compiled")
    return Line("byte-code", "warning", "not compiled: kernels start slowly", f"python -m compileall {folder or ''}")


def kernels() -> Line:
    """How kernels start."""
    if WarmKernels.available():
        return Line("kernels", "ok", "forked from a warm process, which imports less where a single notebook is graded")
    return Line("kernels", "ok", "cold: each imports TensorFlow anew (forking a warm process needs Linux)")


def isolation() -> Line:
    """The tier that submissions run under."""
    chosen = choose("auto")
    tier = chosen.tier
    text = f"{tier.name}: {tier.summary}"
    if tier.strict:
        return Line("isolation", "ok", text)
    found = obstacles()
    better = [
        f"{other.name} would be better, but: {found[other.name]}. {other.remedy}"
        for other in tiers()
        if other.strength > tier.strength
    ]
    return Line("isolation", "warning", text, "\n".join(better))


def weights() -> Line:
    """The weights store."""
    store = WeightsStore()
    try:
        records = store.list()
    except GraderError as exc:
        return Line("weights", "warning", exc.message, exc.remedy)
    if not records:
        return Line("weights", "ok", f"none yet in {store.folder}: stand-ins are made when first needed")
    real = sum(record.kind == "pretrained" for record in records)
    return Line(
        "weights", "ok", f"{len(records)} files in {store.folder}: {real} real, {len(records) - real} stand-ins"
    )


def memory() -> Line:
    """Free memory; a worker takes about 1.5 GB."""
    free = psutil.virtual_memory().available
    state = "ok" if free > 2 * GIGABYTE else "warning"
    remedy = "" if state == "ok" else "A notebook needs about 1.5 GB: close something."
    return Line("memory", state, f"{free / GIGABYTE:.1f} GB free, {psutil.cpu_count()} cores", remedy)


def disk() -> Line:
    """Room for a run's work folder and arrays."""
    import tempfile

    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    state = "ok" if free > GIGABYTE else "warning"
    remedy = "" if state == "ok" else "A run needs up to 1 GB: make room or set TMPDIR."
    return Line("disk", state, f"{free / GIGABYTE:.0f} GB free in {folder}", remedy)

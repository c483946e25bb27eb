"""What the grader tells the kernel: a small JSON file, written before the kernel starts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

__all__ = ["KernelConfig"]


@dataclass(frozen=True)
class KernelConfig:
    """Everything a kernel needs to know before the first cell.

    Args:
        work: the notebook's work folder.
        evidence: folder that the recorder writes its journal and arrays to.
        flavour: ``"2"`` or ``"3"``.
        training: ``"bounded"`` or ``"full"``.
        weights: folder of the weights store.
        dataset: the assignment's folder of images.
        classes: names of the classes, as the folders in `dataset` are called.
        image_size: height and width in pixels.
        output: most that the notebook may print and display, in bytes.
    """

    work: str
    evidence: str
    flavour: Literal["2", "3"]
    training: Literal["bounded", "full"]
    weights: str
    dataset: str
    classes: tuple[str, ...]
    image_size: tuple[int, int]
    output: int

    def to_json(self) -> dict[str, Any]:
        """As `from_json` takes it."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> KernelConfig:
        """From what `to_json` gave."""
        tuples = {name: tuple(data[name]) for name in ("classes", "image_size")}
        return cls(**{**data, **tuples})

    def write(self, path: Path) -> None:
        """Store as JSON."""
        path.write_text(json.dumps(self.to_json()), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> KernelConfig:
        """Load what `write` stored."""
        return cls.from_json(json.loads(path.read_text(encoding="utf-8")))

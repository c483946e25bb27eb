"""An instructor's own assignment with its reference, and records as a run of its notebooks would leave them.

So `grader verify --kept` judges without running anything.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

from grader.evidence import Evidence
from grader.verify.records import Record, Records
from tests.evidence_samples import call, drift_of, layers_from, notebook, textbook
from tests.notebooks import grader, write_notebook

SLUG = "birds"
TOML = """
schema = 1
title = "Birds"
keras = "{keras}"
[base]
application = "MobileNetV2"
input_shape = [160, 160, 3]
[[checks]]
code = "TL103"
points = 1
[[checks]]
code = "TL202"
points = 2
[[checks]]
code = "TL203"
points = 1
"""
VARIANTS = """
[[variant]]
name = "flag-forgotten"
fault = "No `training=False`."
fails = ["TL103", "TL203"]
replace = [{old = "2", new = "3"}]

[[variant]]
name = "unfrozen-entirely"
fault = "The whole base is unfrozen."
fails = ["TL202"]
replace = [{old = "2", new = "4"}]

[[variant]]
name = "statistics-set"
fault = "The statistics are set by hand."
fails = ["TL203"]
replace = [{old = "2", new = "5"}]
"""


def samples() -> dict[str, Evidence]:
    """What a run of each notebook shows, whichever Keras it is on."""
    return {
        "solution": textbook(),
        "starter": textbook(head=None, finetuning=None, calls=(call("unset"),)),
        "flag-forgotten": textbook(calls=(call("unset"),), finetuning={"drift": drift_of(layers_from(120))}),
        "unfrozen-entirely": textbook(
            finetuning={"flagged": layers_from(0), "trainable": layers_from(0), "moved": layers_from(0)}
        ),
        "statistics-set": textbook(finetuning={"drift_before": drift_of(layers_from(0))}),
    }


class Tree:
    """`assignments/birds`, `reference/birds` and `build/verify/birds.jsonl` in a folder."""

    def __init__(self, root: Path, keras: str = "2", variants: str = VARIANTS) -> None:
        self.root = root
        self.assignment = root / "assignments" / SLUG
        self.reference = root / "reference" / SLUG
        (self.assignment / "dataset").mkdir(parents=True)
        (self.reference / "variants").mkdir(parents=True)
        (self.assignment / "assignment.toml").write_text(TOML.format(keras=keras))
        (self.reference / "variants.toml").write_text(variants)
        write_notebook(self.assignment / "starter.ipynb", ["x = None"])
        for number, name in enumerate(samples()):
            if name != "starter":
                write_notebook(self.path(name), [f"x = {number}"])

    def path(self, name: str) -> Path:
        """The notebook of this name."""
        if name == "starter":
            return self.assignment / "starter.ipynb"
        return (
            self.reference / "solution.ipynb" if name == "solution" else self.reference / "variants" / f"{name}.ipynb"
        )

    @property
    def records(self) -> Records:
        """Where they are kept by default."""
        return Records(self.root / "build" / "verify")

    def record(self, **changed: Evidence) -> None:
        """Leave records of all notebooks on both Kerases; `changed` evidence in place of the samples."""
        for name, evidence in {**samples(), **{key.replace("_", "-"): value for key, value in changed.items()}}.items():
            digest = hashlib.sha256(self.path(name).read_bytes()).hexdigest()
            told = evidence.model_copy(update={"notebook": notebook(name=f"{name}.ipynb", sha256=digest)})
            fields: dict[str, Any] = {"assignment": SLUG, "name": name, "outcomes": {}, "score": 0, "max_score": 0}
            for keras in ("2", "3"):
                self.records.add(Record(**fields, keras=keras, as_declared=False, evidence=told))

    def verify(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`grader verify` as the instructor runs it, a hundred columns wide."""
        return grader("verify", *arguments, folder=self.root, COLUMNS="100")

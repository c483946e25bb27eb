"""One submission, one grade: is the verdict the same on every version of Keras?

    python tools/keras_versions.py         # the solution and some telling variants of the alpaca assignment
    python tools/keras_versions.py --all   # all of them

Each version gets an environment of its own in build/keras, with the TensorFlow and the tf-keras that fit it. There
`grader verify --replay` runs; then the verdicts stand side by side. Exit status 1 if any two differ, or if a rebuilt
model does not do what the recorder saw.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from setup import find_uv

from grader.verify.agreement import agreement, judge_replay
from grader.verify.records import Record, Records

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "keras"
SLUG = "alpaca-mobilenetv2"
TELLING = (
    "solution",
    "training-flag-forgotten",
    "recompile-forgotten",
    "flags-under-a-frozen-base",
    "unfrozen-by-a-flag-already-set",
)
"""The solution, the two usual mistakes, and two where Keras 2 and Keras 3 truly differ."""


LOUD = ("failed", "skipped", "error")
"""Outcomes that are worth naming."""


@dataclass(frozen=True)
class Version:
    """A version of Keras and what goes with it."""

    name: str
    packages: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Its environment."""
        return FOLDER / self.name

    @property
    def is_here(self) -> bool:
        """Whether the environment of this process has it."""
        return metadata.version("keras").startswith(f"{self.name}.")

    @property
    def python(self) -> Path:
        """The interpreter that has it."""
        return Path(sys.executable) if self.is_here else self.folder / "bin" / "python"

    @property
    def records(self) -> Records:
        """What its run keeps."""
        return Records(FOLDER / f"records-{self.name}")


VERSIONS = (
    # No TensorFlow after 2.19 takes a Keras older than 3.10.
    Version("3.5", ("keras==3.5.*", "tensorflow==2.19.*", "tf-keras==2.19.*")),
    Version("3.9", ("keras==3.9.*", "tensorflow==2.19.*", "tf-keras==2.19.*")),
    Version("3.15", ("keras==3.15.*", "tensorflow==2.21.*", "tf-keras==2.21.*")),
)


def prepare(version: Version) -> None:
    """Make the environment, once."""
    ready = version.folder / ".ready"
    if version.is_here or ready.exists():
        return
    print(f"keras_versions: making an environment with Keras {version.name}", file=sys.stderr)
    uv = find_uv(FOLDER / "uv")
    environment = {**os.environ, "VIRTUAL_ENV": str(version.folder)}
    for step in (
        [*uv, "venv", "-q", "--clear", "--python", sys.executable, str(version.folder)],
        [*uv, "pip", "install", "-q", "--compile-bytecode", "-e", ".[verify]", *version.packages],
    ):
        subprocess.run(step, cwd=ROOT, env=environment, check=True)
    ready.touch()


def verify(version: Version, everything: bool) -> bool:
    """Run the notebooks; what does not come out as declared is seen in the records.

    Returns:
        Whether every rebuilt model agrees with what was recorded of it.
    """
    select = [] if everything else ["-k", " or ".join(TELLING)]
    grader = str(version.python.with_name("grader"))
    command = [grader, "verify", SLUG, *select, "--replay", "--records", str(version.records.folder), "-q"]
    command += ["-n", str(min(2, os.cpu_count() or 1))] if everything else []
    version.records.path(SLUG).unlink(missing_ok=True)
    # The store of the project's own tests: every version is judged on the same weights.
    environment = {"GRADER_WEIGHTS": str(ROOT / "build" / "test-weights"), **os.environ}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        print(f"keras_versions: grader verify on Keras {version.name} broke off:", file=sys.stderr)
        sys.exit(done.stdout[-6000:] + done.stderr[-6000:])
    records = list(version.records.of(SLUG).values())
    print(f"Keras {version.name}: " + "\n".join(agreement(records)))
    return not any(list(judge_replay(record.evidence)) for record in records)


def verdict(record: Record | None) -> str:
    """What the grader said, in a word or two; the same text is the same verdict."""
    if record is None:
        return "no verdict"
    said = [f"{record.score:g} points"]
    for outcome in LOUD:
        if codes := [code for code, found in record.outcomes.items() if found.value == outcome]:
            said.append(f"{outcome} {' '.join(codes)}")
    return ", ".join(said)


def compare(versions: Sequence[Version], console: Console) -> bool:
    """One line a notebook and Keras; whether every verdict is the same everywhere."""
    records = [version.records.of(SLUG) for version in versions]
    keys = sorted({key for each in records for key in each}, key=lambda key: (key[1], key[0]))
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in ("notebook", "on", "same", "verdict"):
        table.add_column(column, overflow="fold", no_wrap=column == "notebook")
    same_everywhere = True
    for key in keys:
        found = [each.get(key) for each in records]
        verdicts = [verdict(record) for record in found]
        same = len(set(verdicts)) == 1
        same_everywhere &= same
        names = ", ".join(dict.fromkeys(record.evidence.environment.keras for record in found if record))
        pairs = zip(versions, verdicts, strict=True)
        said = verdicts[0] if same else "\n".join(f"{version.name}: {text}" for version, text in pairs)
        package = f"{'tf-keras' if key[1] == '2' else 'Keras'} {names}"
        table.add_row(key[0], package, "yes" if same else "[red]no[/]", said)
    console.print(table)
    return same_everywhere and bool(keys)


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every variant, not only some telling ones")
    everything = parser.parse_args().all
    FOLDER.mkdir(parents=True, exist_ok=True)
    agreed = []
    for version in VERSIONS:
        prepare(version)
        agreed.append(verify(version, everything))
    return 0 if compare(VERSIONS, Console(width=110)) and all(agreed) else 1


if __name__ == "__main__":
    sys.exit(main())

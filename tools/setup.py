"""Make the virtual environment: `python3 tools/setup.py .venv`. Needs nothing but Python and a package index.

`python3 tools/setup.py --uv ARGS...` runs uv alone, wherever it comes from.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = (3, 10), (3, 12)


def main(arguments: list[str]) -> int:
    """Set up, or pass the arguments on to uv."""
    if arguments[:1] == ["--uv"]:
        return subprocess.run([*find_uv(ROOT / ".venv-uv"), *arguments[1:]], cwd=ROOT).returncode
    target = ROOT / (arguments[0] if arguments else ".venv")
    python = find_python()
    if python is None:
        print(f"setup: TensorFlow needs Python 3.10 to 3.12; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 2
    uv = find_uv(target.with_name(target.name + "-uv"))
    environment = {**os.environ, "VIRTUAL_ENV": str(target)}
    # Without byte-code files each kernel would take some ten seconds longer to import TensorFlow.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    print("setup: making", target.name)
    steps = [
        [*uv, "venv", "-q", "--clear", "--python", python, str(target)],
        [*uv, "pip", "sync", "-q", "--require-hashes", "--compile-bytecode", "requirements.lock"],
        [*uv, "pip", "install", "-q", "--no-deps", "--compile-bytecode", "-e", "."],
        # The project's own package is used where it lies, and so not among what was compiled.
        [str(python_in(target)), "-m", "compileall", "-q", "grader"],
    ]
    for step in steps:
        status = subprocess.run(step, cwd=ROOT, env=environment).returncode
        if status:
            print(f"setup: this step failed: {' '.join(step)}", file=sys.stderr)
            return status
    return 0


def find_python() -> str | None:
    """A Python that TensorFlow runs on: this one, or another one by its usual name."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    return next((path for minor in (12, 11, 10) if (path := shutil.which(f"python3.{minor}"))), None)


def python_in(folder: Path) -> Path:
    """The interpreter of an environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def find_uv(folder: Path) -> list[str]:
    """uv as installed, else one from the package index, in an environment of its own."""
    if installed := shutil.which("uv"):
        return [installed]
    uv = folder / ("Scripts/uv.exe" if os.name == "nt" else "bin/uv")
    if not uv.exists():
        print("setup: getting uv")
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([str(python_in(folder)), "-m", "pip", "install", "-q", "uv"], check=True)
    return [str(uv)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

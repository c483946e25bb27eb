"""Running a command as a plain user where the tests are root."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from grader.run.isolation import _calls as calls

__all__ = ["PLAIN", "TIERS", "USERS", "run_as"]

PLAIN = 54321
"""A user that no machine has."""
# As root nothing would protect the machine itself from the attacks where there are no walls.
TIERS = {"root": ("namespaces", "landlock"), "plain": ("namespaces", "landlock", "bare")}
USERS = ("root", "plain") if sys.platform == "linux" and os.getuid() == 0 else ("plain",)
ROOT = Path(__file__).resolve().parents[2]


def run_as(user: str, command: list[str], folder: Path, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run the command in the project's folder, with a home and temporary files of its own in this folder."""
    become_plain = os.getuid() == 0 and user == "plain"
    own = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), str(folder))
    if become_plain:
        os.chown(folder, PLAIN, PLAIN)
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=timeout,
        preexec_fn=be_plain if become_plain else None,
    )


def be_plain() -> None:
    """Become a plain user, who can read Python's files even where root keeps them in its own folder."""
    calls.unshare("mount")
    calls.mount("", "/", 0x4000 | 0x40000)
    prefix = os.path.realpath(sys.base_prefix)
    closed = [str(path) for path in reversed(Path(prefix).parents) if not path.stat().st_mode & 1]
    if closed:
        shown = tempfile.mkdtemp(dir="/var/tmp")
        calls.bind_read_only(prefix, shown)
        calls.mount("tmpfs", closed[0], 0, "mode=0755")
        os.makedirs(prefix)
        calls.bind_read_only(shown, prefix)
        calls.detach(shown)
        os.rmdir(shown)
    os.setgroups([])
    os.setresgid(PLAIN, PLAIN, PLAIN)
    os.setresuid(PLAIN, PLAIN, PLAIN)

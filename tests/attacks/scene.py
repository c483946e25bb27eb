"""What an attack is after, laid out on the host, and how to see from outside whether the attack got it."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

__all__ = ["Scene"]


@dataclass
class Scene:
    """Baits: files, processes, sockets and variables that belong to others on the same machine.

    All of them are the user's own, as on an instructor's machine, so that nothing but the isolation protects them.
    """

    token: str = field(default_factory=lambda: "bait" + secrets.token_hex(8))
    """Stands in every secret. Whoever prints it has read one."""
    mark: str = field(default_factory=lambda: "mark" + secrets.token_hex(8))
    """Every process and file that an attack leaves behind has it in its name."""
    evidence: str = ""
    """What the grader took home of the last run."""
    base: Path = field(init=False)

    def __post_init__(self) -> None:
        # Not where runs happen: that folder is to be empty afterwards.
        self.base = Path(tempfile.mkdtemp(prefix="bait-", dir="/var/tmp"))
        for name in ("submissions/other.ipynb", "reference/solution.ipynb", "results.sqlite", "home/.netrc"):
            path = self.base / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(self.token, encoding="utf-8")
        (self.base / "store").mkdir()
        self.key = "5" + secrets.token_hex(3)
        os.environ["GRADER_SECRET"] = self.token
        code = "import time\ntoken = input()\nprint(hex(id(token)), flush=True)\ntime.sleep(900)"
        sleep = [sys.executable, "-c", code]
        self._victim = subprocess.Popen(sleep, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._victim.stdin is not None and self._victim.stdout is not None
        self._victim.stdin.write(self.token + "\n")
        self._victim.stdin.flush()
        self.address = int(self._victim.stdout.readline(), 16)
        self._sockets = {
            "tcp": self._bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            "udp": self._bound(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            "unix": self._bound(socket.AF_UNIX, socket.SOCK_STREAM, str(self.base / "socket")),
            "datagram": self._bound(socket.AF_UNIX, socket.SOCK_DGRAM, str(self.base / "datagrams")),
            "abstract": self._bound(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + self.mark),
        }
        with contextlib.suppress(OSError):  # Without IPv6 there is nothing to reach.
            self._sockets["tcp6"] = self._bound(socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0))

    @property
    def assignment(self) -> Path:
        """A folder for the assignment, which is nobody's secret."""
        return self.base.with_name(f"{self.base.name}-a")

    def _bound(self, family: int, kind: int, address: object) -> socket.socket:
        bound = socket.socket(family, kind)
        bound.bind(address)  # type: ignore[arg-type]
        bound.setblocking(False)
        if kind == socket.SOCK_STREAM:
            bound.listen()
        return bound

    def fill_in(self, code: str) -> str:
        """The code of an attack, with the names of this scene in it."""
        ports = {}
        for name in ("tcp", "udp", "tcp6"):
            if name in self._sockets:
                ports[name] = str(self._sockets[name].getsockname()[1])
        names = {
            "BASE": str(self.base),
            "MARK": self.mark,
            "VICTIM": str(self._victim.pid),
            "ADDRESS": str(self.address),
            "LENGTH": str(len(self.token)),
            "GRADER": str(os.getpid()),
            "KEY": self.key,
            "TCP6": ports.get("tcp6", "1"),
            "TCP": ports["tcp"],
            "UDP": ports["udp"],
        }
        for name, value in names.items():
            code = code.replace(f"${name}", value)
        return code

    def read(self, output: str) -> bool:
        """Whether a secret was read."""
        return self.token in output

    def changed(self) -> bool:
        """Whether a file of somebody else's is not what it was."""
        files = [path for path in self.base.rglob("*") if path.is_file() and self.mark not in path.name]
        return len(files) != 4 or any(path.read_text(encoding="utf-8") != self.token for path in files)

    def reached(self, name: str) -> bool:
        """Whether somebody came to this socket."""
        bound = self._sockets.get(name)
        if bound is None:
            return False
        try:
            if bound.type == socket.SOCK_STREAM:
                bound.accept()[0].close()
            else:
                bound.recv(100)
        except BlockingIOError:
            return False
        return True

    def left(self, word: str) -> bool:
        """Whether what this attack wanted to leave is still there."""
        return any(found.endswith(f"{self.mark}-{word}") for found in self.left_behind())

    def shared(self) -> bool:
        """Whether there is System V shared memory under this scene's key."""
        lines = Path("/proc/sysvipc/shm").read_text(encoding="utf-8").splitlines()
        found = [line.split()[1] for line in lines[1:] if int(line.split()[0]) == int(self.key, 16)]
        for number in found:
            subprocess.run(["ipcrm", "-m", number], check=True)
        return bool(found)

    def hurt(self) -> bool:
        """Whether the victim is dead or stopped."""
        return self._victim.poll() is not None or psutil.Process(self._victim.pid).status() == psutil.STATUS_STOPPED

    def left_behind(self) -> list[str]:
        """What carries the mark and is still there: processes, and files where all may write."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            if any(self.mark in word for word in process.info["cmdline"] or ()):
                found += [word for word in process.info["cmdline"] if self.mark in word]
        for folder in ("/tmp", "/var/tmp", "/dev/shm", str(self.base)):
            found += [str(path) for path in Path(folder).glob(f"*{self.mark}*")]
        return found

    def clear(self) -> None:
        """Take away what an attack did leave behind, so that it does not count against the next one."""
        for process in psutil.process_iter(["cmdline"]):
            if any(self.mark in word for word in process.info["cmdline"] or ()):
                process.kill()
        for path in self.left_behind():
            if path.startswith("/"):
                Path(path).unlink()
        for name in self._sockets:
            while self.reached(name):
                pass
        with contextlib.suppress(ProcessLookupError):  # Where nothing protects it, it is dead.
            os.kill(self._victim.pid, signal.SIGCONT)

    def close(self) -> None:
        """Take the scene away."""
        self.clear()
        self._victim.kill()
        self._victim.communicate()
        for bound in self._sockets.values():
            bound.close()
        os.environ.pop("GRADER_SECRET")
        shutil.rmtree(self.base)
        shutil.rmtree(self.assignment, ignore_errors=True)


def wait_until_gone(scene: Scene, seconds: float = 5.0) -> list[str]:
    """What is left behind once what is ending has had the time to end."""
    deadline = time.monotonic() + seconds
    while (left := scene.left_behind()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left

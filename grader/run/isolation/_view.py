"""The tree of files that a kernel in namespaces sees, put together in a mount namespace of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from grader.run.isolation import _calls as calls
from grader.run.isolation._base import Places, Sandbox

__all__ = ["assemble", "python_folders", "secret_folders", "system_paths"]

MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_RDONLY, MS_REC, MS_PRIVATE = 2, 4, 8, 1, 0x4000, 0x40000
EVIDENCE_BYTES = 4 * 10**9
"""Most that the recorder may write; it lies in memory. Twelve times the weights of the largest usual base."""
EVIDENCE_FILES = 10_000
INBOX_BYTES = 2 * 10**9
SOCKETS_BYTES = 4 * 2**20
"""Sockets take none of it: the kernel's own log is here."""
SKELETON_BYTES = 16 * 2**20

DEVICES = ("null", "zero", "full", "random", "urandom")
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "alternatives", "fonts", "mime.types")
"""Of `/etc`: what programs need to run."""
PROCESSORS = "/sys/devices/system/cpu"
MASKED = ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sysrq-trigger")


def system_paths() -> list[str]:
    """What of the system a kernel may read."""
    wanted = (*SYSTEM, *(f"/etc/{name}" for name in SETTINGS), PROCESSORS)
    return [path for path in wanted if os.path.exists(path)]


def python_folders() -> list[str]:
    """What of Python and its packages a kernel may read: no more of an environment than it consists of.

    An environment may have been made in the very folder that submissions lie in.
    """
    prefixes = dict.fromkeys((sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix))
    paths = [
        os.path.join(prefix, part)
        for prefix in prefixes
        for part in ("bin", "lib", "lib64", "include", "share", "etc", "pyvenv.cfg")
    ]
    # Packages elsewhere: a user's own. A project that is worked on (an editable install) is not to be seen whole.
    paths += [path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")]
    paths.append(str(package_folder()))
    paths += [os.path.dirname(os.path.realpath(sys.executable))]
    with_targets = [form for path in paths for form in (path, os.path.realpath(path))]
    return [path for path in dict.fromkeys(with_targets) if os.path.exists(path)]


def package_folder() -> Path:
    """The grader's own package, which the recorder is a part of."""
    return Path(__file__).resolve().parents[2]


def secret_folders() -> list[str]:
    """Folders below those that hold what no kernel may read: the assignments that come with the grader."""
    bundled = package_folder() / "_assignments"
    return [str(bundled)] if bundled.is_dir() else []


def outermost(paths: list[str]) -> Iterator[str]:
    """The paths that do not lie below another one, shortest first."""
    chosen: list[str] = []
    for path in sorted(dict.fromkeys(paths), key=len):
        if not any(path.startswith(f"{other}/") for other in chosen):
            chosen.append(path)
            yield path


def assemble(sandbox: Sandbox, places: Places, owner: int) -> list[int]:
    """Build the tree and make it the root. Called by the first process of a process namespace.

    Returns:
        Open folders, for those outside: the sockets, the inbox, the evidence, and what may be written at all.
    """
    root = sandbox.root
    calls.mount("", "/", MS_REC | MS_PRIVATE)
    tmpfs(root, SKELETON_BYTES, 10_000, "mode=0755")
    opened = writable(root, sandbox, places, owner, files_size(sandbox.files))
    sandbox.fill(root + places.work, root + places.home)
    give(root + places.work, owner)
    give(root + places.home, owner)
    system(root, owner)
    for path in outermost([*system_paths(), *python_folders()]):
        show(root, path, path)
    for path in secret_folders():
        tmpfs(root + path, 4096, 2, "mode=0555", MS_RDONLY)
    if os.path.isdir(sandbox.weights):
        show(root, sandbox.weights, places.weights)
    calls.pivot_into(root)
    calls.make_read_only("/")
    return opened


def tmpfs(target: str, size: int, inodes: int, options: str, flags: int = 0) -> None:
    """Memory that files can be written to, so much and no more."""
    os.makedirs(target, exist_ok=True)
    calls.mount("tmpfs", target, MS_NOSUID | MS_NODEV | flags, f"size={size},nr_inodes={inodes},{options}")


def files_size(files: tuple[tuple[str, str], ...]) -> tuple[int, int]:
    """Bytes (in whole pages) and number of the files that the work folder begins with."""
    total, count = 0, 0
    for source, _ in files:
        for path in (source, *(entry for entry in _below(source))):
            count += 1
            total += -(-os.path.getsize(path) // 4096) * 4096 if os.path.isfile(path) else 4096
    return total, count


def _below(folder: str) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        yield from (os.path.join(parent, name) for name in (*folders, *names))


def writable(root: str, sandbox: Sandbox, places: Places, owner: int, given: tuple[int, int]) -> list[int]:
    """Everything that the kernel may write to, and the inbox, which only the grader may."""
    own = f"uid={owner},gid={owner},mode=0700"
    storage = root + "/storage"
    size, inodes = sandbox.disk + given[0], sandbox.inodes + given[1] + 100
    # One bound for all: it does not matter where a notebook writes.
    tmpfs(storage, size, inodes, "mode=0755")
    for name, target in (("work", places.work), ("home", places.home), ("tmp", "/tmp"), ("shm", "/dev/shm")):
        os.mkdir(f"{storage}/{name}")
        os.makedirs(root + target, exist_ok=True)
        give(f"{storage}/{name}", owner)
        calls.bind_read_only(f"{storage}/{name}", root + target, writable=True)
    tmpfs(root + places.evidence, EVIDENCE_BYTES, EVIDENCE_FILES, own)
    tmpfs(root + places.sockets, SOCKETS_BYTES, 100, own)
    inbox = root + "/inbox"
    tmpfs(inbox, INBOX_BYTES, EVIDENCE_FILES, "mode=0755")
    os.makedirs(root + places.inbox)
    calls.bind_read_only(inbox, root + places.inbox)
    opened = [
        os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        for path in (root + places.sockets, inbox, root + places.evidence, storage)
    ]
    for path in (inbox, storage):
        calls.detach(path)
        os.rmdir(path)
    return opened


def give(path: str, owner: int) -> None:
    """Make a folder and all in it belong to this user."""
    for each in (path, *_below(path)):
        os.chown(each, owner, owner, follow_symlinks=False)


def show(root: str, source: str, target: str) -> None:
    """Let the kernel read this file or folder of the host; a link stays a link."""
    place = root + target
    os.makedirs(os.path.dirname(place), exist_ok=True)
    if os.path.islink(source) and source in SYSTEM:
        os.symlink(os.readlink(source), place)
        return
    if os.path.isdir(source):
        os.makedirs(place, exist_ok=True)
    else:
        with open(place, "ab"):
            pass
    calls.bind_read_only(source, place)


def system(root: str, owner: int) -> None:
    """Devices, processes, and who is who."""
    for name in DEVICES:
        place = f"{root}/dev/{name}"
        with open(place, "ab"):
            pass
        calls.bind_read_only(f"/dev/{name}", place, devices=True)
    for name, target in {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}.items():
        os.symlink(f"/proc/self/fd{target}", f"{root}/dev/{name}")
    os.mkdir(f"{root}/proc")
    calls.mount("proc", f"{root}/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY)
    for path in MASKED:
        if os.path.exists(root + path):
            calls.bind_read_only("/dev/null", root + path, devices=True)
    os.makedirs(f"{root}/etc", exist_ok=True)
    texts = {
        "hosts": "127.0.0.1 localhost grader\n::1 localhost\n",
        "passwd": f"student:x:{owner}:{owner}::/home/student:/bin/sh\n",
        "group": f"student:x:{owner}:\n",
    }
    for name, text in texts.items():
        Path(root, "etc", name).write_text(text, encoding="utf-8")

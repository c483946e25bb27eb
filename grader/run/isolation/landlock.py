"""A kernel that sees everybody's processes and the names of their files, but may open only what is its own.

For machines that refuse namespaces (many containers do): Landlock, which any process may ask for, bounds the files; a
filter of system calls takes the network and other people's programs away; the monitor ends whatever is left.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable, Iterator

from grader.run.isolation import _calls as calls
from grader.run.isolation._base import THREADS, Isolation, Places, Sandbox, first_to_go, limit_memory, reason
from grader.run.isolation._user import free_user, is_uncounted
from grader.run.isolation._view import python_folders, secret_folders, system_paths
from grader.run.isolation.bare import limit_files, limit_processes

__all__ = ["Landlock"]

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
MAKE_CHAR, MAKE_BLOCK = 1 << 6, 1 << 11
FILE_RIGHTS = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
"""Rights on files that came with each version of Landlock."""
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
FACTS = ("cpuinfo", "meminfo", "stat", "version", "uptime", "loadavg", "filesystems", "self/mounts")
READING = EXECUTE | READ_FILE | READ_DIR
TCP = 3
"""Binding and connecting; from version 4 on."""
ABSTRACT_SOCKETS, SIGNALS = 1, 2
"""What scopes keep within; from version 6 on."""
CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1


class Ruleset(ctypes.Structure):
    """`struct landlock_ruleset_attr`."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("files", "network", "scoped")]


class PathBeneath(ctypes.Structure):
    """`struct landlock_path_beneath_attr`."""

    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


class Landlock(Isolation):
    """The kernel's process under Landlock, with a filter of system calls."""

    name = "landlock"
    strength = 10
    summary = (
        "only its own files, no network, no word to other processes; it can see that they exist, and limits on"
        " what it writes are watched, not enforced"
    )
    caution = "Notebooks can see that files and processes exist; what they write is watched, not bounded."
    remedy = "Use Linux 5.13 or newer, with Landlock among its security modules (CONFIG_LSM or lsm=landlock,...)."

    def works(self) -> str:
        import sys

        if sys.platform != "linux":
            return "Landlock is Linux's"
        if calls.machine() not in calls.SUPPORTED:
            return f"no table of system calls for {calls.machine()}"
        try:
            return "" if version() >= 1 else "this kernel has no Landlock"
        except OSError as exc:
            return f"this kernel has no Landlock ({reason(exc)})"

    def places(self, sandbox: Sandbox) -> Places:
        return sandbox.host

    def spawn(self, sandbox: Sandbox, kernel: Callable[[], None], tell: Callable[..., None]) -> int:
        sandbox.fill(sandbox.host.work, sandbox.host.home)
        child = os.fork()
        if child == 0:
            try:
                confine(sandbox)
            except BaseException as exc:
                tell({"error": reason(exc)})
                os._exit(1)
            kernel()
        return child


def confine(sandbox: Sandbox) -> None:
    """Restrict this process for good."""
    from grader.run.isolation._seccomp import deny_system_calls

    first_to_go()
    limit_memory(sandbox.memory)
    limit_files(sandbox)
    if is_uncounted():
        be_counted(sandbox)
    else:
        limit_processes(sandbox.processes)
    calls.die_with_parent()
    calls.drop_bounding_set()
    calls.drop_capabilities()
    calls.set_dumpable(True)
    calls.forbid_new_privileges()
    restrict(sandbox)
    # Before version 6 of Landlock, signals reach everybody: then only its own process is left to it.
    deny_system_calls(others_too=True, signals_only_to=None if version() >= 6 else os.getpid())


def be_counted(sandbox: Sandbox) -> None:
    """Bound the processes of the machine's root, which Linux does not: count them as those of nobody else.

    Only the user that is counted changes. Files are still opened as root, because Python's may lie where nobody else
    gets to; Landlock bounds which, and the filter of system calls sees to it that there is no way back.

    Raises:
        OSError: this process may not do that, and a bomb of forks would go off.
    """
    import resource

    user = free_user()
    try:
        # Some libraries ask first whether they may write, and are told of the user that is counted.
        os.chmod(sandbox.root, 0o711)
        for top in own(sandbox):
            for folder, _, _ in os.walk(top):
                os.chmod(folder, 0o770)
                os.chown(folder, user, -1)
        os.setresuid(user, -1, -1)
    except PermissionError:
        user = 0
    if not user:
        raise PermissionError(errno.EPERM, "as root, which may not change its user here, processes cannot be bounded")
    most = sandbox.processes + THREADS
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))


def version() -> int:
    """Of Landlock in this kernel.

    Raises:
        OSError: there is none.
    """
    return calls.syscall("landlock_create_ruleset", 0, 0, CREATE_RULESET_VERSION, what="Landlock")


def restrict(sandbox: Sandbox) -> None:
    """Allow what the kernel needs of files, and nothing else."""
    has = version()
    every = 0
    for since, rights in FILE_RIGHTS.items():
        every |= rights if has >= since else 0
    wanted = Ruleset(every, TCP if has >= 4 else 0, ABSTRACT_SOCKETS | SIGNALS if has >= 6 else 0)
    size = 8 if has < 4 else 16 if has < 6 else 24
    ruleset = calls.syscall("landlock_create_ruleset", ctypes.byref(wanted), size, 0)
    for path in readable(sandbox):
        allow(ruleset, path, READING)
    for path in DEVICES:
        allow(ruleset, path, READ_FILE | WRITE_FILE)
    for path in own(sandbox):
        allow(ruleset, path, every & ~(MAKE_CHAR | MAKE_BLOCK))
    calls.syscall("landlock_restrict_self", ruleset, 0)
    os.close(ruleset)


def own(sandbox: Sandbox) -> list[str]:
    """Folders that the kernel may write to."""
    host = sandbox.host
    return [host.work, host.home, host.evidence, host.sockets]


def readable(sandbox: Sandbox) -> Iterator[str]:
    """Files and folders that the kernel may read."""
    facts = [f"/proc/{name}" for name in FACTS]
    secret = secret_folders()
    for path in [*system_paths(), *python_folders(), *facts, f"/proc/{os.getpid()}", sandbox.weights]:
        yield from without(path, secret)
    yield sandbox.host.inbox


def without(path: str, secret: list[str]) -> Iterator[str]:
    """The path, or, where something secret lies below it, all the entries on the way that do not lead there."""
    if path in secret:
        return
    if not any(hidden.startswith(f"{path}/") for hidden in secret):
        yield path
        return
    for name in os.listdir(path):
        yield from without(os.path.join(path, name), secret)


def allow(ruleset: int, path: str, rights: int) -> None:
    """Add a rule for this file, or for all below this folder."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # Not on this machine.
        return
    try:
        if not os.path.isdir(path):
            rights &= EXECUTE | READ_FILE | WRITE_FILE | FILE_RIGHTS[3]
        beneath = PathBeneath(rights, place)
        calls.syscall("landlock_add_rule", ruleset, RULE_PATH_BENEATH, ctypes.byref(beneath), 0)
    finally:
        os.close(place)

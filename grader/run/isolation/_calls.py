"""The system calls of Linux that Python has no names for. Importing this is harmless anywhere; calling needs Linux."""

from __future__ import annotations

import ctypes
import functools
import os
import platform
from typing import Any

__all__ = [
    "CLONE",
    "SUPPORTED",
    "bind_read_only",
    "detach",
    "die_with_parent",
    "drop_bounding_set",
    "drop_capabilities",
    "forbid_new_privileges",
    "machine",
    "make_read_only",
    "mount",
    "pivot_into",
    "prctl",
    "set_dumpable",
    "syscall",
    "unshare",
]

SUPPORTED = ("x86_64", "aarch64")
"""Machines whose numbers of system calls stand here."""

NUMBERS = {
    # name: (x86_64, aarch64)
    "pivot_root": (155, 41),
    "capset": (126, 91),
    "seccomp": (317, 277),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "mount_setattr": (442, 442),
    "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
}

CLONE = {
    "mount": 0x00020000,
    "cgroup": 0x02000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}
"""Kinds of namespaces, by the flags of `clone` and `unshare`."""

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAPBSET_DROP = 24
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
CAPABILITY_VERSION = 0x20080522
MOST_CAPABILITIES = 64

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000
OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC if hasattr(os, "O_CLOEXEC") else 0
MOVE_MOUNT_F_EMPTY_PATH = 4
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 1, 2, 4
MNT_DETACH = 2
SIGKILL = 9


@functools.cache
def libc() -> Any:
    """The C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


@functools.cache
def machine() -> str:
    """E.g. ``x86_64``."""
    return platform.machine()


def number(name: str) -> int:
    """Of this system call, on this machine."""
    return NUMBERS[name][SUPPORTED.index(machine())]


def checked(result: int, what: str) -> int:
    """The result, unless it says that the call failed.

    Raises:
        OSError: it does; its text begins with what was tried.
    """
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


def syscall(name: str, *arguments: Any, what: str = "") -> int:
    """Call by name.

    Raises:
        OSError: the call failed.
    """
    words = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return checked(libc().syscall(ctypes.c_long(number(name)), *words), what or name)


def prctl(option: int, *arguments: int) -> int:
    """`prctl`.

    Raises:
        OSError: the call failed.
    """
    words = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    return checked(libc().prctl(ctypes.c_int(option), *words), f"prctl {option}")


def die_with_parent() -> None:
    """Be killed as soon as the parent is gone. Lost whenever the user changes: to be said again then."""
    prctl(PR_SET_PDEATHSIG, SIGKILL)


def unshare(*kinds: str) -> None:
    """Leave these namespaces for new ones.

    Raises:
        OSError: refused.
    """
    flags = sum(CLONE[kind] for kind in kinds)
    checked(libc().unshare(ctypes.c_int(flags)), f"unshare {', '.join(kinds)}")


def mount(kind: str, target: str, flags: int = 0, options: str = "") -> None:
    """Mount a new file system of this kind; with an empty kind, change how the target is mounted.

    Raises:
        OSError: refused.
    """
    words = (kind.encode() or None, target.encode(), kind.encode() or None, ctypes.c_ulong(flags))
    checked(libc().mount(*words, options.encode() or None), f"mount {kind or 'private'} on {target}")


class MountAttributes(ctypes.Structure):
    """`struct mount_attr`."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


def bind_read_only(source: str, target: str, *, devices: bool = False, writable: bool = False) -> None:
    """Show the host's source, with all that is mounted below it, at the target: read-only, without set-user-id.

    Raises:
        OSError: refused.
    """
    flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE
    tree = syscall("open_tree", AT_FDCWD, source.encode(), flags, what=f"open_tree {source}")
    try:
        set_attributes(tree, (0 if writable else ATTR_RDONLY) | ATTR_NOSUID | (0 if devices else ATTR_NODEV))
        syscall("move_mount", tree, b"", AT_FDCWD, target.encode(), MOVE_MOUNT_F_EMPTY_PATH, what=f"mount {target}")
    finally:
        os.close(tree)


def set_attributes(tree: int, flags: int, recursive: bool = True) -> None:
    """Set attributes on the mounts of an open tree."""
    attributes = MountAttributes(set=flags)
    size = ctypes.sizeof(attributes)
    how = AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0)
    syscall("mount_setattr", tree, b"", how, ctypes.byref(attributes), size)


def make_read_only(path: str) -> None:
    """Let nothing be written to the file system that is mounted here; what is mounted below it stays as it is."""
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        set_attributes(place, ATTR_RDONLY, recursive=False)
    finally:
        os.close(place)


def detach(path: str) -> None:
    """Take what is mounted here out of the tree of files. What is open stays open."""
    checked(libc().umount2(path.encode(), ctypes.c_int(MNT_DETACH)), f"umount {path}")


def pivot_into(root: str) -> None:
    """Make this folder, on which something is mounted, the root of all files, and forget the old root."""
    os.chdir(root)
    # Onto itself: the old root then lies on top of the new one, and one step takes it away.
    syscall("pivot_root", b".", b".")
    detach(".")
    os.chdir("/")


def drop_bounding_set() -> None:
    """Let no program with file capabilities bring a privilege back. To be done before `drop_capabilities`."""
    for capability in range(MOST_CAPABILITIES):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:  # Not one that this kernel knows, or there is no privilege to lose.
            break


def drop_capabilities() -> None:
    """Give up every privilege."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    syscall("capset", header, (ctypes.c_uint32 * 6)())


def set_dumpable(yes: bool) -> None:
    """Whether others of the same user may look into this process."""
    prctl(PR_SET_DUMPABLE, int(yes))


def forbid_new_privileges() -> None:
    """Let no program, whatever its file says, have more privileges than this process."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)

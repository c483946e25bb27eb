"""A kernel in namespaces of its own: other files, processes and networks are not there at all.

    monitor ── init ── kernel

The init is the first process of a new process namespace: when it ends, for whatever reason, Linux kills all that is
left in there. Its tree of files is put together from nothing: memory that is bounded in bytes and files for what may
be written, and read-only views of the system, of Python and of the weights. As root the kernel runs as a user that
nobody else is; as a plain user, in a user namespace.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from grader.run.isolation import _calls as calls
from grader.run.isolation._base import THREADS, Isolation, Places, Sandbox, first_to_go, limit_memory, reason
from grader.run.isolation._user import free_user
from grader.run.isolation._view import assemble

__all__ = ["Namespaces"]

PLACES = Places(
    work="/submission",
    home="/home/student",
    evidence="/run/grader/evidence",
    inbox="/run/grader/inbox",
    sockets="/run/grader/sockets",
    weights="/run/grader/weights",
)
STUDENT = 1000
"""How a kernel that shares the grader's user is called inside."""


class Namespaces(Isolation):
    """The kernel's process in new namespaces, with a filter of system calls."""

    name = "namespaces"
    strength = 20
    strict = True
    hides = True
    summary = "a file system, processes and network of its own; a filter of system calls; limits on all it uses"
    remedy = (
        "Use Linux 5.12 or newer; as a plain user, allow user namespaces"
        " (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0,"
        " user.max_user_namespaces above 0); in a container, allow it to make namespaces."
    )

    def works(self) -> str:
        import sys

        if sys.platform != "linux":
            return "namespaces are Linux's"
        return "" if calls.machine() in calls.SUPPORTED else f"no table of system calls for {calls.machine()}"

    def places(self, sandbox: Sandbox) -> Places:
        return PLACES

    def spawn(self, sandbox: Sandbox, kernel: Callable[[], None], tell: Callable[..., None]) -> int:
        user = free_user()
        outer, group = os.geteuid(), os.getegid()
        kinds = ["pid"] if user else ["user", "pid"]
        calls.unshare(*kinds)
        if not user:
            map_user(outer, group)
        # Both ends of a pipe that only the monitor and its child hold: closed where the monitor was killed meanwhile.
        go, going = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(going)
            init(sandbox, user, kernel, tell, go)
        os.close(go)
        os.write(going, b"!")
        os.close(going)
        return child


def map_user(user: int, group: int) -> None:
    """Be a plain user in the new user namespace, and the same as before outside."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{STUDENT} {user} 1"), ("gid_map", f"{STUDENT} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def init(sandbox: Sandbox, user: int, kernel: Callable[[], None], tell: Callable[..., None], go: int) -> None:
    """The first process inside: puts up the walls, forks the kernel and waits for its end. Never returns."""
    try:
        calls.die_with_parent()
        first_to_go()
        calls.unshare("mount", "net", "ipc", "uts", "cgroup")
        socket.sethostname("grader")
        owner = user or STUDENT
        tell({"opened": ["sockets", "inbox", "evidence", "storage"]}, files=assemble(sandbox, PLACES, owner))
        become(owner, changing=bool(user))
        calls.die_with_parent()
        if os.read(go, 1) != b"!":
            os._exit(1)
        os.close(go)
        limit(sandbox)
        from grader.run.isolation._seccomp import deny_system_calls

        deny_system_calls(others_too=False)
        # The kernel may not look into the init, although it is the same user.
        calls.set_dumpable(False)
        child = os.fork()
        if child == 0:
            calls.set_dumpable(True)
            kernel()
        while True:
            ended, status = os.wait()
            if ended == child:
                break
        tell({"ended": status})
    except BaseException as exc:
        tell({"error": reason(exc)})
    finally:
        os._exit(0)


def become(user: int, changing: bool) -> None:
    """Give up all privileges, and be this user from now on."""
    calls.drop_bounding_set()
    if changing:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    calls.drop_capabilities()
    # Changing the user made it a secret to itself.
    calls.set_dumpable(True)


def limit(sandbox: Sandbox) -> None:
    """What Linux itself bounds."""
    import resource

    limit_memory(sandbox.memory)
    most = sandbox.processes + THREADS
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))

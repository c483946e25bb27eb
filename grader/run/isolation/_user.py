"""Users of a machine that are nobody: Linux counts processes by user, and root's not at all."""

from __future__ import annotations

import os

__all__ = ["free_user", "is_uncounted"]

FIRST_USER = 1_900_000_000
"""Users from here on are nobody: each process's number added gives its kernel one of its own."""


def free_user() -> int:
    """A user that nobody else is; 0 where this process may not become another one."""
    if os.geteuid() != 0:
        return 0
    spans = mapped()
    with open("/proc/self/setgroups") as file:
        may_change = file.read().strip() == "allow"
    wanted = FIRST_USER + os.getpid()
    if not may_change:
        return 0
    if any(first <= wanted < first + count for first, _, count in spans):
        return wanted
    first, _, count = max(spans, key=lambda span: span[2])
    # A container with fewer users: the last ones are nobody there.
    return first + count - 1 - os.getpid() % (count // 2) if count > 60_000 else 0


def is_uncounted() -> bool:
    """Whether this process is the machine's own root, whose processes Linux does not bound; a container's may be."""
    return os.getuid() == 0 and any((first, outer) == (0, 0) for first, outer, _ in mapped())


def mapped() -> list[tuple[int, ...]]:
    """Spans of users that there are: the first one, what it is called outside, how many."""
    with open("/proc/self/uid_map") as file:
        return [tuple(map(int, line.split())) for line in file]

"""How many notebooks this machine can run at a time."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

__all__ = ["cores", "default_jobs", "free_memory"]

WORKER = 10**9
"""Bytes that a worker takes: its own process, and a kernel that trains in full (0.9 GB were measured; 0.5 bounded)."""
RESERVE = 1.75 * 10**9
"""Bytes for the grader itself, the zygote with TensorFlow that its workers share (0.75 GB), and whatever else runs."""
LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
"""Where a container's own limit is told, and what it uses."""
QUOTA = Path("/sys/fs/cgroup/cpu.max")


def default_jobs() -> int:
    """As many as there are cores for, and memory; at least one."""
    return max(1, min(cores(), int((free_memory() - RESERVE) // WORKER)))


def cores() -> int:
    """Cores that this process may use: not all of the machine's, in a container or a batch job."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = read(QUOTA).split()
    if len(quota) == 2 and all(part.isdigit() for part in quota):
        allowed = min(allowed, -(-int(quota[0]) // int(quota[1])))
    return max(1, allowed)


def free_memory() -> float:
    """Bytes that can still be had."""
    free = float(psutil.virtual_memory().available)
    for limit, used in LIMITS:
        most, now = read(Path(limit)).strip(), read(Path(used)).strip()
        if most.isdigit() and now.isdigit():
            free = min(free, float(int(most) - int(now)))
    return free


def read(path: Path) -> str:
    """A small file of the system's; empty where there is none."""
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""

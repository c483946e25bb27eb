"""Trying out which tiers work on this machine: `python -m grader.run.isolation._trial all|strongest`.

A process of its own, so that it may fork however many threads the grader has. Each tier is really put up, around
a program that looks whether it holds and whether Python still works in there.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import tempfile
from typing import Any

from grader.run.isolation._base import Isolation, Places, Sandbox
from grader.run.isolation._found import tier_named, tiers
from grader.run.isolation._monitor import Monitor, receive

__all__ = ["obstacle", "rehearse"]

FAULTS = {
    2: "Python's own files cannot be read inside",
    3: "the work folder cannot be written inside",
    4: "sockets of the internet can still be made inside",
    5: "the files of other users can still be read inside",
    6: "other processes can still be seen inside",
}


def obstacle(tier: Isolation) -> str:
    """Why this tier does not work here; empty where it does."""
    reason = tier.works()
    if reason or tier.strength == 0:
        return reason
    root = tempfile.mkdtemp(prefix="grader-")
    try:
        return enact(tier, os.path.realpath(root))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def enact(tier: Isolation, root: str) -> str:
    """Put the tier up and have a program run in it."""
    sandbox = Sandbox(
        tier=tier.name, root=root, files=(), weights="", fonts="", memory=10**9, processes=16, disk=10**6, inodes=100
    )
    for folder in ("work", "home", "evidence", "inbox", "sockets"):
        os.mkdir(os.path.join(root, folder))
    request = {"sandbox": sandbox.to_json(), "env": dict(os.environ), "log": ""}
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = os.fork()
    if child == 0:
        ours.close()
        Monitor(theirs, request, rehearse).run()
    theirs.close()
    begun, files, _ = receive(ours)
    for file in files:
        os.close(file)
    ended = {} if "error" in begun else receive(ours)[0]
    ours.close()
    os.waitpid(child, 0)
    if "error" in begun or "ended" not in ended:
        return str(begun.get("error", "it ended before it began"))
    status = os.waitstatus_to_exitcode(ended["ended"])
    return FAULTS.get(status, f"its first program ended with status {status}") if status else ""


def rehearse(request: dict[str, Any]) -> None:
    """What runs inside: leaves with the number of a fault, or with 0."""
    sandbox = Sandbox.from_json(request["sandbox"])
    tier = tier_named(sandbox.tier)
    sys.exit(find_fault(tier, tier.places(sandbox)))


def find_fault(tier: Isolation, places: Places) -> int:
    """The number of what is wrong inside; 0: nothing."""
    import ast
    import json.decoder

    try:
        for module in (ast, json.decoder):
            with open(str(module.__file__), "rb") as source:
                source.read()
        os.listdir(os.path.dirname(os.__file__))
    except OSError:
        return 2
    try:
        for folder in (places.work, places.home, places.evidence, places.sockets):
            with open(os.path.join(folder, "trial"), "w") as file:
                file.write("x")
    except OSError:
        return 3
    try:
        socket.socket(socket.AF_INET).close()
        return 4
    except OSError:
        pass
    if any(_readable(path) for path in ("/etc/shadow", "/etc/machine-id", "/proc/1/environ")):
        return 5
    return 6 if tier.strict and os.getppid() != 1 else 0


def _readable(path: str) -> bool:
    try:
        with open(path, "rb"):
            return True
    except OSError:
        return False


def main(which: str) -> None:
    """Print the obstacle of each tier as JSON.

    Args:
        which: ``all``, or ``strongest`` for none below the strongest that works.
    """
    found: dict[str, str] = {}
    for tier in tiers():
        found[tier.name] = obstacle(tier)
        if which == "strongest" and not found[tier.name]:
            break
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The child that measures, behind the same walls as a kernel: its code is the grader's, but what it reads is not."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from grader.child import python_module
from grader.errors import KernelError
from grader.run.enclosure import Enclosure
from grader.run.environment import kernel_environment
from grader.run.isolation import Sandbox, choose
from grader.run.kernel import KernelStarter
from grader.run.kernel.monitored import begin
from grader.run.limits import members_of, memory_of
from grader.run.workspace import workspace

__all__ = ["Answered", "run_replay"]

SECONDS = 120.0
"""Wall time that a replay may take; MobileNetV2 takes a few seconds."""
MEMORY = 4 * 10**9
DISK = 10**8
"""Beyond what it is given."""
PERIOD = 0.05
LOOK = 10
"""Periods between two looks at the memory."""
FOLDER = "replay"


@dataclass(frozen=True)
class Answered:
    """How it went.

    Args:
        folder: with what the child wrote.
        died: how it ended, as the end of a sentence, where it did not end well.
    """

    folder: Path
    died: str = ""


def run_replay(given: Path, target: Path, flavour: str, starter: KernelStarter, isolation: str) -> Answered:
    """Have a child measure what the request in a folder asks for.

    Args:
        given: the folder with the request; not within a folder that `workspace` makes for the child.
        target: folder to bring the answers to.

    Raises:
        KernelError: no child could be started.
    """
    with workspace() as folders:
        tier = choose(isolation).tier
        sandbox = Sandbox(
            tier=tier.name,
            root=str(folders.root),
            files=((str(given), FOLDER),),
            weights="",
            fonts="",
            memory=MEMORY,
            processes=1,
            disk=DISK,
            inodes=1000,
        )
        enclosure = Enclosure(tier, sandbox)
        with contextlib.closing(enclosure):
            run = monitored if sys.platform == "linux" else alone
            died = run(enclosure, flavour, starter)
            enclosure.take_home(target)
    return Answered(target, died)


def monitored(enclosure: Enclosure, flavour: str, starter: KernelStarter) -> str:
    """Through a monitor, forked or new; how it ended, empty where it ended well."""
    environment = kernel_environment(enclosure.places.home, flavour, "bounded")
    request = {
        "sandbox": enclosure.sandbox.to_json(),
        "replay": {"flavour": flavour, **folders_of(enclosure)},
        "env": environment,
        "log": enclosure.log,
    }
    with (Path(enclosure.sandbox.root) / "kernel.log").open("wb") as log:
        process = begin(enclosure, request, starter.launch(flavour, environment), log.fileno())
    deadline, looks = time.monotonic() + SECONDS, 0
    ended = ""
    try:
        while process.poll() is None:
            if time.monotonic() > deadline:
                ended = f"it took longer than {SECONDS:.0f} s"
                break
            looks += 1
            if looks % LOOK == 0 and memory_of(members_of(SimpleNamespace(process=process))) > MEMORY:
                ended = f"it took more than {MEMORY / 1e9:.0f} GB of memory"
                break
            time.sleep(PERIOD)
    finally:
        process.kill()
        while process.poll() is None:
            time.sleep(PERIOD)
    return ended or how_it_ended(process.returncode, enclosure.last_words())


def alone(enclosure: Enclosure, flavour: str, starter: KernelStarter) -> str:
    """As a child of the grader's, where there are no monitors."""
    places = enclosure.places
    enclosure.sandbox.fill(places.work, places.home)
    command = python_module("grader.run.replay.child", *folders_of(enclosure).values())
    environment = kernel_environment(places.home, flavour, "bounded")
    with (Path(places.sockets) / "log").open("wb") as log:
        try:
            done = subprocess.run(
                command, env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=SECONDS
            )
        except subprocess.TimeoutExpired:
            return f"it took longer than {SECONDS:.0f} s"
        except OSError as exc:
            raise KernelError(f"A model could not be replayed: {exc.strerror}.") from exc
    return how_it_ended(done.returncode, enclosure.last_words())


def folders_of(enclosure: Enclosure) -> dict[str, Any]:
    """What the child reads and writes."""
    places = enclosure.places
    return {"folder": f"{places.work}/{FOLDER}", "target": places.evidence}


def how_it_ended(status: int | None, words: str) -> str:
    """Empty where it ended well."""
    if status == 0:
        return ""
    how = f"it was killed by signal {-status}" if status is not None and status < 0 else f"it ended with {status}"
    return f"{how}: {words[:200]}" if words else how

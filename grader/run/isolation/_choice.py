"""Which tier a run gets: the strongest that works here, as far as `--isolation` allows."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from grader.child import python_module
from grader.errors import IsolationError
from grader.run.isolation._base import Isolation
from grader.run.isolation._found import tiers

__all__ = ["Chosen", "Mode", "choose", "obstacles"]

Mode = Literal["auto", "strict", "none"]
"""What a person may ask for."""
PATIENCE = 60
"""Seconds that trying all tiers may take; it takes a fraction of one."""


@dataclass(frozen=True)
class Chosen:
    """What `choose` came to.

    Args:
        tier: the isolation that runs get.
        warning: what somebody should know who did not ask for less than there could be; empty: nothing.
    """

    tier: Isolation
    warning: str = ""


@functools.cache
def obstacles(which: Literal["all", "strongest"] = "all") -> Mapping[str, str]:
    """Why each tier does not work on this machine, by name; empty where it does. Tried once in a process.

    Args:
        which: all tiers, or none below the strongest that works.
    """
    if sys.platform != "linux":
        return {tier.name: tier.works() for tier in tiers()}
    trial = python_module("grader.run.isolation._trial", which)
    try:
        tried = subprocess.run(
            trial, cwd="/", capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL
        )
        found: dict[str, str] = json.loads(tried.stdout)
    except (subprocess.TimeoutExpired, ValueError, OSError) as exc:
        return {tier.name: "" if tier.strength == 0 else f"trying it failed: {exc}" for tier in tiers()}
    return found


def choose(mode: str = "auto") -> Chosen:
    """The tier for this mode (`Mode`), or the one of this name.

    Raises:
        IsolationError: what was asked for cannot be had.
    """
    if mode == "none":
        return Chosen(tiers()[-1])
    named = [tier for tier in tiers() if tier.name == mode]
    if named:
        obstacle = obstacles()[mode]
        if obstacle:
            raise IsolationError(f"isolation {mode} does not work here ({obstacle}).", named[0].remedy)
        return Chosen(named[0])
    found = obstacles("strongest")
    tier = next(tier for tier in tiers() if not found.get(tier.name, "not tried"))
    if tier.strict:
        return Chosen(tier)
    missing = next(other for other in tiers() if other.strict)
    why = f"{missing.name} do not work here ({found[missing.name]})"
    if mode == "strict":
        raise IsolationError(
            f"--isolation strict: {why}.", f"{missing.remedy} Or trust the notebooks and say --isolation auto."
        )
    return Chosen(tier, f"isolation is only {tier.name}: {why}. {tier.caution}")

"""Which part each stretch of training plays in the rubric."""

from __future__ import annotations

from typing import Literal

from grader.examine.arrays import Snapshots
from grader.examine.stretches import Stretch

__all__ = ["Role", "assign_roles"]

Role = Literal["head", "fine-tuning", "other"]


def assign_roles(groups: list[list[Stretch]], snapshots: Snapshots) -> list[Role]:
    """Which group is the training of the head, and which the fine-tuning.

    Fine-tuning is the last group in which anything of the base was to be trained, if something was trained before
    it; where the base never was, the last group that goes on with an earlier one's model. A group that broke off
    before its first step plays a part only where no other can.
    """
    roles: list[Role] = ["other"] * len(groups)
    if not groups:
        return roles
    ran = [index for index, group in enumerate(groups) if any(stretch.ran(snapshots) for stretch in group)]
    tunes = [index for index, group in enumerate(groups) if tunes_base(group)]
    tuning = latest([index for index in tunes if index], ran)
    if tuning is None and groups[-1][0].event.model in {group[0].event.model for group in groups[:-1]}:
        tuning = latest(range(1, len(groups)), ran)
    if tuning is None:
        roles[latest(range(len(groups)), ran) or 0] = "head"
        return roles
    roles[tuning] = "fine-tuning"
    roles[latest([index for index in range(tuning) if index not in tunes], ran) or 0] = "head"
    return roles


def tunes_base(group: list[Stretch]) -> bool:
    """Whether anything of the base was to be trained: by what was compiled, or by what was said."""
    return bool(group[0].base.indices(group[0].trainable | group[0].flagged))


def latest(candidates: range | list[int], preferred: list[int]) -> int | None:
    """The last candidate among the preferred ones, else the last one at all; None where there is none."""
    return max((index for index in candidates if index in preferred), default=max(candidates, default=None))

"""Keeping a submission's process to itself: one file a tier, one interface, chosen by trying."""

from grader.run.isolation._base import Isolation, Places, Sandbox
from grader.run.isolation._choice import Chosen, Mode, choose, obstacles
from grader.run.isolation._found import tiers

__all__ = ["Chosen", "Isolation", "Mode", "Places", "Sandbox", "choose", "obstacles", "tiers"]

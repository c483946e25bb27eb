"""What an assignment can ask of a submission: one file a check, found by being here.

Checks are pure functions of `Evidence`; they import no TensorFlow and touch no file. `_base` holds the contract.
"""

from grader.checks._base import Check
from grader.checks._explain import explain
from grader.checks._registry import all_checks, build_checks, find_check
from grader.checks._run import run_checks

__all__ = ["Check", "all_checks", "build_checks", "explain", "find_check", "run_checks"]

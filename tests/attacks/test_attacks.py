"""What attacks get in each tier that this machine offers, as root and as a plain user. `make attacks` shows it all."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.table import attacked, offered
from tests.attacks.users import TIERS, USERS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the tiers with walls are Linux's")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that a plain user can reach; pytest's own are root's."""
    path = Path(tempfile.mkdtemp(prefix="attacks-", dir="/var/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


CASES = [(user, tier) for user in USERS for tier in TIERS[user]]


@pytest.mark.parametrize(("user", "tier"), CASES, ids=lambda value: value)
def test_no_attack_gets_further_than_the_tier_says(user: str, tier: str, folder: Path) -> None:
    if tier not in offered():
        pytest.skip(f"this machine offers no {tier}")
    # Every one of them where it is cheap to look; `make attacks` looks everywhere.
    every = (user, tier) == (USERS[0], "namespaces")
    results = attacked(user, tier, folder, endings=None if every else FEW)
    assert len(results) >= 60
    unexpected = [result for result in results if result.came_of_it == "not stopped" and not result.known]
    assert unexpected == []
    if tier == "namespaces":
        assert [result for result in results if result.came_of_it == "not stopped"] == []


FEW = ("memory in small steps", "fill the disk", "flood of output", "sys.exit", "kill the parent")

"""What attacks get in each tier that this machine offers, as root and as a plain user. `make attacks` shows it all."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.endings import ENDINGS
from tests.attacks.files import unpack
from tests.attacks.lies import GROUPS, Group
from tests.attacks.run import Field, lie
from tests.attacks.scene import Scene
from tests.attacks.table import attacked, offered
from tests.attacks.users import TIERS, USERS
from tests.notebooks import KERNELS

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
    # Every one of them in one tier, in the others what they stop in ways of their own; `make attacks` looks everywhere.
    every = (user, tier) == (USERS[0], "namespaces")
    endings = [ending.name for ending in ENDINGS] if every else FEW
    if (user, tier) == ("root", "landlock"):
        endings = [*FEW, "fork bomb"]
    results = attacked(user, tier, folder, endings)
    assert len(results) >= 65
    unexpected = [result for result in results if result.came_of_it == "not stopped" and not result.known]
    assert unexpected == []
    if tier == "namespaces":
        assert [result for result in results if result.came_of_it == "not stopped"] == []


FEW = ["memory in small steps", "fill the disk", "kill the parent"]


def test_nothing_that_is_handed_in_is_a_bomb() -> None:
    assert [outcome for outcome in unpack() if outcome.came_of_it != "stopped"] == []


@pytest.mark.parametrize("group", GROUPS[1:], ids=lambda group: group.name)
def test_no_forged_or_spoilt_log_is_believed(group: Group, folder: Path) -> None:
    scene = Scene()
    try:
        outcomes = lie(Field("auto", scene, KERNELS), group)
    finally:
        scene.close()
    assert [outcome for outcome in outcomes if outcome.came_of_it != "stopped"] == []

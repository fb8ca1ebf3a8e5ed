"""A clock that is a day off: at the registry, or at the checker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from registry.anchoring.domain import Waiting, WriteState
from registry.bodies.errors import NoSigningKeyError
from tests.support.fault_ground import Founded, Grounds
from verifier.checks.verdict import Overall

pytestmark = [pytest.mark.chain, pytest.mark.xdist_group("faults")]

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def ageing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Founded]:
    """A chain whose time these tests move on."""
    made = Founded(tmp_path_factory.mktemp("ageing"))
    yield made
    made.end()


def test_registry_ahead(grounds: Grounds, ageing: Founded) -> None:
    """Anchored at once, they would be dated after their anchor and never be valid."""
    ground = grounds(ageing, lead=DAY)
    ground.issue("AHEAD-1", "AHEAD-2")
    with ground.worker() as worker:
        assert worker.round(flush=True).waiting == {1: Waiting.DATED_AHEAD}
    ground.lead = timedelta(0)  # somebody sets the clock
    with ground.worker() as worker:
        ground.live.mine()
        assert worker.round().waiting == {1: Waiting.DATED_AHEAD}
    assert ground.state() is WriteState.SEALED
    assert ground.verdicts() == {Overall.CANNOT_CONFIRM}

    ageing.pass_time(DAY)
    ground.finish()
    ground.assert_whole()


def test_registry_behind(grounds: Grounds, ageing: Founded) -> None:
    ground = grounds(ageing, lead=-(ageing.passed + DAY))
    with pytest.raises(NoSigningKeyError):  # there were no keys then
        ground.issue("BEHIND-1")
    ageing.pass_time(DAY)
    ground.lead = -DAY
    ground.issue("BEHIND-2")
    ground.finish()
    ground.assert_whole()  # anchored late, and said to be


@pytest.mark.parametrize("lead", [DAY, -DAY])
def test_checker(grounds: Grounds, lead: timedelta) -> None:
    ground = grounds()
    ground.issue("CHECKED-1")
    ground.finish()
    ground.assert_whole()
    assert ground.verdicts(lead=lead) == {Overall.CANNOT_CONFIRM}

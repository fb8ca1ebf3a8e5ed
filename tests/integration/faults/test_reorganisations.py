"""The chain takes blocks back: few before they are final, very many after."""

from __future__ import annotations

import os

import pytest

from registry.anchoring.domain import Decision, Event, WriteState
from tests.support.fault_ground import GENUINE, Grounds
from verifier.checks.verdict import Overall

pytestmark = [pytest.mark.chain, pytest.mark.xdist_group("faults")]

DEPTH = 25  # blocks on top that make one final
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
DEPTHS = range(1, 21) if THOROUGH else (20,)


@pytest.mark.parametrize("depth", DEPTHS)
def test_before_it_is_final(grounds: Grounds, depth: int) -> None:
    ground = grounds(depth=DEPTH)
    ground.mine(DEPTH)  # the keys are final
    ground.issue("REORG-1", "REORG-2")
    with ground.worker() as worker:
        worker.round(flush=True)
        ground.live.mine(depth)
        worker.round()
        assert ground.state() is WriteState.MINED
        ground.live.ask("anvil_reorg", depth, [])
        worker.round()
    assert Event.REORGANISE in ground.events()
    assert ground.verdicts() == {GENUINE}  # signed, time-stamp pending
    ground.finish()
    ground.assert_whole()


def test_after_it_was_final_a_person_decides(grounds: Grounds) -> None:
    ground = grounds(depth=DEPTH)
    ground.mine(100)  # the contracts stay
    ground.issue("REORG-1", "REORG-2")
    ground.finish()
    ground.assert_whole()
    ground.mine(40)

    ground.live.ask("anvil_reorg", 100, [])
    ground.mine(DEPTH)
    with ground.worker() as worker:
        assert worker.round(flush=True).unfinished == 0  # nothing is repaired unasked
    found = [each.code for each in ground.discrepancies()]
    assert sorted(found) == ["effect_missing", "nonce_gap"]
    # The proof leads to a root that is not there: nobody can say yes, and nobody says no.
    assert not ground.verdicts() & {Overall.VALID, Overall.NOT_VALID}

    ground.decide(Decision.RESEND)
    ground.finish()
    ground.assert_whole()
    assert ground.events().count(Event.PUBLISH) == 2

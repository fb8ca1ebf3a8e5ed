"""The development chain killed in the middle of work, without its newest blocks on the disk."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator

import pytest

from registry.anchoring.domain import Decision, WriteState
from tests.support.fault_ground import Founded, Grounds
from verifier.checks.verdict import Overall

pytestmark = [
    pytest.mark.chain,
    pytest.mark.xdist_group("faults"),
    pytest.mark.skipif(
        os.environ.get("HYPOTHESIS_PROFILE") != "thorough",
        reason="make test-faults",
    ),
]


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Founded]:
    """A chain of its own, stopped and started once so that all of it is saved."""
    made = Founded(tmp_path_factory.mktemp("mortal"))
    keystore = made.live.keystore
    # Founding makes blocks faster than one a second, which dates them ahead of this machine; a
    # restarted chain goes by the clock of the machine.
    while time.time() <= made.live.open().head().time:
        time.sleep(0.1)
    made.live.stop()
    shutil.copyfile(made.live.home / "chain" / "chain.json", made.folder / "saved.json")
    made.live = type(made.live)(made.live.home)
    made.live.keystore = keystore
    yield made
    made.end()


def test_newest_blocks_are_lost(grounds: Grounds, mortal: Founded) -> None:
    ground = grounds(mortal)
    ground.issue("KEPT-1", "KEPT-2")
    ground.finish()
    ground.assert_whole()
    ground.issue("UNDER-WAY-1")
    with ground.worker() as worker:
        worker.round(flush=True)
    assert ground.state(2) is WriteState.SENT

    chain = mortal.live.home / "chain" / "chain.json"
    mortal.lose(lambda: chain.write_bytes((mortal.folder / "saved.json").read_bytes()))
    ground.live.mine(3)
    with ground.worker() as worker:
        done = worker.round(flush=True)
        ground.live.mine()
        done = worker.round(flush=True)
    assert done.unfinished == 1  # the second waits behind the first, which nobody sends unasked
    found = sorted(each.code for each in ground.discrepancies())
    assert found == ["effect_missing", "nonce_gap"]
    assert not ground.verdicts() & {Overall.VALID, Overall.NOT_VALID}

    ground.decide(Decision.RESEND)
    ground.finish()
    ground.assert_whole()

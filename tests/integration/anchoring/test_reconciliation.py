"""Whatever database, store or chain lost, reconciliation names it, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from registry.anchoring.domain import Decision, LedgerAct, QuarantineReason
from registry.anchoring.findings import Reconciliation
from registry.anchoring.reconciliation import reconcile
from registry.anchoring.status import Controller, StatusOrder, enqueue_status
from registry.anchoring.trees import KIND, TreeShelf
from tests.support.anchoring import Installation
from tests.support.fake_chain import CHAIN_ID, LEDGER
from tests.support.registry_database import drop_trigger
from verifier.checks.facts import RevocationReason
from verifier.core.hashing import leaf_digest
from verifier.core.merkle import Tree

BODY = b"\x0b" * 32


def examine(home: Installation) -> Reconciliation:
    return reconcile(home.database, home.chain, TreeShelf(home.objects), now=home.now)


def codes(home: Installation) -> list[str]:
    return [found.code for found in examine(home).discrepancies]


def tree_files(home: Installation) -> list[Path]:
    return sorted(path for path in (home.folder / "objects" / KIND).rglob("*") if path.is_file())


def revoke(home: Installation, *indexes: int) -> None:
    orders = [
        StatusOrder(
            id=index,
            body_id=BODY,
            list_number=0,
            index=index,
            act=LedgerAct.REVOKE,
            reason=RevocationReason.ERROR,
        )
        for index in indexes
    ]
    controller = Controller(
        account=home.signer.address, by_party=False, chain_id=CHAIN_ID, contract=LEDGER
    )
    with home.database.begin() as session:
        enqueue_status(session, orders, controller, now=home.now)


@pytest.fixture
def settled(home: Installation) -> Installation:
    home.queue(b"one", b"two", b"three")
    revoke(home, 4, 300)
    home.finish()
    return home


def test_agreement(settled: Installation) -> None:
    report = examine(settled)
    assert report.discrepancies == []
    assert report.checked == {
        "accounts": 1,
        "anchors": 1,
        "batches": 1,
        "leaves": 3,
        "published writes": 2,
        "revocations": 2,
        "stored trees": 1,
    }
    assert report.to_json()["discrepancies"] == []


def test_work_in_progress_is_no_discrepancy(home: Installation) -> None:
    home.queue(b"one")
    with home.worker() as worker:
        for _ in range(5):
            assert codes(home) == []
            worker.round(flush=True)
            home.chain.mine()
    home.queue(b"two")
    assert codes(home) == []


class TestChainLost:
    def test_what_was_final_is_missed_and_anchored_again_by_decision(
        self, settled: Installation
    ) -> None:
        settled.chain.reorganise(len(settled.chain.blocks) - 1)
        settled.chain.mine(3)
        assert sorted(codes(settled)) == ["effect_missing", "effect_missing", "nonce_gap"]

        with settled.worker() as worker:
            for write_id in (1, 2):
                worker.publisher.quarantine(write_id, QuarantineReason.EFFECT_VANISHED)
                assert "quarantined" in codes(settled)
                settled.decide(write_id, Decision.RESEND)
        settled.finish()
        assert codes(settled) == []

    def test_moved_to_another_block(self, settled: Installation) -> None:
        ((key, found),) = settled.chain.blocks[-1].state.anchors.items()
        for block in settled.chain.blocks[1:]:
            block.state.anchors[key] = type(found)(
                operator=found.operator, block=found.block + 1, time=found.time
            )
        assert "effect_elsewhere" in codes(settled)


class TestDatabaseLost:
    def test_a_batch_and_its_revocations(
        self, settled: Installation, install: Callable[[], Installation]
    ) -> None:
        empty = install()
        empty.chain = settled.chain
        empty.objects = settled.objects
        settled.chain.database = None
        revoke(empty, 9)
        report = examine(empty)
        assert [found.code for found in report.discrepancies] == [
            "orphan_tree",
            "orphan_anchor",
            "revocation_not_ordered",
            "revocation_not_ordered",
        ]
        assert report.discrepancies[1].data["tree_object"] == tree_files(settled)[0].name

    def test_a_leaf(self, settled: Installation) -> None:
        with settled.database.begin() as session:
            drop_trigger(session, "leaves", "leaves_no_delete")
            session.execute(text("DELETE FROM leaves WHERE position = 1"))
        assert codes(settled) == ["leaves_differ"]

    def test_somebody_else_anchors_too(self, settled: Installation) -> None:
        state = settled.chain.blocks[-1 - settled.chain.depth].state
        ((_, found),) = state.anchors.items()
        state.anchors[bytes(32), 9] = type(found)(operator="0x77", block=1, time=found.time)
        report = examine(settled)
        assert report.discrepancies == []
        assert report.checked["anchors of others"] == 1


class TestStoreLost:
    def test_a_missing_tree(self, settled: Installation) -> None:
        tree_files(settled)[0].unlink()
        assert codes(settled) == ["tree_missing"]

    def test_a_damaged_tree(self, settled: Installation) -> None:
        path = tree_files(settled)[0]
        path.write_bytes(path.read_bytes()[:-1] + b"\x00")
        assert codes(settled) == ["tree_damaged"]

    def test_a_tree_of_nobody(self, settled: Installation) -> None:
        TreeShelf(settled.objects).put(Tree.build([leaf_digest(b"stranger")]))
        assert codes(settled) == ["orphan_tree"]


def test_a_queue_that_nobody_works_for(home: Installation) -> None:
    home.queue(b"one")
    home.now += timedelta(hours=2)
    found = examine(home).discrepancies
    assert [(each.code, each.data["delay"]) for each in found] == [("queue_delayed", "alarm")]

"""What a person may decide about a write in quarantine, and what becomes of it."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from registry.anchoring.decisions import decide, examine, set_aside
from registry.anchoring.domain import (
    Decision,
    Event,
    Evidence,
    Objection,
    QuarantineReason,
    WriteState,
    judge_decision,
)
from registry.anchoring.errors import ChainUnavailableError, DecisionRefusedError
from registry.anchoring.models import BatchRow, LeafRow, QuarantineDecisionRow
from registry.anchoring.queue import queue_status
from registry.anchoring.reconciliation import reconcile
from registry.anchoring.trees import TreeShelf
from registry.audit.repository import Filter
from registry.audit.service import entries, verify
from registry.kit.errors import InvalidInputError, NotFoundError
from tests.support.anchoring import OPERATOR, Installation
from tests.support.registry_database import drop_trigger


def revert(home: Installation) -> list[bytes]:
    """Have a batch refused by the contract, finally; its leaves."""
    leaves = home.queue(b"one", b"two", b"three")
    with home.worker() as worker:
        worker.round(flush=True)
        home.chain.operators.clear()
        home.chain.mine(3)
        assert worker.round().waiting == {1: QuarantineReason.REVERTED}
    home.chain.operators.add(home.signer.address)
    return leaves


def state(home: Installation, write_id: int = 1) -> WriteState:
    return home.write(write_id).state


class TestAbandon:
    def test_the_leaves_go_back_and_are_anchored_in_another_batch(self, home: Installation) -> None:
        leaves = revert(home)
        assert home.proof(leaves[0]) is not None
        found = home.decide(1, Decision.ABANDON)
        assert found.allowed == (Decision.NEW_NONCE, Decision.ABANDON)
        assert state(home) is WriteState.ABANDONED
        assert home.proof(leaves[0]) is None
        with home.database.read() as session:
            status = queue_status(session, now=home.now)
        assert (status.queued, status.in_progress) == (3, 0)

        home.finish()
        assert [(one, size) for one, _, size in home.batches()] == [
            (WriteState.ABANDONED, 3),
            (WriteState.PUBLISHED, 3),
        ]
        home.assert_anchored_once(leaves)
        report = reconcile(home.database, home.chain, TreeShelf(home.objects), now=home.now)
        assert report.discrepancies == []

    def test_not_while_the_old_transaction_can_still_be_mined(self, home: Installation) -> None:
        leaves = home.queue(b"one")
        home.finish()
        home.chain.reorganise(len(home.chain.blocks) - 1)
        home.chain.mine(2)
        set_aside(home.database, home.chain, 1, actor=OPERATOR, words="gone", now=home.now)
        for decision in (Decision.ABANDON, Decision.NEW_NONCE):
            with pytest.raises(DecisionRefusedError, match="still_possible"):
                home.decide(1, decision)
        assert state(home) is WriteState.QUARANTINED
        home.decide(1, Decision.RESEND)
        home.finish()
        home.assert_anchored_once(leaves)

    def test_a_batch_whose_rows_changed_before_it_was_signed(self, home: Installation) -> None:
        leaves = home.queue(b"one", b"two")
        with home.worker() as worker:
            worker._seal(flush=True)
            with home.database.begin() as session:
                drop_trigger(session, "leaves", "leaves_no_update")
                session.execute(
                    update(LeafRow).where(LeafRow.leaf == leaves[1]).values(leaf=b"\x01" * 32)
                )
            assert worker.round().waiting == {1: QuarantineReason.ROOT_MISMATCH}
        found = home.decide(1, Decision.ABANDON)
        assert not found.evidence.was_signed
        home.finish()
        home.assert_anchored_once([leaves[0], b"\x01" * 32])

    def test_a_ledger_whose_time_is_over(self, home: Installation) -> None:
        """Sealed for a contract that verifiers no longer count: not sent, never lost."""
        leaves = home.queue(b"one")
        with home.worker() as worker:
            worker._seal(flush=True)
            home.chain.closed_at = 1
            assert worker.round().waiting == {1: QuarantineReason.LEDGER_CLOSED}
            assert home.signer.signed == 0
        home.chain.closed_at = None  # the next generation, here the same contract
        home.decide(1, Decision.ABANDON)
        home.finish()
        home.assert_anchored_once(leaves)

    def test_mined_after_the_time_of_its_ledger(self, home: Installation) -> None:
        home.queue(b"one")
        with home.worker() as worker:
            worker.round(flush=True)
            home.chain.mine(3)
            home.chain.closed_at = 1
            for _ in range(3):
                done = worker.round()
        assert done.unfinished == 0
        found = examine(home.database, home.chain, 1)
        assert (found.reason, found.place) == (QuarantineReason.LEDGER_CLOSED, None)
        home.decide(1, Decision.ABANDON)
        assert state(home) is WriteState.ABANDONED
        home.chain.closed_at = None
        home.queue(b"two")
        home.finish()
        report = reconcile(home.database, home.chain, TreeShelf(home.objects), now=home.now)
        assert [found.code for found in report.discrepancies] == ["abandoned_anchor"]

    def test_no_leaf_leaves_a_batch_that_is_not_abandoned(self, home: Installation) -> None:
        home.queue(b"one")
        home.finish()
        with (
            pytest.raises(IntegrityError, match="leaves an abandoned batch only"),
            home.database.begin() as session,
        ):
            session.execute(update(LeafRow).values(batch_id=None, position=None))
        with (
            pytest.raises(IntegrityError, match="never edited"),
            home.database.begin() as session,
        ):
            session.execute(update(LeafRow).values(position=7))

    def test_a_root_stands_once(self, home: Installation) -> None:
        home.queue(b"one")
        home.finish()
        with home.database.read() as session:
            root = session.scalar(select(BatchRow.root))
        home.queue(b"two")
        with home.worker() as worker:
            worker._seal(flush=True)
        with home.database.begin() as session:
            drop_trigger(session, "batches", "batches_no_update")
        with pytest.raises(IntegrityError), home.database.begin() as session:
            session.execute(update(BatchRow).where(BatchRow.id == 2).values(root=root))


class TestAdopt:
    def test_what_stands_is_adopted(self, home: Installation) -> None:
        """The nonce was taken by somebody else, and then another operator anchored the root."""
        leaves = revert(home)
        stranger = type(home.signer)(address="0x" + "b2" * 20)
        home.chain.operators.add(stranger.address)
        home.send_as(stranger, home.write(1).call_data or b"")
        with pytest.raises(DecisionRefusedError, match="not_on_ledger"):
            home.decide(1, Decision.ADOPT)
        home.chain.mine(3)
        with pytest.raises(DecisionRefusedError, match="on_ledger"):
            home.decide(1, Decision.ABANDON)
        home.decide(1, Decision.ADOPT)
        assert home.events_of(1)[-1] is Event.ADOPT
        home.finish()
        home.assert_anchored_once(leaves)
        assert home.signer.signed == 1


class TestRecord:
    def test_person_reason_and_step_are_kept(self, home: Installation) -> None:
        revert(home)
        home.decide(1, Decision.NEW_NONCE)
        with home.database.read() as session:
            (row,) = session.scalars(select(QuarantineDecisionRow))
            (entry,) = entries(session, Filter(object="ledger_write:1"))
            verify(session)
        assert (row.quarantine, row.decision) == (QuarantineReason.REVERTED, Decision.NEW_NONCE)
        assert (row.actor, row.words) == (OPERATOR.name, "as the chain shows")
        assert entry.entry.actor == OPERATOR.name
        assert entry.entry.details["decision"] == "new-nonce"
        assert entry.entry.details["version"] == row.version
        with pytest.raises(IntegrityError), home.database.begin() as session:
            session.execute(text("UPDATE quarantine_decisions SET words = 'otherwise'"))

    def test_a_refused_decision_changes_nothing(self, home: Installation) -> None:
        revert(home)
        before = home.write(1).version
        with pytest.raises(DecisionRefusedError, match="nonce_spent"):
            home.decide(1, Decision.RESEND)
        with pytest.raises(InvalidInputError):
            decide(
                home.database, home.chain, 1, Decision.ABANDON,
                actor=OPERATOR, words="  ", now=home.now,
            )  # fmt: skip
        assert home.write(1).version == before

    def test_what_is_not_in_quarantine(self, home: Installation) -> None:
        home.queue(b"one")
        home.finish()
        with pytest.raises(DecisionRefusedError, match="published"):
            home.decide(1, Decision.ABANDON)
        with pytest.raises(DecisionRefusedError, match="shows the effect"):
            set_aside(home.database, home.chain, 1, actor=OPERATOR, words="?", now=home.now)
        with pytest.raises(NotFoundError):
            home.decide(9, Decision.ABANDON)

    def test_without_a_chain_nothing_is_decided(self, home: Installation) -> None:
        revert(home)

        def silent(_name: str, _moment: str) -> None:
            raise ChainUnavailableError("no node answers")

        home.chain.faults = silent
        with pytest.raises(ChainUnavailableError):
            home.decide(1, Decision.ABANDON)
        assert state(home) is WriteState.QUARANTINED


def test_every_decision_over_every_evidence() -> None:
    """No decision makes a second transaction possible beside one that can still be mined."""
    for flags in itertools.product([False, True], repeat=4):
        evidence = Evidence(
            is_batch=flags[0], was_signed=flags[1], can_be_mined=flags[2], stands=flags[3]
        )
        allowed = {one for one in Decision if isinstance(judge_decision(one, evidence), Event)}
        if evidence.can_be_mined or evidence.stands:
            assert not allowed & {Decision.NEW_NONCE, Decision.ABANDON}
        assert (Decision.ADOPT in allowed) == evidence.stands
        assert (Decision.RESEND in allowed) == (evidence.was_signed and evidence.can_be_mined)
        if not evidence.is_batch:
            assert Decision.ABANDON not in allowed
    nothing = Evidence(is_batch=True, was_signed=False, can_be_mined=False, stands=False)
    assert judge_decision(Decision.RESEND, nothing) is Objection.NEVER_SIGNED

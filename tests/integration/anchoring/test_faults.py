"""What chains, nodes, disks and second deployments do; the expected end is always the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
from sqlalchemy import text

from registry.anchoring.domain import (
    BatchPolicy,
    Decision,
    Event,
    QuarantineReason,
    SendOutcome,
    Timing,
    Waiting,
    WriteState,
)
from registry.anchoring.errors import (
    ChainMismatchError,
    ChainUnavailableError,
    LeaseHeldError,
    LeaseLostError,
)
from registry.anchoring.fees import FeePolicy, quote
from registry.anchoring.leases import hold_lease
from registry.anchoring.models import AccountRow
from registry.anchoring.trees import KIND
from registry.kit.objects import ObjectStoreUnavailableError
from tests.support.anchoring import Installation
from tests.support.fake_chain import CHAIN_ID, FakeSigner
from tests.support.registry_database import drop_trigger

STRANGER = "0x" + "b2" * 20
Restore = Callable[[Installation, Installation], None]


def state_of(home: Installation, write_id: int = 1) -> WriteState:
    return home.write(write_id).state


class TestReorganisation:
    @pytest.mark.parametrize("depth", [1, 2, 5, 20])
    def test_before_final_the_same_bytes_are_sent_again(
        self, home: Installation, depth: int
    ) -> None:
        home.chain.depth = 30
        leaves = home.queue(b"one")
        with home.worker() as worker:
            worker.round(flush=True)
            home.chain.mine(depth)
            worker.round()
            assert state_of(home) is WriteState.MINED
            home.chain.reorganise(depth)
            worker.round()
            assert state_of(home) is WriteState.SENT
            assert len(home.chain.pool) == 1  # sent again at once: nobody else will
        home.finish(rounds=40)
        home.assert_anchored_once(leaves)
        assert home.signer.signed == 1

    def test_mined_again_in_another_block(self, home: Installation) -> None:
        leaves = home.queue(b"one")
        with home.worker() as worker:
            worker.round(flush=True)
            home.chain.mine()
            worker.round()
            home.chain.reorganise(1, keep_in_pool=True)
            home.chain.mine()
            worker.round()
            assert (state_of(home), home.write(1).block) == (WriteState.MINED, 2)
        home.finish()
        home.assert_anchored_once(leaves)

    def test_after_final_a_person_decides(self, home: Installation) -> None:
        leaves = home.queue(b"one")
        home.finish()
        home.chain.reorganise(len(home.chain.blocks) - 1)
        home.chain.mine(2)

        with home.worker() as worker:
            worker.round()  # nothing is repaired silently
            assert home.chain.events == []
            worker.publisher.quarantine(1, QuarantineReason.EFFECT_VANISHED)
            worker.round()
            assert home.chain.events == []
            pending = home.proof(leaves[0])
            assert pending is not None
            assert pending.anchor is None
            home.decide(1, Decision.RESEND)
        home.finish()
        home.assert_anchored_once(leaves)
        assert home.signer.signed == 1


class TestFees:
    def test_a_stuck_transaction_is_replaced_with_the_same_nonce(self, home: Installation) -> None:
        home.timing = Timing(resend_after=30, replace_after=120)
        leaves = home.queue(b"one")
        with home.worker() as worker:
            worker.round(flush=True)
            home.pass_time(30)
            worker.round()
            assert home.events_of(1)[-1] is Event.RESEND
            home.pass_time(90)
            worker.round()
        first, second = home.attempts()
        assert (first.nonce, second.nonce, second.ordinal) == (0, 0, 2)
        assert second.max_fee * 8 >= first.max_fee * 9
        assert second.priority_fee * 8 >= first.priority_fee * 9
        home.finish()
        home.assert_anchored_once(leaves)

    def test_a_base_fee_spike_is_followed(self, home: Installation) -> None:
        leaves = home.queue(b"one")
        with home.worker() as worker:
            worker.round(flush=True)
            home.chain.base_fee *= 10
            home.chain.forget_pool()
            home.chain.mine()
            home.pass_time(30)
            worker.round()
            assert home.events_of(1)[-3:] == [Event.RESEND, Event.REPLACE, Event.RESEND]
        home.finish()
        home.assert_anchored_once(leaves)

    def test_beyond_the_budget_it_waits_and_says_so(self, home: Installation) -> None:
        home.fees = FeePolicy(budget=10**16)
        leaves = home.queue(b"one")
        with home.worker() as worker:
            worker.round(flush=True)
            home.chain.base_fee *= 100
            home.chain.forget_pool()
            home.pass_time(200)
            assert worker.round().waiting == {1: Waiting.FEE_CAP_REACHED}
            assert home.write(1).waiting == "fee_cap_reached"
            home.chain.base_fee //= 100
            home.pass_time(30)
        home.finish()
        home.assert_anchored_once(leaves)

    def test_it_is_not_even_signed_beyond_the_budget(self, home: Installation) -> None:
        home.fees = FeePolicy(max_fee_cap=10**8)
        home.queue(b"one")
        with home.worker() as worker:
            assert worker.round(flush=True).waiting == {1: Waiting.FEE_CAP_REACHED}
        assert home.signer.signed == 0

    def test_out_of_gas_money(self, home: Installation) -> None:
        home.chain.money = 1
        leaves = home.queue(b"one")
        with home.worker() as worker:
            assert worker.round(flush=True).waiting == {1: Waiting.NO_GAS_MONEY}
        home.chain.money = 10**20
        home.finish()
        home.assert_anchored_once(leaves)

    def test_a_free_network_needs_no_money_and_no_replacement(self, home: Installation) -> None:
        home.chain.base_fee = home.chain.tip = home.chain.money = 0
        leaves = home.queue(b"one")
        with home.worker() as worker:
            worker.round(flush=True)
            home.chain.forget_pool()
            home.pass_time(500)
            worker.round()
        assert len(home.attempts()) == 1
        home.finish()
        home.assert_anchored_once(leaves)

    def test_only_the_next_in_line_is_replaced(self, home: Installation) -> None:
        home.policy = BatchPolicy(max_leaves=1)
        leaves = home.queue(b"one", b"two")
        with home.worker() as worker:
            worker.round()
            home.pass_time(500)
            assert worker.round().waiting == {1: Waiting.PENDING, 2: Waiting.BEHIND_OLDER}
        assert [(a.nonce, a.ordinal) for a in home.attempts()] == [(0, 1), (0, 2), (1, 1)]
        home.finish()
        home.assert_anchored_once(leaves)


class TestNonces:
    def test_forgotten_transactions_fill_the_gap_again(self, home: Installation) -> None:
        home.policy = BatchPolicy(max_leaves=1)
        leaves = home.queue(b"one", b"two", b"three")
        with home.worker() as worker:
            worker.round()
        home.chain.pool.pop((home.signer.address, 0))
        home.chain.mine()
        assert home.chain.events == []
        home.pass_time(60)
        home.finish()
        home.assert_anchored_once(leaves)

    def test_a_nonce_used_by_somebody_else_is_quarantined_once_final(
        self, home: Installation
    ) -> None:
        leaves = home.queue(b"one")
        with home.worker() as worker:
            worker.round(flush=True)
            home.chain.forget_pool()
            thief = FakeSigner(address=home.signer.address)
            home.send_as(thief, bytes.fromhex("e953033b") + bytes(64) + (1).to_bytes(32))
            home.chain.mine()
            assert worker.round().waiting == {1: Waiting.NONCE_SPENT}
            home.chain.mine(2)
            assert worker.round().waiting == {1: QuarantineReason.NONCE_TAKEN}
            assert home.write(1).quarantine is QuarantineReason.NONCE_TAKEN
            home.decide(1, Decision.NEW_NONCE)
        home.finish()
        home.assert_anchored_once(leaves)
        assert [attempt.nonce for attempt in home.attempts()] == [0, 1]

    def test_the_counter_of_the_chain_wins_when_it_is_ahead(self, home: Installation) -> None:
        for _ in range(3):
            call = bytes.fromhex("e953033b") + bytes(64) + (1).to_bytes(32)
            home.send_as(FakeSigner(address=home.signer.address), call)
            home.chain.mine()
        leaves = home.queue(b"one")
        home.finish()
        home.assert_anchored_once(leaves)
        assert home.attempts()[0].nonce == 3


class TestContract:
    def test_an_operator_without_authority_waits(self, home: Installation) -> None:
        home.chain.operators.clear()
        leaves = home.queue(b"one")
        with home.worker() as worker:
            assert worker.round(flush=True).waiting == {1: Waiting.CALL_REFUSED}
        home.chain.operators.add(home.signer.address)
        home.finish()
        home.assert_anchored_once(leaves)

    def test_a_revert_is_believed_only_when_final(self, home: Installation) -> None:
        leaves = home.queue(b"one")
        with home.worker() as worker:
            worker.round(flush=True)
            home.chain.operators.clear()
            home.chain.mine()
            assert worker.round().waiting == {1: Waiting.REVERTED_NOT_FINAL}
            home.chain.mine(2)
            assert worker.round().waiting == {1: QuarantineReason.REVERTED}
            home.chain.operators.add(home.signer.address)
            home.decide(1, Decision.NEW_NONCE)
        home.finish()
        home.assert_anchored_once(leaves)

    def test_an_anchor_by_another_operator_is_adopted(self, home: Installation) -> None:
        leaves = home.queue(b"one")
        with home.worker() as worker:
            self._let_a_stranger_anchor(home, worker.round)
            worker.round()
            assert state_of(home) is WriteState.MINED
            assert home.write(1).nonce is None
        home.finish()
        home.assert_anchored_once(leaves)
        assert home.signer.signed == 0
        assert home.write(1).transaction_hash == home.chain.events[0][1]

    def test_an_adopted_anchor_that_vanishes_is_signed_for(self, home: Installation) -> None:
        leaves = home.queue(b"one")
        with home.worker() as worker:
            self._let_a_stranger_anchor(home, worker.round)
            worker.round()
            home.chain.reorganise(1)
            home.chain.operators.add(home.signer.address)
            worker.round()
        assert Event.FORGET in home.events_of(1)
        home.finish()
        home.assert_anchored_once(leaves)
        assert home.signer.signed == 1

    @staticmethod
    def _let_a_stranger_anchor(home: Installation, round_: Callable[..., object]) -> None:
        """Seal, but do not sign because we may not; let another operator anchor the root."""
        home.chain.operators.clear()
        round_(flush=True)
        stranger = FakeSigner(address=STRANGER)
        home.chain.operators.add(STRANGER)
        home.send_as(stranger, home.write(1).call_data or b"")
        home.chain.mine()


class TestSecondDeployments:
    def test_a_second_process_is_kept_out(self, home: Installation) -> None:
        with home.worker(), pytest.raises(LeaseHeldError), home.worker():
            pass

    def test_a_process_that_lost_its_lease_changes_nothing(self, home: Installation) -> None:
        home.queue(b"one")
        with home.worker() as worker:
            with home.database.begin() as session:  # as when the lock's connection broke
                session.get_one(AccountRow, home.signer.address).epoch += 1
            with pytest.raises(LeaseLostError):
                worker.round(flush=True)
        assert home.batches() == []

    def test_an_account_belongs_to_one_chain(self, home: Installation) -> None:
        with home.worker():
            pass
        with (
            pytest.raises(ChainMismatchError),
            hold_lease(
                home.database,
                home.signer.address,
                chain_id=CHAIN_ID + 1,
                lock_folder=home.folder / "locks",
            ),
        ):
            pass

    def test_two_copies_of_a_database_make_one_anchor(
        self, home: Installation, install: Callable[[], Installation], restore: Restore
    ) -> None:
        leaves = home.queue(b"one", b"two")
        with home.worker() as worker:
            worker._seal(flush=True)
        twin = install()
        restore(home, twin)
        twin.chain = home.chain
        home.finish()
        home.chain.database = twin.database
        twin.finish()
        home.chain.database = None
        home.assert_anchored_once(leaves)
        twin.assert_anchored_once(leaves)
        assert home.signer.signed + twin.signer.signed == 1

    def test_a_database_restored_to_before_signing_adopts(
        self, home: Installation, install: Callable[[], Installation], restore: Restore
    ) -> None:
        leaves = home.queue(b"one")
        with home.worker() as worker:
            worker._seal(flush=True)
        restored = install()
        restore(home, restored)
        home.finish()
        restored.chain = home.chain
        restored.chain.database = restored.database
        restored.finish()
        restored.assert_anchored_once(leaves)
        assert restored.events_of(1)[:3] == [Event.SEAL, Event.STORE, Event.ADOPT]

    def test_a_database_restored_to_before_final_finds_its_transaction(
        self, home: Installation, install: Callable[[], Installation], restore: Restore
    ) -> None:
        leaves = home.queue(b"one")
        with home.worker() as worker:
            worker.round(flush=True)
        restored = install()
        restore(home, restored)
        shutil.copytree(home.folder / "objects", restored.folder / "objects")
        home.finish()
        restored.chain = home.chain
        restored.chain.database = restored.database
        restored.finish()
        restored.assert_anchored_once(leaves)
        assert restored.signer.signed == 0


class TestStorage:
    def test_a_flipped_bit_is_found_before_anything_is_signed(self, home: Installation) -> None:
        home.queue(b"one", b"two")
        with home.worker() as worker:
            worker._seal(flush=True)
            with home.database.begin() as session:
                drop_trigger(session, "leaves", "leaves_no_update")
                session.execute(
                    text("UPDATE leaves SET leaf = :leaf WHERE position = 1"), {"leaf": bytes(32)}
                )
            assert worker.round().waiting == {1: QuarantineReason.ROOT_MISMATCH}
        assert home.signer.signed == 0

    def test_a_damaged_tree_object_is_found_before_publication(self, home: Installation) -> None:
        home.queue(b"one", b"two")
        with home.worker() as worker:
            worker.round(flush=True)
        (path,) = (home.folder / "objects" / KIND).glob("*/*")
        damaged = bytearray(path.read_bytes())
        damaged[-1] ^= 1
        path.write_bytes(damaged)
        home.chain.mine(4)
        with home.worker() as worker:
            assert worker.round().waiting == {1: QuarantineReason.OBJECT_MISMATCH}

    def test_a_full_disk_delays(self, home: Installation) -> None:
        leaves = home.queue(b"one")
        blocker = home.folder / "objects"
        blocker.write_text("a file where the folder should be")
        with home.worker() as worker:
            done = worker.round(flush=True)
            assert isinstance(done.problem, ObjectStoreUnavailableError)
        assert home.signer.signed == 0
        blocker.unlink()
        home.finish()
        home.assert_anchored_once(leaves)


class TestOutages:
    def test_an_outage_is_reported_and_survived(self, home: Installation) -> None:
        leaves = home.queue(b"one")

        def dead(_name: str, _moment: str) -> None:
            raise ChainUnavailableError("connection refused")

        home.chain.faults = dead
        with home.worker() as worker:
            done = worker.round(flush=True)
        assert isinstance(done.problem, ChainUnavailableError)
        assert done.unfinished == 1
        home.chain.faults = lambda _name, _moment: None
        home.finish()
        home.assert_anchored_once(leaves)

    def test_an_answer_lost_after_the_node_took_the_transaction(self, home: Installation) -> None:
        leaves = home.queue(b"one")

        def drop_answer(name: str, moment: str) -> None:
            if (name, moment) == ("send", "after"):
                home.chain.faults = lambda _name, _moment: None
                raise ChainUnavailableError("timed out")

        home.chain.faults = drop_answer
        with home.worker() as worker:
            assert worker.round(flush=True).problem is not None
            assert state_of(home) is WriteState.TRANSACTION_SIGNED
            worker.round()
        assert home.attempts()[0].outcome is SendOutcome.KNOWN
        home.finish()
        home.assert_anchored_once(leaves)

    def test_mined_while_nobody_looked(self, home: Installation) -> None:
        leaves = home.queue(b"one")
        with home.worker() as worker:
            worker.round(flush=True)
        home.chain.mine(50)
        home.pass_time(3600)
        with home.worker() as worker:
            assert worker.round().unfinished == 0
        home.assert_anchored_once(leaves)


def test_quote_of_the_fake_is_that_of_the_pipeline(home: Installation) -> None:
    assert home.chain.quote() == quote(base_fee=home.chain.base_fee, priority=home.chain.tip)

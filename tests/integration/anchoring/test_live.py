"""The pipeline on a real chain with the real contracts: reorganisations, lies, loss, status."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from registry.anchoring.crew import crew, equip
from registry.anchoring.domain import (
    Event,
    LeafKind,
    LedgerAct,
    SendOutcome,
    Waiting,
    WriteState,
)
from registry.anchoring.errors import ChainDisagreesError, ChainFaultError, StateUnavailableError
from registry.anchoring.fees import Fees
from registry.anchoring.models import BatchRow, LedgerWriteRow, WriteAttemptRow
from registry.anchoring.node_group import NodeGroup
from registry.anchoring.ports import AnchorMark, AuditedChain, BlockRef, UnsignedTransaction
from registry.anchoring.proofs import find_proof
from registry.anchoring.queue import enqueue
from registry.anchoring.reconciliation import reconcile
from registry.anchoring.repository import steps_of
from registry.anchoring.status import (
    Controller,
    StatusOrder,
    enqueue_leaf_revocation,
    enqueue_status,
    status_outcome,
)
from registry.anchoring.trees import TreeShelf
from registry.anchoring.web3_chain import Web3Chain
from registry.anchoring.worker import Worker
from registry.certificates.contents import open_contents
from registry.kit import schema
from registry.kit.database import Database
from registry.kit.objects import FolderObjectStore
from tests.support.accounts import FreeAccount
from tests.support.live_anchoring import LABORATORY, LiveChain
from verifier.chain.profile import load_profile
from verifier.chain.source import RpcTrustSource
from verifier.checks.facts import RevocationReason
from verifier.core.hashing import leaf_digest
from verifier.core.merkle import root_from_path

pytestmark = pytest.mark.chain


@dataclass
class Registry:
    """One database and object store on the shared chain."""

    live: LiveChain
    folder: Path

    def __post_init__(self) -> None:
        self.database = Database(f"sqlite:///{self.folder / 'lancang.db'}")
        schema.upgrade(self.database)
        self.trees = TreeShelf(FolderObjectStore(self.folder / "objects"))
        self.chain = self.live.open()
        self.now = datetime.now(tz=UTC)

    @contextmanager
    def operator(self, chain: AuditedChain | None = None) -> Iterator[Worker]:
        with self.workers(chain) as workers:
            yield next(worker for worker in workers if worker.sealing is not None)

    @contextmanager
    def workers(self, chain: AuditedChain | None = None) -> Iterator[list[Worker]]:
        equipment = replace(
            equip(
                self.live.settings,
                self.database,
                contents=open_contents(self.live.settings, self.database),
                clock=lambda: self.now,
            ),
            chain=chain or self.chain,
            trees=self.trees,
            lock_folder=self.folder / "locks",
        )
        with ExitStack() as stack:
            yield stack.enter_context(crew(equipment, observer=lambda _event: None))

    def queue(self, *entries: bytes) -> list[bytes]:
        leaves = [leaf_digest(entry) for entry in entries]
        with self.database.begin() as session:
            for leaf, entry in zip(leaves, entries, strict=True):
                enqueue(session, leaf, kind=LeafKind.CERTIFICATE, entry=entry, certificate_id=None)
        return leaves

    def finish(self, rounds: int = 12) -> None:
        with self.workers() as workers:
            for _ in range(rounds):
                done = [worker.round(flush=True) for worker in workers]
                if not any(each.unfinished or each.problem for each in done):
                    return
                self.live.mine()
        pytest.fail(f"unfinished: {done}")

    def state(self, write_id: int = 1) -> WriteState:
        with self.database.read() as session:
            return session.get_one(LedgerWriteRow, write_id).state

    def events(self, write_id: int = 1) -> list[Event]:
        with self.database.read() as session:
            return [step.event for step in steps_of(session, write_id)]

    def root(self, write_id: int = 1) -> tuple[bytes, int]:
        with self.database.read() as session:
            row = session.get_one(BatchRow, write_id)
            assert row.root is not None
            assert row.size is not None
            return row.root, row.size

    def anchors(self, root: bytes) -> int:
        """Return how many Anchored events there are for a root."""
        found = self.chain.anchors(at=self.chain.head())
        return sum(anchor.root == root for anchor in found)

    def assert_anchored_once(self, leaves: list[bytes]) -> None:
        roots = set()
        with self.database.read() as session:
            for leaf in leaves:
                proof = find_proof(session, leaf, trees=self.trees)
                assert proof is not None
                assert proof.anchor is not None
                assert proof.root == root_from_path(
                    leaf, index=proof.index, size=proof.size, path=proof.path
                )
                roots.add(proof.root)
        assert [self.anchors(root) for root in roots] == [1] * len(roots)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveChain]:
    chain = LiveChain(tmp_path_factory.mktemp("live"))
    chain.found()
    yield chain
    chain.stop()


@pytest.fixture
def registry(live: LiveChain, tmp_path: Path) -> Iterator[Registry]:
    made = Registry(live, tmp_path)
    yield made
    made.database.dispose()


def test_a_verifier_finds_the_anchor(registry: Registry, request: pytest.FixtureRequest) -> None:
    leaves = registry.queue(*(f"{request.node.name} {i}".encode() for i in range(5)))
    registry.finish()
    registry.assert_anchored_once(leaves)

    with registry.database.read() as session:
        proof = find_proof(session, leaves[4], trees=registry.trees)
    assert proof is not None
    assert proof.anchor is not None
    profile = load_profile(registry.live.settings.trust_profile)
    with RpcTrustSource(profile, now=int(time.time())) as trust:
        anchor = trust.find_anchor(proof.root, proof.size)
    assert anchor is not None
    assert (anchor.block, anchor.time) == (proof.anchor.block, proof.anchor.time)
    assert (anchor.chain_id, anchor.contract) == (proof.anchor.chain_id, proof.anchor.contract)
    receipt = registry.chain.receipt(proof.anchor.transaction or b"")
    assert receipt is not None
    assert receipt.block == anchor.block


class TestReorganisation:
    @pytest.mark.parametrize("depth", [1, 2])
    def test_before_final(self, registry: Registry, depth: int) -> None:
        leaves = registry.queue(f"reorganised {depth}".encode())
        with registry.operator() as worker:
            worker.round(flush=True)
            registry.live.mine(depth)
            worker.round()
            assert registry.state() is WriteState.MINED
            registry.live.ask("anvil_reorg", depth, [])
            registry.live.mine()
            worker.round()
        assert Event.REORGANISE in registry.events()
        registry.finish()
        registry.assert_anchored_once(leaves)
        with registry.database.read() as session:
            assert session.query(WriteAttemptRow).count() == 1

    def test_a_pool_that_forgets(self, registry: Registry) -> None:
        leaves = registry.queue(b"forgotten")
        with registry.operator() as worker:
            worker.round(flush=True)
            registry.live.ask("anvil_dropAllTransactions")
            registry.live.mine()
            assert worker.round().waiting == {1: Waiting.PENDING}
        registry.now += timedelta(seconds=60)
        registry.finish()
        registry.assert_anchored_once(leaves)


def test_a_base_fee_spike(registry: Registry) -> None:
    leaves = registry.queue(b"spike")
    with registry.operator() as worker:
        worker.round(flush=True)
        registry.live.ask("anvil_setNextBlockBaseFeePerGas", hex(10**11))
        registry.live.mine()
        registry.now += timedelta(seconds=300)
        worker.round()
    assert Event.REPLACE in registry.events()
    registry.finish()
    registry.assert_anchored_once(leaves)
    for _ in range(60):  # an eighth less with every empty block
        registry.live.mine()


def test_two_databases_with_one_account_by_mistake(
    registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> None:
    twin = Registry(registry.live, tmp_path_factory.mktemp("twin"))
    leaves = [registry.queue(b"same"), twin.queue(b"same")]
    with registry.operator() as one, twin.operator() as other:
        one.round(flush=True)
        other.round(flush=True)  # signs with the same nonce: the node takes one of the two
    registry.finish()
    twin.finish()
    registry.assert_anchored_once(leaves[0])
    twin.assert_anchored_once(leaves[1])
    twin.database.dispose()


class TestStatus:
    def _controller(self, registry: Registry, role: str) -> Controller:
        return Controller(
            account=registry.live.keystore_roles()[role],
            by_party=role.startswith("party"),
            chain_id=registry.chain.chain_id,
            contract=registry.chain.ledger,
        )

    def _order(self, registry: Registry, role: str, *wishes: tuple[LedgerAct, int]) -> list[int]:
        orders = [
            StatusOrder(
                id=number,
                body_id=LABORATORY.id,
                list_number=3,
                index=index,
                act=act,
                reason=RevocationReason.ERROR,
            )
            for number, (act, index) in enumerate(wishes)
        ]
        with registry.database.begin() as session:
            controller = self._controller(registry, role)
            return list(enqueue_status(session, orders, controller, now=registry.now))

    def _status(self, registry: Registry, index: int, leaf: bytes = bytes(32)) -> tuple[bool, ...]:
        registry.live.mine(3)
        profile = load_profile(registry.live.settings.trust_profile)
        with RpcTrustSource(profile, now=int(time.time())) as trust:
            facts = trust.status(LABORATORY.id, list_number=3, index=index, leaf=leaf)
        return facts.revoked, facts.suspended_by_body, facts.suspended_by_party

    def test_revocation(self, registry: Registry) -> None:
        writes = self._order(registry, "body-lab", (LedgerAct.REVOKE, 5), (LedgerAct.REVOKE, 700))
        assert len(writes) == 1  # two words, one transaction
        registry.finish()
        assert self._status(registry, 5) == (True, False, False)
        assert self._status(registry, 700) == (True, False, False)
        assert self._status(registry, 6) == (False, False, False)
        with registry.database.read() as session:
            outcome = status_outcome(session, writes[0])
        assert outcome.is_published
        assert outcome.block is not None
        assert registry.chain.receipt(outcome.transaction_hash or b"") is not None

    def test_suspension_and_the_acts_on_one_entry_in_order(self, registry: Registry) -> None:
        writes = self._order(
            registry,
            "body-lab",
            (LedgerAct.SUSPEND, 20),
            (LedgerAct.RESUME, 20),
            (LedgerAct.SUSPEND, 21),
            (LedgerAct.SUSPEND, 20),
        )
        assert len(writes) == 3
        registry.finish()
        assert self._status(registry, 20) == (False, True, False)
        assert self._status(registry, 21) == (False, True, False)

    def test_the_party_suspends_apart_from_the_body(self, registry: Registry) -> None:
        self._order(registry, "party-cn", (LedgerAct.SUSPEND, 40))
        registry.finish()
        assert self._status(registry, 40) == (False, False, True)

    def test_what_stands_already_is_adopted(
        self, registry: Registry, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        self._order(registry, "body-lab", (LedgerAct.REVOKE, 60))
        registry.finish()
        twin = Registry(registry.live, tmp_path_factory.mktemp("twin"))
        self._order(twin, "body-lab", (LedgerAct.REVOKE, 60))
        twin.finish()
        assert twin.events()[:2] == [Event.SEAL, Event.ADOPT]
        twin.database.dispose()

    def test_a_leaf(self, registry: Registry) -> None:
        leaf = leaf_digest(b"in doubt")
        with registry.database.begin() as session:
            enqueue_leaf_revocation(
                session,
                leaf,
                body_id=LABORATORY.id,
                reason=RevocationReason.FRAUD,
                controller=self._controller(registry, "body-lab"),
                now=registry.now,
            )
        registry.finish()
        assert registry.chain.is_leaf_revoked(LABORATORY.id, leaf, at=registry.chain.head())

    def test_somebody_who_may_not(self, registry: Registry) -> None:
        self._order(registry, "party-la", (LedgerAct.REVOKE, 80))
        with registry.workers() as workers:
            done = [worker.round() for worker in workers if worker.sealing is None]
        assert done[0].waiting == {1: Waiting.CALL_REFUSED}


class TestNodes:
    def test_nothing_at_the_address_is_a_fault(self, registry: Registry) -> None:
        chain = registry.chain
        assert isinstance(chain, Web3Chain)
        with pytest.raises(ChainFaultError):
            chain.read("CertificateLedger", "0x" + "77" * 20, "anchorCount", at=chain.head())

    def test_a_block_that_is_gone_is_no_answer(self, registry: Registry) -> None:
        gone = BlockRef(number=1, hash=b"\x11" * 32, time=0)
        with pytest.raises(Exception, match="eth_call"):
            registry.chain.find_anchor(bytes(32), 1, at=gone)

    def test_a_stranger_without_money(self, registry: Registry) -> None:
        signer = FreeAccount()
        signed = signer.sign(
            UnsignedTransaction(
                chain_id=registry.chain.chain_id,
                nonce=0,
                to=registry.chain.ledger,
                data=b"",
                gas_limit=30_000,
                fees=registry.chain.quote(),
            )
        )
        assert registry.chain.send(signed.raw) is SendOutcome.NO_GAS_MONEY
        assert registry.chain.send(b"\x02nonsense") is SendOutcome.REFUSED

    def test_outcomes_of_sending(self, registry: Registry) -> None:
        live, chain = registry.live, registry.chain
        signer = FreeAccount()
        live.ask("anvil_setBalance", signer.address, hex(10**20))
        fees = chain.quote()

        def raw(nonce: int, offered: Fees) -> bytes:
            transaction = UnsignedTransaction(
                chain_id=chain.chain_id,
                nonce=nonce,
                to=signer.address,
                data=b"",
                gas_limit=30_000,
                fees=offered,
            )
            return signer.sign(transaction).raw

        assert chain.send(raw(0, fees)) is SendOutcome.ACCEPTED
        assert chain.send(raw(0, fees)) is SendOutcome.KNOWN
        lower = Fees(max_fee=fees.max_fee - 1, priority=fees.priority - 1)
        assert chain.send(raw(0, lower)) is SendOutcome.UNDERPRICED
        live.mine()
        assert chain.send(raw(0, fees)) is SendOutcome.NONCE_TOO_LOW
        assert chain.send(raw(1, Fees(max_fee=1, priority=1))) is SendOutcome.UNDERPRICED

    def test_one_lying_node_of_three_is_outvoted(self, registry: Registry) -> None:
        leaves = registry.queue(b"quorum")
        group = NodeGroup([Liar(registry.live), registry.live.open(), registry.live.open()],
                          quorum=2)  # fmt: skip
        with registry.operator(group) as worker:
            for _ in range(6):
                worker.round(flush=True)
                registry.live.mine()
            assert worker.round().unfinished == 0
        registry.assert_anchored_once(leaves)

    def test_one_lying_node_of_two_stops_the_work(self, registry: Registry) -> None:
        registry.queue(b"no quorum")
        group = NodeGroup([Liar(registry.live), registry.live.open()], quorum=2)
        with registry.operator(group) as worker:
            done = worker.round(flush=True)
        assert isinstance(done.problem, ChainDisagreesError)
        assert registry.state() is WriteState.SEALED


class Liar(Web3Chain):
    """A node that claims that everything is anchored."""

    def __init__(self, live: LiveChain) -> None:
        honest = live.open()
        assert isinstance(honest, Web3Chain)
        super().__init__(honest.node, honest._pins)

    def find_anchor(self, root: bytes, size: int, *, at: BlockRef) -> AnchorMark | None:
        del root, size
        return AnchorMark(operator="0x" + "66" * 20, block=at.number, time=at.time)


class TestReconciliation:
    def test_agreement(self, registry: Registry) -> None:
        registry.queue(b"agreed")
        registry.finish()
        report = reconcile(registry.database, registry.chain, registry.trees, now=registry.now)
        # Other tests wrote from other databases: what they left on chain is nobody's here.
        assert {found.code for found in report.discrepancies} <= {
            "orphan_anchor",
            "revocation_not_ordered",
        }
        assert report.checked["batches"] == 1
        assert report.checked["published writes"] == 1

    def test_a_restored_database_finds_exactly_what_it_lost(
        self, registry: Registry, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        registry.queue(b"before the dump")
        registry.finish()
        before = reconcile(registry.database, registry.chain, registry.trees, now=registry.now)
        restored = Registry(registry.live, tmp_path_factory.mktemp("restored"))
        restored.trees = registry.trees
        registry.queue(b"after the dump")
        registry.finish()
        lost_root, _ = registry.root(2)

        restored.queue(b"before the dump")
        restored.finish()
        after = reconcile(restored.database, registry.chain, registry.trees, now=registry.now)
        known = {str(found.data) for found in before.discrepancies}
        new = [found for found in after.discrepancies if str(found.data) not in known]
        assert {(found.code, found.data["root"]) for found in new} == {
            ("orphan_anchor", lost_root.hex()),
            ("orphan_tree", lost_root.hex()),
        }
        orphan = next(found for found in new if found.code == "orphan_anchor")
        assert orphan.data["tree_object"] is not None
        restored.database.dispose()

    def test_revocations_that_nobody_ordered_here(
        self, registry: Registry, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        other = Registry(registry.live, tmp_path_factory.mktemp("other"))
        TestStatus()._order(other, "body-lab", (LedgerAct.REVOKE, 4000))
        other.finish()
        other.database.dispose()
        with registry.workers():
            pass
        report = reconcile(registry.database, registry.chain, registry.trees, now=registry.now)
        codes = [found.code for found in report.discrepancies]
        assert codes.count("revocation_not_ordered") == report.checked["revocations"] >= 1


@pytest.fixture
def restarting(tmp_path: Path) -> Iterator[LiveChain]:
    """A chain of its own, which the test may stop."""
    chain = LiveChain(tmp_path / "restarting")
    yield chain
    chain.stop()


def test_what_was_mined_before_a_restart_becomes_final(
    restarting: LiveChain, tmp_path_factory: pytest.TempPathFactory
) -> None:
    restarting.found()
    registry = Registry(restarting, tmp_path_factory.mktemp("home"))
    leaves = registry.queue(b"restart")
    with registry.operator() as worker:
        worker.round(flush=True)
        restarting.mine()
        worker.round()
        assert registry.state() is WriteState.MINED
    restarting.stop()
    registry.live = LiveChain(restarting.home)
    registry.chain = registry.live.open()

    block = registry.chain.block_at(1)
    assert block is not None
    with pytest.raises(StateUnavailableError):  # the development chain forgets old states
        registry.chain.find_anchor(bytes(32), 1, at=block)
    registry.live.mine(3)
    registry.finish()
    registry.assert_anchored_once(leaves)
    registry.database.dispose()

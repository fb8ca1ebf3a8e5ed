"""A new deployment continues where the old one ends; what stands on the old one stays proven."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from registry.anchoring.connect import load_installed_profile
from registry.anchoring.crew import crew, equip
from registry.anchoring.decisions import decide
from registry.anchoring.domain import (
    Decision,
    LeafKind,
    QuarantineReason,
    Waiting,
    WriteState,
)
from registry.anchoring.errors import ChainMismatchError
from registry.anchoring.fees import FeePolicy
from registry.anchoring.models import LedgerWriteRow, WriteAttemptRow
from registry.anchoring.ports import AuditedChain
from registry.anchoring.proofs import AnchoredProof, find_proof
from registry.anchoring.queue import enqueue
from registry.anchoring.reconciliation import reconcile
from registry.anchoring.root_audit import RootOutcome, audit_database, audit_store
from registry.anchoring.trees import TreeShelf
from registry.anchoring.worker import Worker
from registry.certificates.contents import open_contents
from registry.kit import schema
from registry.kit.actor import Actor
from registry.kit.database import Database
from registry.kit.objects import FolderObjectStore
from registry.settings import Settings
from tests.support.live_anchoring import LiveChain
from tests.support.live_contracts import LiveContracts
from verifier.chain.profile import load_profile
from verifier.chain.source import RpcTrustSource
from verifier.core.hashing import leaf_digest
from verifier.core.ids import party_bytes32

pytestmark = pytest.mark.chain


class Desk:
    """One database and object store on a chain of its own."""

    def __init__(self, live: LiveChain, folder: Path) -> None:
        self.live, self.folder = live, folder
        self.database = Database(f"sqlite:///{folder / 'lancang.db'}")
        schema.upgrade(self.database)
        self.trees = TreeShelf(FolderObjectStore(folder / "objects"))
        self.now = datetime.now(tz=UTC)
        self.fees = FeePolicy()

    @property
    def chain(self) -> AuditedChain:
        return self.live.open()

    @contextmanager
    def operator(self) -> Iterator[Worker]:
        contents = open_contents(self.live.settings, self.database)
        equipment = replace(
            equip(self.live.settings, self.database, contents=contents, clock=lambda: self.now),
            chain=self.chain,
            trees=self.trees,
            lock_folder=self.folder / "locks",
            fees=self.fees,
        )
        with crew(equipment, observer=lambda _event: None) as workers:
            yield next(worker for worker in workers if worker.sealing is not None)

    def queue(self, entry: bytes) -> bytes:
        leaf = leaf_digest(entry)
        with self.database.begin() as session:
            enqueue(session, leaf, kind=LeafKind.CERTIFICATE, entry=entry, certificate_id=None)
        return leaf

    def finish(self) -> None:
        with self.operator() as worker:
            for _ in range(12):
                if not worker.round(flush=True).unfinished:
                    return
                self.live.mine()
        pytest.fail("unfinished")

    def write(self, write_id: int) -> LedgerWriteRow:
        with self.database.read() as session:
            return session.get_one(LedgerWriteRow, write_id)

    def proof(self, leaf: bytes) -> AnchoredProof:
        with self.database.read() as session:
            proof = find_proof(session, leaf, trees=self.trees)
        assert proof is not None
        return proof


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    live = LiveChain(tmp_path / "chain")
    live.found()
    made = Desk(live, tmp_path)
    yield made
    made.database.dispose()
    live.stop()


def begin_generation(live: LiveChain) -> LiveContracts:
    """Deploy both contracts again, and have the profile say that they speak from now on."""
    contracts = LiveContracts(live.url)
    contracts.govern("addParty", party_bytes32("CN"), b"CN", contracts.accounts[1], bytes(32))
    contracts.govern("authoriseOperator", live.keystore_roles()["operator-1"])
    path = live.settings.trust_profile
    document = json.loads(path.read_text())
    [chain] = document["chains"]
    start = int(contracts.block("latest")["number"], 16) + 1
    chain["generations"][0]["until_block"] = start
    chain["generations"].append(
        {
            "from_block": start,
            "until_block": None,
            "trust_registry": contracts.pinned(contracts.registry),
            "certificate_ledger": contracts.pinned(contracts.ledger),
        }
    )
    path.write_text(json.dumps(document))
    return contracts


def test_a_new_deployment_continues(desk: Desk) -> None:
    old = desk.queue(b"under the first generation")
    desk.finish()
    first = desk.proof(old)
    waiting = desk.queue(b"sealed for the first, not sent")
    with desk.operator() as worker:
        worker._seal(flush=True)
    contracts = begin_generation(desk.live)

    with desk.operator() as worker:
        assert worker.round().waiting == {2: QuarantineReason.LEDGER_CLOSED}
    assert desk.write(2).nonce is None
    decide(
        desk.database, desk.chain, 2, Decision.ABANDON,
        actor=Actor("Chen Hao"), words="the contract was succeeded", now=desk.now,
    )  # fmt: skip
    desk.finish()

    assert desk.write(2).state is WriteState.ABANDONED
    assert desk.proof(old) == first
    second = desk.proof(waiting)
    assert first.anchor is not None
    assert second.anchor is not None
    assert second.anchor.contract.lower() == contracts.ledger
    assert first.anchor.contract.lower() != contracts.ledger
    report = reconcile(desk.database, desk.chain, desk.trees, now=desk.now)
    assert report.discrepancies == []
    assert (report.checked["anchors"], report.checked["published writes"]) == (2, 2)
    for checks in (
        audit_database(desk.database, desk.chain),
        (each for each in audit_store(desk.trees, desk.chain) if each.root == second.root),
    ):
        assert {check.outcome for check in checks} == {RootOutcome.ANCHORED}

    profile = load_profile(desk.live.settings.trust_profile)
    desk.live.mine(3)
    with RpcTrustSource(profile, now=int(time.time())) as trust:
        for proof, anchor in ((first, first.anchor), (second, second.anchor)):
            found = trust.find_anchor(proof.root, proof.size)
            assert found is not None
            assert (found.block, found.contract) == (anchor.block, anchor.contract.lower())


def test_what_the_old_contract_takes_too_late_is_set_aside(desk: Desk) -> None:
    leaf = desk.queue(b"sent just before the succession")
    with desk.operator() as worker:
        worker.round(flush=True)  # sent, and not mined before the new generation begins
        desk.live.ask("anvil_dropAllTransactions")
    begin_generation(desk.live)
    with desk.operator() as worker:
        for _ in range(8):
            desk.now += timedelta(seconds=60)  # the node forgot it: the same bytes again
            done = worker.round()
            desk.live.mine()
    assert done.waiting == {}
    assert desk.write(1).quarantine is QuarantineReason.LEDGER_CLOSED
    decide(
        desk.database, desk.chain, 1, Decision.ABANDON,
        actor=Actor("Chen Hao"), words="too late for the old contract", now=desk.now,
    )  # fmt: skip
    desk.finish()
    assert desk.proof(leaf).anchor is not None
    report = reconcile(desk.database, desk.chain, desk.trees, now=desk.now)
    assert report.discrepancies == []  # the same root, now where it counts


@pytest.mark.parametrize("generation", [0, 1])
def test_other_code_at_any_generation_is_refused(desk: Desk, generation: int) -> None:
    begin_generation(desk.live)
    path = desk.live.settings.trust_profile
    document = json.loads(path.read_text())
    pinned = document["chains"][0]["generations"][generation]["certificate_ledger"]
    pinned["code_hash"] = "0x" + "11" * 32
    path.write_text(json.dumps(document))
    with pytest.raises(ChainMismatchError, match="another contract"):
        desk.chain.head()


class TestFees:
    """A base-fee spike on a real node: re-quoted, and never beyond the budget."""

    def _spike(self, desk: Desk, gwei: int) -> None:
        desk.live.ask("anvil_setNextBlockBaseFeePerGas", hex(gwei * 10**9))
        desk.live.mine()
        desk.now = desk.now.replace(year=desk.now.year + 1)  # far beyond every patience

    def test_fees_are_quoted_anew(self, desk: Desk) -> None:
        leaf = desk.queue(b"one")
        with desk.operator() as worker:
            worker.round(flush=True)
            self._spike(desk, 100)
            worker.round()
        with desk.database.read() as session:
            first, second = session.query(WriteAttemptRow).order_by(WriteAttemptRow.ordinal)
        assert (first.nonce, second.nonce) == (0, 0)
        assert second.max_fee > 100 * 10**9 > first.max_fee
        assert second.max_fee * 8 >= first.max_fee * 9
        assert second.priority_fee * 8 >= first.priority_fee * 9
        desk.finish()
        assert desk.proof(leaf).anchor is not None

    def test_the_budget_holds_and_the_transaction_stays(self, desk: Desk) -> None:
        leaf = desk.queue(b"one")
        with desk.operator() as worker:
            worker.round(flush=True)
        spent = desk.write(1).gas_limit or 0
        desk.fees = FeePolicy(budget=spent * 20 * 10**9)
        self._spike(desk, 100)
        with desk.operator() as worker:
            worker.round()
            assert desk.write(1).waiting in (None, Waiting.FEE_CAP_REACHED.value)
        with desk.database.read() as session:
            assert session.query(WriteAttemptRow).count() == 1
        for _ in range(60):  # the base fee falls by an eighth with every empty block
            desk.live.mine()
        desk.finish()
        assert desk.proof(leaf).anchor is not None


def test_production_wants_a_profile_of_its_own(desk: Desk) -> None:
    document = json.loads(desk.live.settings.trust_profile.read_text())
    generation = document["chains"][0]["generations"][-1]
    settings = Settings.model_validate(
        {
            "environment": "production",
            "home": desk.live.home,
            "database_url": "postgresql+psycopg://lancang@db.example/lancang",
            "verifier_host": "verify.example.org",
            "profile": desk.live.settings.trust_profile,
            "chain": {
                "rpc_urls": ["https://one.example.org", "https://two.example.org"],
                "chain_id": 100,
                "trust_registry": generation["trust_registry"]["address"],
                "certificate_ledger": generation["certificate_ledger"]["address"],
            },
            "signer": {"socket": desk.live.home / "signer.sock"},
        }
    )
    with pytest.raises(ChainMismatchError, match="demonstration profile"):
        load_installed_profile(settings)

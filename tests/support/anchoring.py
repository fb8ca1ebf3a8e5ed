"""An anchoring worker over a temporary database, a folder of objects and a chain in memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from registry.anchoring.decisions import Examination, decide
from registry.anchoring.domain import (
    BatchPolicy,
    Decision,
    Event,
    LeafKind,
    SendOutcome,
    Timing,
    WriteState,
)
from registry.anchoring.fees import FeePolicy
from registry.anchoring.leases import hold_lease
from registry.anchoring.models import BatchRow, LeafRow, LedgerWriteRow, WriteAttemptRow
from registry.anchoring.ports import ContentKeeper, UnsignedTransaction
from registry.anchoring.proofs import AnchoredProof, find_proof
from registry.anchoring.publisher import Publisher
from registry.anchoring.queue import enqueue
from registry.anchoring.repository import steps_of
from registry.anchoring.sealing import Sealing
from registry.anchoring.trees import TreeShelf
from registry.anchoring.worker import Observer, Worker
from registry.kit.actor import Actor
from registry.kit.database import Database
from registry.kit.objects import FolderObjectStore, ObjectStore
from tests.support.fake_chain import CHAIN_ID, GAS, LEDGER, FakeChain, FakeSigner
from verifier.core.hashing import leaf_digest
from verifier.core.merkle import root_from_path

OPERATOR = Actor("Chen Hao")
START = datetime(2026, 9, 21, 12, tzinfo=UTC)


@dataclass
class Installation:
    """One registry's anchoring part, as it survives the death of a process.

    `template` is a migrated SQLite database to copy, or the URL of a migrated PostgreSQL database.
    """

    folder: Path
    template: Path | str
    chain: FakeChain = field(default_factory=FakeChain)
    signer: FakeSigner = field(default_factory=FakeSigner)
    policy: BatchPolicy = field(default_factory=BatchPolicy)
    timing: Timing = field(default_factory=Timing)
    fees: FeePolicy = field(default_factory=FeePolicy)
    contents: ContentKeeper | None = None
    now: datetime = START

    def __post_init__(self) -> None:
        url = self.template
        if isinstance(url, Path):
            path = self.folder / "lancang.db"
            shutil.copyfile(url, path)
            url = f"sqlite:///{path}"
        self.database = Database(url)
        self.objects: ObjectStore = FolderObjectStore(self.folder / "objects")
        self.chain.database = self.database

    def queue(self, *entries: bytes, kind: LeafKind = LeafKind.CERTIFICATE) -> list[bytes]:
        leaves = [leaf_digest(entry) for entry in entries]
        with self.database.begin() as session:
            for leaf, entry in zip(leaves, entries, strict=True):
                enqueue(
                    session,
                    leaf,
                    kind=kind,
                    entry=entry,
                    certificate_id=None,
                    clock=lambda: self.now,
                )
        return leaves

    @contextmanager
    def worker(self, observer: Observer | None = None) -> Iterator[Worker]:
        """A process that becomes the sequencer; leaving the context is its end."""
        with hold_lease(
            self.database,
            self.signer.address,
            chain_id=CHAIN_ID,
            lock_folder=self.folder / "locks",
        ) as lease:
            publisher = Publisher(
                database=self.database,
                lease=lease,
                chain=self.chain,
                signer=self.signer,
                trees=TreeShelf(self.objects),
                contents=self.contents,
                fees=self.fees,
                timing=self.timing,
                clock=lambda: self.now,
            )
            yield Worker(
                publisher=publisher,
                sealing=Sealing(policy=self.policy, contract=LEDGER),
                observer=observer or (lambda _event: None),
            )

    def send_as(self, signer: FakeSigner, data: bytes) -> None:
        """Let somebody else call the ledger."""
        transaction = UnsignedTransaction(
            chain_id=CHAIN_ID,
            nonce=self.chain.blocks[-1].state.counts.get(signer.address, 0),
            to=LEDGER,
            data=data,
            gas_limit=GAS,
            fees=self.chain.quote(),
        )
        outcome = self.chain.send(signer.sign(transaction).raw)
        assert outcome is SendOutcome.ACCEPTED

    def events_of(self, write_id: int) -> list[Event]:
        with self.database.read() as session:
            return [step.event for step in steps_of(session, write_id)]

    def decide(self, write_id: int, decision: Decision) -> Examination:
        """Let somebody decide about a write in quarantine."""
        return decide(
            self.database,
            self.chain,
            write_id,
            decision,
            actor=OPERATOR,
            words="as the chain shows",
            now=self.now,
        )

    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def finish(self, *, rounds: int = 12) -> None:
        """Work and mine until nothing is left, as a supervisor would let it."""
        with self.worker() as worker:
            for _ in range(rounds):
                done = worker.round(flush=True)
                if not done.unfinished and done.problem is None:
                    return
                self.chain.mine()
                self.pass_time(12)
        raise AssertionError(f"unfinished after {rounds} rounds: {done}")

    def proof(self, leaf: bytes) -> AnchoredProof | None:
        with self.database.read() as session:
            return find_proof(session, leaf, trees=TreeShelf(self.objects))

    def batches(self) -> list[tuple[WriteState, bytes | None, int | None]]:
        with self.database.read() as session:
            rows = session.execute(
                select(LedgerWriteRow.state, BatchRow.root, BatchRow.size)
                .join(BatchRow, BatchRow.id == LedgerWriteRow.id)
                .order_by(BatchRow.id)
            )
            return [(state, root, size) for state, root, size in rows]

    def write(self, write_id: int) -> LedgerWriteRow:
        with self.database.read() as session:
            return session.get_one(LedgerWriteRow, write_id)

    def attempts(self) -> list[WriteAttemptRow]:
        with self.database.read() as session:
            return list(
                session.scalars(
                    select(WriteAttemptRow).order_by(WriteAttemptRow.nonce, WriteAttemptRow.ordinal)
                )
            )

    def assert_anchored_once(self, leaves: list[bytes]) -> None:
        """Every leaf is proven, every root has exactly one Anchored event, and nothing else."""
        roots = set()
        trees = TreeShelf(self.objects)
        for leaf in leaves:
            with self.database.read() as session:
                proof = find_proof(session, leaf, trees=trees)
            assert proof is not None
            assert proof.anchor is not None
            assert proof.root == root_from_path(
                leaf, index=proof.index, size=proof.size, path=proof.path
            )
            assert (proof.root, proof.size) in self.chain.blocks[-1].state.anchors
            roots.add(proof.root)
        events = [root for root, _ in self.chain.events]
        assert len(events) == len(set(events))
        assert roots <= set(events)
        standing = {root for at, root, _ in self.batches() if at is not WriteState.ABANDONED}
        assert set(events) == standing
        with self.database.read() as session:
            queued = session.scalars(select(LeafRow.id).where(LeafRow.batch_id.is_(None))).all()
            assert queued == []

"""Certificates of a founded installation on a real chain, and what must be true of them at last.

The chain and the contracts are shared; every test has a copy of the founded database, an object
store and a clock of its own. Blocks are made only when a test says so.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from registry.anchoring.connect import embedded_chain, open_chain
from registry.anchoring.crew import crew, equip
from registry.anchoring.decisions import decide, set_aside
from registry.anchoring.domain import Decision, Event, WriteState
from registry.anchoring.findings import Discrepancy
from registry.anchoring.models import BatchRow, LeafRow, LedgerWriteRow
from registry.anchoring.ports import AnchorRecord, AuditedChain
from registry.anchoring.reconciliation import reconcile
from registry.anchoring.registration import OPERATORS
from registry.anchoring.repository import steps_of
from registry.anchoring.trees import TreeShelf
from registry.anchoring.worker import Worker
from registry.bodies.importers import body_of
from registry.certificates import service
from registry.certificates.contents import Contents
from registry.certificates.importers import Item, drafts_of
from registry.certificates.issuing import Issuer
from registry.certificates.receipts import public_receipt
from registry.founding import (
    make_missing_keys,
    note_registered,
    read_founders,
    record_founders,
    registration,
)
from registry.kit import schema
from registry.kit.actor import Actor
from registry.kit.database import Database
from registry.kit.objects import FolderObjectStore
from registry.kit.objects.key_ring import KeyRing
from registry.settings import AnchoringSettings, ChainSettings, CoSigning, Settings
from registry.signing.keystore import Keystore
from registry.signing.server import SigningDesk
from tests.support.live_anchoring import LiveChain
from tests.support.registry_world import LI, PASSPHRASE, SAMPLES, WANG, DeskClient, samples
from verifier.chain.profile import load_profile
from verifier.chain.source import RpcTrustSource
from verifier.checks.verdict import Overall
from verifier.core.receipt import build_receipt
from verifier.report import Report
from verifier.service import Question, Submission, verify

GENUINE = Overall.VALID_WITH_NOTES  # a development chain is always a note
_CHAIN_ID = 31337
_OPERATOR = Actor("Chen Hao")


@dataclass
class Founded:
    """Parties, bodies and keys of the samples, in a database and on a chain.

    Attributes:
        passed: How far time has gone on beyond that of this machine.
    """

    folder: Path
    passed: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        self.live = LiveChain(self.folder / "home")
        keys = self.folder / "documents"
        Keystore.create(keys, PASSPHRASE, cost=2**10)
        self.keystore = Keystore.open(keys, PASSPHRASE)
        database = Database(f"sqlite:///{self.folder / 'founded.db'}")
        schema.upgrade(database)
        self.found(database)
        database.dispose()

    def found(self, database: Database) -> None:
        """Hold the ceremony, or repeat it for another database."""
        founders = read_founders(SAMPLES.read_bytes(), source=SAMPLES.name)
        now = datetime.now(tz=UTC)
        record_founders(database, founders, actor=LI, at=now)
        make_missing_keys(database, self.signer(now), actor=LI, at=now, co_signing=CoSigning.OFF)
        setup = self.live.found(registration(database, operators=OPERATORS))
        note_registered(database, setup.registered)

    def now(self) -> datetime:
        """Return the true time."""
        return datetime.now(tz=UTC) + self.passed

    def pass_time(self, time: timedelta) -> None:
        """Let time go by, for everybody on this chain."""
        self.live.ask("evm_increaseTime", int(time.total_seconds()))
        self.live.mine()
        self.passed += time

    def signer(self, now: datetime) -> DeskClient:
        """Return the signer of the document keys, whose clock stands at a moment."""
        return DeskClient(SigningDesk(self.keystore, clock=lambda: now, may_generate=True))

    def end(self) -> None:
        self.live.stop()

    def lose(self, keep: Callable[[], object]) -> None:
        """Kill the chain with -9 and start it from what `keep` leaves as its saved state."""
        endpoint = embedded_chain(self.live.settings).find()
        assert endpoint is not None
        os.kill(endpoint.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(endpoint.pid, 0)
        keep()
        keystore = self.live.keystore
        self.live = LiveChain(self.live.home)
        self.live.keystore = keystore


@dataclass
class Ground:
    """One registry.

    Attributes:
        founded: What it shares with others.
        folder: Of its object store and locks.
        url: Of its database, which holds what was founded.
        lead: How far its clocks are ahead of the true time.
        depth: How many blocks on top make one final; None: as the chain says.
    """

    founded: Founded
    folder: Path
    url: str
    lead: timedelta = timedelta(0)
    depth: int | None = None
    leaves: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.database = Database(self.url)
        self.objects = FolderObjectStore(self.folder / "objects")
        self.trees = TreeShelf(self.objects)
        self.profile = self.folder / "profile.json"
        document = json.loads((self.live.home / "profile.json").read_text("utf-8"))
        if self.depth is not None:
            document["chains"][0]["finality"] = {"rule": "depth", "depth": self.depth}
        self.profile.write_text(json.dumps(document), "utf-8")
        self.strangers = {anchor.root for anchor in self._anchors()}

    @property
    def live(self) -> LiveChain:
        """The chain, as it runs now."""
        return self.founded.live

    def now(self) -> datetime:
        """Return the present moment by the clock of this registry."""
        return self.founded.now() + self.lead

    def settings(self, *urls: str) -> Settings:
        return Settings(
            home=self.live.home,
            profile=self.profile,
            chain=ChainSettings(
                rpc_urls=urls or (self.live.url,),
                chain_id=_CHAIN_ID,
                timeout=timedelta(seconds=1),
            ),
            anchoring=AnchoringSettings(
                resend_after=timedelta(0), replace_after=timedelta(hours=1)
            ),
        )

    def chain(self, *urls: str) -> AuditedChain:
        """Return the chain as nodes at some addresses show it."""
        return open_chain(self.settings(*urls), pause=lambda _seconds: None)

    def issue(self, *numbers: str) -> None:
        """Draft, approve and sign certificates, which then wait in the queue."""
        document = samples()["documents"][0]
        bodies = {value["id"]: body_of(value) for value in samples()["bodies"]}
        items = [
            Item(source="test.json", pointer=f"/{at}", value=document | {"number": number})
            for at, number in enumerate(numbers)
        ]
        drafts, problems = drafts_of(items, bodies)
        assert not problems, problems
        with self.database.begin() as session:
            outcome = service.import_drafts(session, drafts, maker=LI, at=self.now())
        with self.database.begin() as session:
            service.approve(session, outcome.ids, approver=WANG, at=self.now())
        signer = self.founded.signer(self.now())
        issuer = Issuer(database=self.database, signer=signer, clock=self.now)
        self.leaves += [each.leaf for each in issuer.issue(list(outcome.ids))]

    @contextmanager
    def worker(
        self, chain: AuditedChain | None = None, database: Database | None = None
    ) -> Iterator[Worker]:
        """Yield the operator's worker, which may see chain or database through something."""
        settings, database = self.settings(), database or self.database
        contents = Contents(database=database, objects=self.objects, ring=KeyRing(bytes(32)))
        equipment = replace(
            equip(settings, database, contents=contents, clock=self.now),
            chain=chain or self.chain(),
            keystore=self.live.keystore,
            trees=self.trees,
            lock_folder=self.folder / "locks",
        )
        with crew(equipment, observer=lambda _event: None) as workers:
            yield next(worker for worker in workers if worker.sealing is not None)

    def mine(self, blocks: int) -> None:
        """Make many blocks at once."""
        self.live.ask("anvil_mine", hex(blocks))

    def finish(self, rounds: int = 40) -> None:
        """Work and make blocks until nothing is left."""
        with self.worker() as worker:
            for _ in range(rounds):
                done = worker.round(flush=True)
                if not done.unfinished and done.problem is None:
                    return
                self.live.mine()
        pytest.fail(f"unfinished after {rounds} rounds")

    def state(self, write_id: int = 1) -> WriteState:
        with self.database.read() as session:
            return session.get_one(LedgerWriteRow, write_id).state

    def states(self) -> list[WriteState]:
        with self.database.read() as session:
            rows = session.scalars(select(LedgerWriteRow).order_by(LedgerWriteRow.id))
            return [row.state for row in rows]

    def events(self, write_id: int = 1) -> list[Event]:
        with self.database.read() as session:
            return [step.event for step in steps_of(session, write_id)]

    def sizes(self) -> list[int]:
        """Return how many leaves every batch has, in their order."""
        with self.database.read() as session:
            return [
                row.size or 0 for row in session.scalars(select(BatchRow).order_by(BatchRow.id))
            ]

    def queued_leaves(self) -> list[bytes]:
        """Return every leaf that was ever queued."""
        with self.database.read() as session:
            return list(session.scalars(select(LeafRow.leaf)))

    def roots(self) -> list[bytes]:
        """Return the roots of every batch that is not abandoned, in their order."""
        with self.database.read() as session:
            standing = select(BatchRow).where(BatchRow.abandoned_at.is_(None))
            rows = session.scalars(standing.order_by(BatchRow.id))
            return [row.root or b"" for row in rows]

    def discrepancies(self) -> list[Discrepancy]:
        """Compare everything; what other registries wrote on the chain is not of interest."""
        report = reconcile(self.database, self.chain(), self.trees, now=self.now())
        strangers = {root.hex() for root in self.strangers}
        return [each for each in report.discrepancies if each.data.get("root") not in strangers]

    def decide(self, decision: Decision, *, write_id: int = 1) -> None:
        """Let a person decide about a published write whose effect is gone."""
        words, now = "as the chain shows", self.now()
        if self.state(write_id) is WriteState.PUBLISHED:
            set_aside(self.database, self.chain(), write_id, actor=_OPERATOR, words=words, now=now)
        decide(
            self.database, self.chain(), write_id, decision, actor=_OPERATOR, words=words, now=now
        )

    def reports(self, *urls: str, lead: timedelta = timedelta(0)) -> list[Report]:
        """Verify the receipt of every certificate, as a checker with a clock of its own does.

        Args:
            urls: Nodes that he asks, which must all agree.
            lead: How far his clock is ahead of the true time.
        """
        asked = urls or (self.live.url,)
        now = int((self.founded.now() + lead).timestamp())
        profile = load_profile(self.profile).with_endpoints(asked, quorum=len(asked))
        with self.database.read() as session:
            receipts = [
                build_receipt(public_receipt(session, leaf, trees=self.trees))
                for leaf in self.leaves
            ]
        with RpcTrustSource(profile, now=now) as source:
            return [
                verify(
                    Submission(receipts=(receipt,)),
                    Question(checked_at=now),
                    profile=profile,
                    source=source,
                )
                for receipt in receipts
            ]

    def verdicts(self, *urls: str, lead: timedelta = timedelta(0)) -> set[Overall]:
        return {report.overall for report in self.reports(*urls, lead=lead)}

    def assert_whole(self) -> None:
        """One anchor for every batch, nothing lost, everybody agrees, every verdict is right."""
        anchored = [each.root for each in self._anchors() if each.root not in self.strangers]
        assert sorted(anchored) == sorted(self.roots())
        assert set(self.states()) <= {WriteState.PUBLISHED, WriteState.ABANDONED}
        assert self.discrepancies() == []
        self.live.mine(2)  # a checker finds a fresh head
        reports = self.reports()
        assert {report.overall for report in reports} == {GENUINE}, reports

    def _anchors(self) -> list[AnchorRecord]:
        chain = self.chain()
        return list(chain.anchors(at=chain.head()))


Grounds = Callable[..., Ground]

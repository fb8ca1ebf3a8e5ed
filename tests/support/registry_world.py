"""A registry with the sample parties, bodies and keys, as after the ceremony of `lancang init`."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.anchoring.models import BatchRow
from registry.anchoring.trees import TreeShelf
from registry.bodies import service as bodies
from registry.bodies.domain import Body, ScopeDocument
from registry.bodies.importers import body_of, scope_rows_of
from registry.certificates import service
from registry.certificates.delivery import Delivery, deliver
from registry.certificates.importers import Item, drafts_of
from registry.certificates.issuing import Issued, Issuer
from registry.certificates.releasing import Release, Releaser
from registry.kit.actor import Actor
from registry.kit.database import Database
from registry.kit.objects import FolderObjectStore
from registry.parties.importers import party_of
from registry.parties.service import mark_party_on_chain, register_party
from registry.signing.channel import Channel
from registry.signing.client import SignerClient
from registry.signing.description import KeyDescription
from registry.signing.keystore import Keystore
from registry.signing.server import SigningDesk
from tests.support.anchoring import Installation
from tests.support.evidence_builders import CHAIN_ID, InMemoryTrustSource
from tests.support.registry_database import NOW
from verifier.checks.facts import (
    AnchorFacts,
    BodyFacts,
    BodyState,
    BodyStatusFact,
    Head,
    KeyFacts,
    KeyPurpose,
    ScopeFact,
)
from verifier.core.keys import Algorithm
from verifier.core.strict_json import JsonObject

SAMPLES = Path(__file__).parents[2] / "examples" / "sample_documents.json"
LI, WANG = Actor("Li Na"), Actor("Wang Fang")
REGISTERED = NOW - timedelta(days=1)
ACCREDITED = 1_700_000_000  # November 2023
PASSPHRASE = b"open sesame"


@cache
def _samples_text() -> str:
    return SAMPLES.read_text("utf-8")


def samples() -> dict[str, Any]:
    """Return the sample file, fresh for every caller."""
    loaded: dict[str, Any] = json.loads(_samples_text())
    return loaded


class DeskChannel(Channel):
    """A line to a desk that lives in this process; no socket, the same rules."""

    def __init__(self, desk: SigningDesk) -> None:
        super().__init__(socket.socket)  # never called
        self.desk = desk

    def _exchange(self, request: JsonObject) -> JsonObject:
        return self.desk.answer(request)


class DeskClient(SignerClient):
    """A signer client whose desk lives in this process."""

    def __init__(self, desk: SigningDesk) -> None:
        super().__init__(DeskChannel(desk))
        self.desk = desk


@dataclass
class Clock:
    """A clock that tests move."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass(kw_only=True)
class World:
    """The registry under test."""

    installation: Installation
    signer: DeskClient
    clock: Clock
    bodies: Mapping[str, Body]

    @property
    def database(self) -> Database:
        """The database under test."""
        return self.installation.database

    @property
    def folder(self) -> Path:
        """Where everything is kept that is not in the database."""
        return self.installation.folder

    def issuer(self) -> Issuer:
        """Return an issuer on this registry."""
        return Issuer(database=self.database, signer=self.signer, clock=self.clock)

    def draft(self, *documents: dict[str, Any], maker: Actor = LI) -> list[str]:
        """Import documents, which must be right, and return their ids."""
        items = [
            Item(source="test.json", pointer=f"/{at}", value=document)
            for at, document in enumerate(documents)
        ]
        drafts, problems = drafts_of(items, self.bodies)
        assert not problems, problems
        with self.database.begin() as session:
            outcome = service.import_drafts(session, drafts, maker=maker, at=self.clock())
        return list(outcome.ids)

    def approve(self, identifiers: list[str], approver: Actor = WANG) -> None:
        """Approve drafts."""
        with self.database.begin() as session:
            service.approve(session, identifiers, approver=approver, at=self.clock())

    def issue(self, *documents: dict[str, Any]) -> list[Issued]:
        """Import, approve and sign."""
        identifiers = self.draft(*documents)
        self.approve(identifiers)
        return self.issuer().issue(identifiers)

    def key(self, alias: str, purpose: KeyPurpose) -> KeyDescription:
        """Return the key of a body for a purpose."""
        body = self.bodies[alias].id
        return next(
            key for key in self.signer.descriptions() if (key.body, key.purpose) == (body, purpose)
        )

    def release(
        self,
        certificate_id: str,
        *paths: str,
        destination: str = "LA",
        grounds: tuple[str, ...] = ("PD1",),
    ) -> bytes:
        """Make a view and return the leaf of its statement."""
        releaser = Releaser(database=self.database, signer=self.signer, clock=self.clock)
        asked = Release(
            certificate_id=certificate_id, destination=destination, withhold=paths, grounds=grounds
        )
        return releaser.release(asked, actor=WANG)

    def deliver(self, certificate_id: str, release_leaf: bytes | None = None) -> Delivery:
        """Return what a holder receives."""
        with self.database.read() as session:
            return deliver(
                session,
                certificate_id,
                trees=self.trees,
                verifier_host="verify.lancang.example",
                release_leaf=release_leaf,
            )

    @property
    def trees(self) -> TreeShelf:
        """The stored trees, in the folder that `anchor` fills."""
        return TreeShelf(FolderObjectStore(self.folder / "objects"))

    def anchor(self) -> None:
        """Anchor everything queued on a chain in memory and wait until it is final."""
        self.installation.now = self.clock()
        self.installation.finish()

    def trust_source(self) -> InMemoryTrustSource:
        """Return what the chain would say about this registry: bodies, keys, anchors."""
        registered = int(REGISTERED.timestamp())
        source = InMemoryTrustSource(
            Head(chain_id=CHAIN_ID, block=500, block_hash=bytes(32), time=int(NOW.timestamp()))
        )
        with self.database.read() as session:
            for body in self.bodies.values():
                source.bodies[body.id] = _body_facts(body, bodies.scopes(session, body.id))
                for key in bodies.keys(session, body.id):
                    source.keys[body.id, key.public_key.thumbprint()] = KeyFacts(
                        public_key=key.public_key,
                        purpose=key.purpose,
                        registered_at=registered,
                        sign_until=None,
                        anchor_until=None,
                        revoked_at=None,
                        revocation_recorded_at=None,
                        compromised_since=None,
                    )
            for batch in session.scalars(select(BatchRow)):
                assert batch.root is not None
                assert batch.size is not None
                source.anchors[batch.root, batch.size] = AnchorFacts(
                    chain_id=CHAIN_ID,
                    contract="0x" + "11" * 20,
                    operator="0x" + "22" * 20,
                    root=batch.root,
                    size=batch.size,
                    block=400,
                    time=int(self.clock().timestamp()),
                )
        return source


def _body_facts(body: Body, scopes: list[ScopeDocument]) -> BodyFacts:
    registered = int(REGISTERED.timestamp())
    return BodyFacts(
        body_id=body.id,
        party=body.party,
        country=body.country,
        party_removed_at=None,
        did=body.did,
        kind=body.kind,
        registered_at=registered,
        statuses=(
            BodyStatusFact(
                state=BodyState.ACTIVE, effective_from=1_700_000_000, recorded_at=registered
            ),
        ),
        scopes=tuple(
            ScopeFact(
                document_hash=scope.sha256,
                effective_from=int(scope.effective_from.timestamp()),
                effective_until=None
                if scope.effective_until is None
                else int(scope.effective_until.timestamp()),
                recorded_at=registered,
            )
            for scope in scopes
        ),
    )


def build_world(installation: Installation) -> World:
    """Register the sample parties and bodies with four keys each, all on chain since yesterday."""
    Keystore.create(installation.folder / "keys", PASSPHRASE, cost=2**10)
    world = open_world(installation)
    content = samples()
    with installation.database.begin() as session:
        for value in content["parties"]:
            register_party(session, party_of(value), actor=LI, at=REGISTERED)
            mark_party_on_chain(session, value["id"], REGISTERED)
        for value in content["bodies"]:
            _register(session, world.signer, value)
    return world


def open_world(installation: Installation) -> World:
    """Return the world of an installation that was built before."""
    clock = Clock()
    keystore = Keystore.open(installation.folder / "keys", PASSPHRASE)
    return World(
        installation=installation,
        signer=DeskClient(SigningDesk(keystore, clock=clock, may_generate=True)),
        clock=clock,
        bodies={value["id"]: body_of(value) for value in samples()["bodies"]},
    )


def _register(session: Session, signer: SignerClient, value: dict[str, Any]) -> None:
    body = body_of(value)
    bodies.register_body(session, body, actor=LI, at=REGISTERED)
    bodies.mark_body_on_chain(session, body.id, REGISTERED)
    scope = bodies.publish_scope(session, body, scope_rows_of(value), actor=LI, at=REGISTERED)
    bodies.mark_scope_on_chain(session, scope.sha256, REGISTERED)
    for purpose in KeyPurpose:
        key = signer.generate(body=body.id, purpose=purpose, algorithm=Algorithm.ES256)
        bodies.add_key(
            session, key.public_key, body=body.id, purpose=purpose, actor=LI, at=REGISTERED
        )
        bodies.mark_key_on_chain(session, key.public_key.thumbprint(), REGISTERED)

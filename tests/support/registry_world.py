"""A registry with the sample parties, bodies and keys, as after the ceremony of `lancang init`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from registry.bodies import service as bodies
from registry.bodies.domain import Body
from registry.bodies.importers import body_of, scope_rows_of
from registry.certificates import service
from registry.certificates.importers import Item, drafts_of
from registry.certificates.issuing import Issued, Issuer
from registry.kit.actor import Actor
from registry.kit.database import Database
from registry.parties.importers import party_of
from registry.parties.service import mark_party_on_chain, register_party
from registry.signing.client import RemoteSigner, SignerClient
from registry.signing.description import KeyDescription, SigningContext
from registry.signing.keystore import Keystore
from registry.signing.server import SigningDesk
from tests.support.registry_database import NOW
from verifier.checks.facts import KeyPurpose
from verifier.core.keys import Algorithm, PublicKey
from verifier.core.strict_json import JsonObject

SAMPLES = Path(__file__).parents[2] / "examples" / "sample_documents.json"
LI, WANG = Actor("Li Na"), Actor("Wang Fang")
REGISTERED = NOW - timedelta(days=1)


@cache
def _samples_text() -> str:
    return SAMPLES.read_text("utf-8")


def samples() -> dict[str, Any]:
    """Return the sample file, fresh for every caller."""
    loaded: dict[str, Any] = json.loads(_samples_text())
    return loaded


class DeskClient(SignerClient):
    """A signer client whose desk lives in this process; no socket, the same rules."""

    def __init__(self, desk: SigningDesk) -> None:
        super().__init__(Path("/nonexistent"), timeout=timedelta(seconds=1))
        self.desk = desk

    def _exchange(self, request: JsonObject) -> JsonObject:
        return self.desk.answer(request)


@dataclass
class Clock:
    """A clock that tests move."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass(kw_only=True)
class World:
    """The registry under test."""

    database: Database
    signer: DeskClient
    clock: Clock
    bodies: Mapping[str, Body]

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

    def sign_with(self, key: PublicKey, context: SigningContext | None = None) -> RemoteSigner:
        """Return a signer for one key."""
        return self.signer.signer(key, context)


def build_world(database: Database, folder: Path) -> World:
    """Register the sample parties and bodies with four keys each, all on chain since yesterday."""
    clock = Clock()
    keystore = Keystore.create(folder / "keys", b"open sesame", cost=2**10)
    signer = DeskClient(SigningDesk(keystore, clock=clock, may_generate=True))
    content = samples()
    registered = {}
    with database.begin() as session:
        for value in content["parties"]:
            register_party(session, party_of(value), actor=LI, at=REGISTERED)
            mark_party_on_chain(session, value["id"], REGISTERED)
        for value in content["bodies"]:
            body = body_of(value)
            registered[body.alias] = body
            bodies.register_body(session, body, actor=LI, at=REGISTERED)
            bodies.mark_body_on_chain(session, body.id, REGISTERED)
            scope = bodies.publish_scope(
                session, body, scope_rows_of(value), actor=LI, at=REGISTERED
            )
            bodies.mark_scope_on_chain(session, scope.sha256, REGISTERED)
            for purpose in KeyPurpose:
                key = signer.generate(body=body.id, purpose=purpose, algorithm=Algorithm.ES256)
                bodies.add_key(
                    session,
                    key.public_key,
                    body=body.id,
                    purpose=purpose,
                    actor=LI,
                    at=REGISTERED,
                )
                bodies.mark_key_on_chain(session, key.public_key.thumbprint(), REGISTERED)
    return World(database=database, signer=signer, clock=clock, bodies=registered)

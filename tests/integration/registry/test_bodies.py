from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from registry.bodies import service
from registry.bodies.errors import (
    BodyDiffersError,
    BodyNotFoundError,
    KeyDiffersError,
    NoSigningKeyError,
    UnusableScopeError,
)
from registry.bodies.importers import scope_rows_of
from registry.parties.domain import Party
from registry.parties.errors import PartyDiffersError, PartyNotFoundError
from registry.parties.service import get_party, parties, register_party
from registry.signing.software import SoftwareKey
from tests.support.registry_database import NOW
from tests.support.registry_world import LI, REGISTERED, World, samples
from verifier.checks.facts import KeyPurpose
from verifier.core.keys import Algorithm


def test_registering_again_changes_nothing(world: World) -> None:
    body = world.bodies["demo-km"]
    with world.database.begin() as session:
        before = (parties(session), service.bodies(session), service.scopes(session, body.id))
        register_party(session, get_party(session, "CN").party, actor=LI, at=NOW)
        service.register_body(session, body, actor=LI, at=NOW)
        rows = scope_rows_of(samples()["bodies"][0])
        service.publish_scope(session, body, rows, actor=LI, at=NOW)
        assert (parties(session), service.bodies(session), service.scopes(session, body.id)) == (
            before
        )


def test_ids_and_aliases_are_taken_once(world: World) -> None:
    body = world.bodies["demo-km"]
    with world.database.begin() as session:
        with pytest.raises(PartyDiffersError):
            register_party(
                session, Party(id="CN", country="CN", name={"en": "X"}), actor=LI, at=NOW
            )
        for changed in (
            replace(body, demonstration=False),
            replace(body, alias="other"),
            replace(body, did="did:web:other.example"),
            replace(body, did=world.bodies["demo-bm"].did),
        ):
            with pytest.raises(BodyDiffersError):
                service.register_body(session, changed, actor=LI, at=NOW)
        with pytest.raises(PartyNotFoundError):
            service.register_body(session, replace(body, party="XX"), actor=LI, at=NOW)
        with pytest.raises(BodyNotFoundError):
            service.get_body(session, bytes(32))


def test_the_newest_usable_key_signs(world: World) -> None:
    body = world.bodies["demo-km"].id
    old = world.key("demo-km", KeyPurpose.CERTIFICATE).public_key
    new = SoftwareKey.generate(Algorithm.EDDSA).public
    with world.database.begin() as session:
        service.add_key(session, new, body=body, purpose=KeyPurpose.CERTIFICATE, actor=LI, at=NOW)
        found = service.signing_key(session, body, KeyPurpose.CERTIFICATE, at=NOW)
        assert found.public_key == old  # the new one is not on chain yet
        service.mark_key_on_chain(session, new.thumbprint(), NOW)
        found = service.signing_key(session, body, KeyPurpose.CERTIFICATE, at=NOW)
        assert found.public_key == new
        with pytest.raises(NoSigningKeyError):
            service.signing_key(
                session, body, KeyPurpose.CERTIFICATE, at=REGISTERED - timedelta(seconds=1)
            )


def test_a_key_is_never_shared(world: World) -> None:
    key = world.key("demo-km", KeyPurpose.CERTIFICATE).public_key
    with world.database.begin() as session:
        for body, purpose in (
            ("demo-km", KeyPurpose.RECORD),
            ("demo-bm", KeyPurpose.CERTIFICATE),
        ):
            with pytest.raises(KeyDiffersError):
                service.add_key(
                    session,
                    key,
                    body=world.bodies[body].id,
                    purpose=purpose,
                    actor=LI,
                    at=NOW,
                )


def test_a_scope_for_no_time_is_refused(world: World) -> None:
    body = world.bodies["demo-km"]
    [row, *_] = scope_rows_of(samples()["bodies"][0])
    empty = replace(row, valid_until=row.valid_from)
    with world.database.begin() as session, pytest.raises(UnusableScopeError):
        service.publish_scope(session, body, [empty], actor=LI, at=NOW)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE scope_documents SET content = :other",
        "UPDATE scope_documents SET effective_from = '2020-01-01 00:00:00.000000'",
        "DELETE FROM scope_documents",
        "UPDATE body_keys SET public_key = :other",
        "UPDATE body_keys SET purpose = 4",
        "UPDATE body_keys SET on_chain_since = '2020-01-01 00:00:00.000000'",
        "UPDATE body_keys SET on_chain_since = NULL",
        "DELETE FROM body_keys",
        "UPDATE bodies SET did = 'did:web:other.example'",
        "UPDATE bodies SET demonstration = NOT demonstration",
        "DELETE FROM bodies",
        "UPDATE parties SET country = 'XX'",
        "DELETE FROM parties",
    ],
)
def test_the_database_keeps_what_the_chain_was_told(world: World, statement: str) -> None:
    parameters = {"other": b"\x00"} if ":other" in statement else {}
    with pytest.raises(IntegrityError), world.database.begin() as session:
        session.execute(text(statement), parameters)

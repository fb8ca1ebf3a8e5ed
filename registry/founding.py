"""Founding an installation: parties, bodies, scopes and keys, in the database and on chain.

The steps of `lancang init`, each of which can be repeated: what is recorded stays, what is missing
is added, what contradicts is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from registry.anchoring.registration import (
    BodyEntry,
    KeyEntry,
    PartyEntry,
    Registered,
    Registration,
    ScopeEntry,
)
from registry.bodies import service as bodies
from registry.bodies.domain import Body, BodyKey
from registry.bodies.importers import BODY, body_of, scope_rows_of
from registry.kit.actor import Actor
from registry.kit.database import Database
from registry.kit.import_problems import FileProblem, ImportRefusedError, in_file
from registry.parties import service as parties
from registry.parties.importers import PARTY, party_of
from registry.signing.client import SignerClient
from verifier.checks.facts import BodyKind, KeyPurpose
from verifier.core.errors import MalformedEvidenceError
from verifier.core.keys import Algorithm
from verifier.core.strict_json import JsonObject, JsonValue, parse_json_object

_MAX_BYTES: Final = 16 * 1024 * 1024  # a file of parties and bodies may also hold documents
_PURPOSES: Final[Mapping[BodyKind, tuple[KeyPurpose, ...]]] = {
    BodyKind.LABORATORY: (KeyPurpose.CERTIFICATE, KeyPurpose.SUMMARY, KeyPurpose.STATEMENT),
    BodyKind.INSPECTION_BODY: (KeyPurpose.RECORD, KeyPurpose.SUMMARY, KeyPurpose.STATEMENT),
    BodyKind.INSPECTION_OFFICE: (KeyPurpose.RECORD, KeyPurpose.SUMMARY, KeyPurpose.STATEMENT),
}


@dataclass(frozen=True, slots=True)
class Founders:
    """Parties and bodies as a file describes them, checked."""

    parties: tuple[JsonObject, ...]
    bodies: tuple[JsonObject, ...]


def read_founders(content: bytes, *, source: str) -> Founders:
    """Read the members `parties` and `bodies` of an import file; others are passed over.

    Raises:
        ImportRefusedError: Something is wrong; it names everything.
    """
    try:
        document = parse_json_object(content, what=source, max_bytes=_MAX_BYTES)
    except MalformedEvidenceError as error:
        problem = FileProblem(source=source, pointer="", code=error.reason, message=str(error))
        raise ImportRefusedError([problem]) from error
    listed = {name: document.get(name, []) for name in ("parties", "bodies")}
    if problems := list(_problems(source, listed)):
        raise ImportRefusedError(problems)
    return Founders(parties=_objects(listed["parties"]), bodies=_objects(listed["bodies"]))


def record_founders(database: Database, founders: Founders, *, actor: Actor, at: datetime) -> None:
    """Record parties, bodies and scope documents in the database, all of them or none.

    Raises:
        ConflictError: Something is recorded with another content.
    """
    with database.begin() as session:
        for value in founders.parties:
            parties.register_party(session, party_of(value), actor=actor, at=at)
        for value in founders.bodies:
            body = body_of(value)
            bodies.register_body(session, body, actor=actor, at=at)
            if not bodies.scopes(session, body.id) or scope_rows_of(value):
                bodies.publish_scope(session, body, scope_rows_of(value), actor=actor, at=at)


def make_missing_keys(
    database: Database, signer: SignerClient, *, actor: Actor, at: datetime
) -> int:
    """Have the signer make a key for every duty of every body that has none; return how many.

    A key that an earlier run made and did not record is recorded now instead of making another.
    """
    with database.read() as session:
        registered = [entry.body for entry in bodies.bodies(session)]
        recorded = {body.id: {key.purpose for key in _keys(session, body)} for body in registered}
    held = signer.descriptions()
    made = 0
    for body in registered:
        for purpose in _PURPOSES[body.kind]:
            if purpose in recorded[body.id]:
                continue
            found = [key for key in held if (key.body, key.purpose) == (body.id, purpose)]
            key = found[-1] if found else None
            if key is None:
                key = signer.generate(body=body.id, purpose=purpose, algorithm=Algorithm.ES256)
                made += 1
            with database.begin() as session:
                bodies.add_key(
                    session, key.public_key, body=body.id, purpose=purpose, actor=actor, at=at
                )
    return made


def registration(database: Database, *, operators: tuple[str, ...]) -> Registration:
    """Return everything recorded here that is to stand on chain."""
    with database.read() as session:
        registered = [entry.body for entry in bodies.bodies(session)]
        return Registration(
            parties=tuple(
                PartyEntry(id=entry.party.id, country=entry.party.country)
                for entry in parties.parties(session)
            ),
            bodies=tuple(
                BodyEntry(alias=body.alias, party=body.party, did=body.did, kind=body.kind)
                for body in registered
            ),
            scopes=tuple(
                ScopeEntry(
                    body_id=body.id,
                    sha256=scope.sha256,
                    effective_from=scope.effective_from,
                    effective_until=scope.effective_until,
                )
                for body in registered
                for scope in bodies.scopes(session, body.id)
            ),
            keys=tuple(
                KeyEntry(
                    body_id=body.id,
                    public_key=key.public_key,
                    purpose=key.purpose,
                    sign_until=key.sign_until,
                )
                for body in registered
                for key in _keys(session, body)
            ),
            operators=operators,
        )


def note_registered(database: Database, registered: Registered) -> None:
    """Note in the database since when the chain knows what."""
    marks: tuple[tuple[Callable[..., None], Mapping[str, datetime] | Mapping[bytes, datetime]], ...]
    marks = (
        (parties.mark_party_on_chain, registered.parties),
        (bodies.mark_body_on_chain, registered.bodies),
        (bodies.mark_scope_on_chain, registered.scopes),
        (bodies.mark_key_on_chain, registered.keys),
    )
    with database.begin() as session:
        for mark, times in marks:
            for name, since in times.items():
                mark(session, name, since)


def _keys(session: Session, body: Body) -> list[BodyKey]:
    return [key for key in bodies.keys(session, body.id) if key.revoked_at is None]


def _problems(source: str, listed: Mapping[str, JsonValue]) -> Iterator[FileProblem]:
    for name, shape in (("parties", PARTY), ("bodies", BODY)):
        values = listed[name]
        if not isinstance(values, list):
            message = "must be a list"
            yield FileProblem(source=source, pointer=f"/{name}", code="type", message=message)
            continue
        for position, value in enumerate(values):
            yield from in_file(source, shape.problems(value, f"/{name}/{position}"))


def _objects(values: JsonValue) -> tuple[JsonObject, ...]:
    listed = values if isinstance(values, list) else []
    return tuple(value for value in listed if isinstance(value, dict))

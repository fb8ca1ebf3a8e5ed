"""Founding an installation: parties, bodies, scopes and keys, in the database and on chain.

The steps of `lancang init`, each of which can be repeated: what is recorded stays, what is missing
is added, what contradicts is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy.orm import Session

from registry.anchoring.registration import (
    BodyEntry,
    KeyEntry,
    PartyEntry,
    Registered,
    Registration,
    ScopeEntry,
)
from registry.bodies import rotation
from registry.bodies import service as bodies
from registry.bodies.domain import Body, BodyKey
from registry.bodies.errors import RotationOrderError
from registry.bodies.importers import BODY, body_of, scope_rows_of
from registry.bodies.key_states import Duty
from registry.kit.actor import Actor
from registry.kit.database import Database
from registry.kit.import_problems import FileProblem, ImportRefusedError, in_file
from registry.parties import service as parties
from registry.parties.importers import PARTY, party_of
from registry.settings import CoSigning
from registry.signing.client import SignerClient
from registry.signing.description import KeyDescription
from registry.signing.errors import NO_SM2, SigningRefusedError
from verifier.checks.facts import BodyKind, KeyPurpose
from verifier.core.errors import MalformedEvidenceError
from verifier.core.keys import Algorithm, PublicKey
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


@dataclass(frozen=True, slots=True)
class MadeKeys:
    """How many keys were made, and whether the signer turned out to have no SM2."""

    made: int
    without_sm2: bool = False


def make_missing_keys(
    database: Database,
    signer: SignerClient,
    *,
    actor: Actor,
    at: datetime,
    co_signing: CoSigning = CoSigning.OFF,
) -> MadeKeys:
    """Have the signer make a key for every duty of every body that has none.

    A key that an earlier run made and did not record is recorded now instead of making another.

    Args:
        database: Where bodies and public keys are recorded.
        signer: Makes the keys.
        actor: Who founds the installation.
        at: Time of the act.
        co_signing: Whether laboratories also get an SM2 key for their certificates.

    Raises:
        SigningRefusedError: An SM2 key is demanded and the signer has no SM2.
        SignerUnavailableError: The signer does not answer.
    """
    with database.read() as session:
        registered = [entry.body for entry in bodies.bodies(session)]
        recorded = {body.id: set(map(_duty_of, _keys(session, body))) for body in registered}
        known = {
            key.public_key.thumbprint()
            for body in registered
            for key in bodies.keys(session, body.id)
        }
    held = signer.descriptions()
    made, without_sm2 = 0, False
    for body in registered:
        for duty in _duties(body, co_signing):
            if duty in recorded[body.id] or (without_sm2 and duty.is_sm2):
                continue
            found = [
                key
                for key in held
                if key.body == body.id
                and _duty_of(key) == duty
                and key.public_key.thumbprint() not in known  # it is revoked
            ]
            try:
                key = found[-1] if found else _make(signer, body, duty)
            except SigningRefusedError as error:
                if co_signing is CoSigning.ON or error.reason != NO_SM2:
                    raise
                without_sm2 = True
                continue
            made += not found
            with database.begin() as session:
                bodies.add_key(
                    session, key.public_key, body=body.id, purpose=duty.purpose, actor=actor, at=at
                )
    return MadeKeys(made, without_sm2)


def make_next_key(
    database: Database,
    signer: SignerClient,
    duty: Duty,
    *,
    actor: Actor,
    at: datetime,
    sign_until: datetime | None = None,
) -> PublicKey:
    """Have the signer make the key that will follow the one in use.

    It is registered on chain by the next ceremony, and used from its rotation on.

    Args:
        database: Where public keys are recorded.
        signer: Makes the key.
        duty: Body and purpose.
        actor: Who asks for it.
        at: Time of the act.
        sign_until: Exclusive end of its signing, None while open.

    Raises:
        BodyNotFoundError: There is no such body.
        RotationOrderError: There is a next key already, or this body has no such duty.
        SigningRefusedError: The signer makes no keys, or none of this kind.
        SignerUnavailableError: The signer does not answer.
    """
    with database.read() as session:
        body = bodies.get_body(session, duty.body).body
        rotation.check_next(session, duty, at=at)
        recorded = {key.public_key.thumbprint() for key in bodies.keys(session, body.id)}
    if duty.purpose not in _PURPOSES[body.kind]:
        raise RotationOrderError(f"{body.alias} signs no {duty.purpose.name.lower()}")
    wanted = _Duty(duty.purpose, is_sm2=duty.is_sm2)
    # One that an earlier run made and did not record is taken instead of making another.
    made = [
        key
        for key in signer.descriptions()
        if key.body == body.id
        and _duty_of(key) == wanted
        and key.public_key.thumbprint() not in recorded
    ]
    key = made[-1] if made else _make(signer, body, wanted)
    with database.begin() as session:
        rotation.check_next(session, duty, at=at)
        bodies.add_key(
            session,
            key.public_key,
            body=body.id,
            purpose=duty.purpose,
            actor=actor,
            at=at,
            sign_until=sign_until,
            is_next=True,
        )
    return key.public_key


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


class _Duty(NamedTuple):
    """What a body needs a key for; a co-signing key has a purpose that another key has too."""

    purpose: KeyPurpose
    is_sm2: bool


def _duties(body: Body, co_signing: CoSigning) -> Iterator[_Duty]:
    for purpose in _PURPOSES[body.kind]:
        yield _Duty(purpose, is_sm2=False)
    if co_signing is not CoSigning.OFF and body.kind is BodyKind.LABORATORY:
        yield _Duty(KeyPurpose.CERTIFICATE, is_sm2=True)


def _duty_of(key: BodyKey | KeyDescription) -> _Duty:
    return _Duty(key.purpose, is_sm2=key.public_key.algorithm is Algorithm.SM2)


def _make(signer: SignerClient, body: Body, duty: _Duty) -> KeyDescription:
    algorithm = Algorithm.SM2 if duty.is_sm2 else Algorithm.ES256
    return signer.generate(body=body.id, purpose=duty.purpose, algorithm=algorithm)


def _keys(session: Session, body: Body) -> list[BodyKey]:
    """Return the keys that the chain is to know: none that was put away before it got there."""
    return [
        key
        for key in bodies.keys(session, body.id)
        if key.revoked_at is None and (key.on_chain_since is not None or key.anchor_until is None)
    ]


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

"""Every act on parties, bodies, scopes and keys: asks for permission, then does it.

What is recorded here stands in the database; `lancang init` brings it to the chain with the keys
of the governance, which this process does not hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.orm import Session

from registry.access.domain import INSTALLATION, Action, Reach, Tenant
from registry.access.principal import Principal, require
from registry.bodies import service as bodies
from registry.bodies.domain import Body, BodyKey, ScopeDocument, ScopeRow
from registry.bodies.errors import BodyNotFoundError
from registry.bodies.importers import BODY, SCOPE_ROWS, body_of, scope_rows_of
from registry.bodies.service import RegisteredBody
from registry.kit.clock import Clock, system_clock
from registry.kit.database import Database
from registry.kit.errors import InvalidInputError
from registry.kit.import_problems import ImportRefusedError, in_file
from registry.parties import service as parties
from registry.parties.domain import Party
from registry.parties.errors import PartyNotFoundError
from registry.parties.importers import PARTY, party_of
from registry.parties.service import RegisteredParty
from verifier.checks.facts import KeyPurpose
from verifier.core.errors import MalformedEvidenceError
from verifier.core.keys import PublicKey
from verifier.core.shapes import Shape
from verifier.core.strict_json import JsonObject, JsonValue

_BODY_ID_BYTES: Final = 32


class MalformedKeyError(InvalidInputError):
    """What was sent is no public key of an accepted kind."""

    code = "malformed_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A body with everything registered about it.

    Attributes:
        entry: The body, and since when the chain knows it.
        keys: Its keys, the newest first.
        scopes: Its scope documents, the newest first.
    """

    entry: RegisteredBody
    keys: tuple[BodyKey, ...]
    scopes: tuple[ScopeDocument, ...]

    @property
    def tenant(self) -> Tenant:
        """The tenant that the body is."""
        return tenant_of(self.entry.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """The acts on parties and bodies of one installation.

    Attributes:
        database: Where they are recorded.
        clock: Time of each act.
    """

    database: Database
    clock: Clock = field(default=system_clock)

    def parties(self, session: Session, principal: Principal) -> list[RegisteredParty]:
        """Return the parties that the principal may see, in the order of their ids."""
        reach = principal.reach(Action.PARTIES_READ)
        known = reach.parties | {grant.tenant.party for grant in principal.grants}
        return [
            entry
            for entry in parties.parties(session)
            if reach.everywhere or entry.party.id in known
        ]

    def register_party(self, session: Session, principal: Principal, value: JsonValue) -> Party:
        """Record a party; the same again changes nothing.

        Raises:
            NotPermittedError: The principal registers no parties.
            ImportRefusedError: The description is malformed; it names everything.
            PartyDiffersError: Its id is taken by another content.
        """
        require(principal, Action.PARTIES_REGISTER, INSTALLATION)
        party = party_of(_checked(PARTY, value))
        parties.register_party(session, party, actor=principal.actor, at=self.clock())
        return party

    def bodies(self, session: Session, principal: Principal) -> list[RegisteredBody]:
        """Return the bodies that the principal may see, in the order of their aliases."""
        reach = principal.reach(Action.BODIES_READ)
        return [entry for entry in bodies.bodies(session) if _reaches(reach, entry.body)]

    def register_body(self, session: Session, principal: Principal, value: JsonValue) -> Body:
        """Record a body with its first scope; the same again changes nothing.

        Raises:
            PartyNotFoundError: Its party does not exist or is foreign.
            NotPermittedError: The principal registers no bodies for it.
            ImportRefusedError: The description is malformed; it names everything.
            BodyDiffersError: Its alias or id is taken by another content.
        """
        checked = _checked(BODY, value)
        body = body_of(checked)
        missing = PartyNotFoundError("there is no such party")
        tenant = Tenant.of_party(body.party)
        require(principal, Action.BODIES_REGISTER, tenant, missing=missing)
        at = self.clock()
        bodies.register_body(session, body, actor=principal.actor, at=at)
        if rows := scope_rows_of(checked):
            bodies.publish_scope(session, body, rows, actor=principal.actor, at=at)
        return body

    def dossier(
        self, session: Session, principal: Principal, body_id: str, action: Action
    ) -> Dossier:
        """Return a body with which the principal may do something.

        Raises:
            BodyNotFoundError: There is none, or it is foreign.
            NotPermittedError: He may not do this with it.
        """
        missing = BodyNotFoundError("there is no such body")
        try:
            entry = bodies.get_body(session, _bytes_of(body_id))
        except BodyNotFoundError:
            raise missing from None
        require(principal, action, tenant_of(entry.body), missing=missing)
        body = entry.body.id
        return Dossier(
            entry=entry,
            keys=tuple(bodies.keys(session, body)),
            scopes=tuple(reversed(bodies.scopes(session, body))),
        )

    def publish_scope(
        self, session: Session, principal: Principal, body_id: str, rows: JsonValue
    ) -> ScopeDocument:
        """Record a new scope of a body, whole; the same again changes nothing.

        Raises:
            ImportRefusedError: A row is malformed; it names everything.
            UnusableScopeError: It is too large, or speaks for no time.
        """
        found = self.dossier(session, principal, body_id, Action.SCOPES_PUBLISH)
        _check(SCOPE_ROWS, rows)
        wanted: list[ScopeRow] = scope_rows_of({"scope": rows})
        return bodies.publish_scope(
            session, found.entry.body, wanted, actor=principal.actor, at=self.clock()
        )

    def add_key(
        self,
        session: Session,
        principal: Principal,
        body_id: str,
        *,
        purpose: KeyPurpose,
        jwk: JsonValue,
    ) -> PublicKey:
        """Record the public part of a key that a signer of the body holds.

        Raises:
            MalformedKeyError: It is no public key of an accepted kind.
            KeyDiffersError: It is recorded for another body or purpose.
        """
        found = self.dossier(session, principal, body_id, Action.KEYS_REGISTER)
        try:
            key = PublicKey.from_jwk(jwk if isinstance(jwk, dict) else {})
        except MalformedEvidenceError as error:
            raise MalformedKeyError(str(error)) from error
        bodies.add_key(
            session,
            key,
            body=found.entry.body.id,
            purpose=purpose,
            actor=principal.actor,
            at=self.clock(),
        )
        return key


def tenant_of(body: Body) -> Tenant:
    """Return the tenant that a body is."""
    return Tenant.of_body(body.id, party=body.party)


def _reaches(reach: Reach, body: Body) -> bool:
    return reach.everywhere or body.party in reach.parties or body.id in reach.bodies


def _bytes_of(text: str) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != _BODY_ID_BYTES:
        raise BodyNotFoundError("there is no such body")
    return value


def _checked(shape: Shape, value: JsonValue) -> JsonObject:
    _check(shape, value)
    return value if isinstance(value, dict) else {}


def _check(shape: Shape, value: JsonValue) -> None:
    if problems := list(shape.problems(value, "")):
        raise ImportRefusedError(in_file("request", problems))

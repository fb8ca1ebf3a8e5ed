"""Bodies of requests and answers about parties, bodies, scopes and keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from registry.authority.service import Dossier
from registry.bodies.domain import BodyKey, ScopeDocument
from registry.bodies.service import RegisteredBody
from registry.parties.service import RegisteredParty
from verifier.checks.facts import KeyPurpose
from verifier.core.encoding import b64u
from verifier.core.strict_json import parse_json_object


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PartyOut(_Body):
    """A party; `on_chain_since` is null before the chain knows it."""

    id: str
    country: str
    name: dict[str, str]
    on_chain_since: datetime | None

    @classmethod
    def of(cls, entry: RegisteredParty) -> PartyOut:
        """Return what is shown of a party."""
        party = entry.party
        return cls(
            id=party.id,
            country=party.country,
            name=dict(party.name),
            on_chain_since=entry.on_chain_since,
        )


class BodyOut(_Body):
    """A body; `id` is the 32-byte id in hexadecimal digits."""

    id: str
    alias: str
    party: str
    kind: str
    did: str
    country: str
    name: dict[str, str]
    identifiers: dict[str, str]
    demonstration: bool
    on_chain_since: datetime | None

    @classmethod
    def of(cls, entry: RegisteredBody) -> BodyOut:
        """Return what is shown of a body."""
        body = entry.body
        return cls(
            id=body.id.hex(),
            alias=body.alias,
            party=body.party,
            kind=body.kind.name.lower(),
            did=body.did,
            country=body.country,
            name=dict(body.name),
            identifiers=dict(body.identifiers),
            demonstration=body.demonstration,
            on_chain_since=entry.on_chain_since,
        )


class KeyOut(_Body):
    """The public part of a key; `sign_until` and `revoked_at` are exclusive ends."""

    thumbprint: str
    purpose: str
    algorithm: str
    jwk: dict[str, str]
    on_chain_since: datetime | None
    sign_until: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: BodyKey) -> KeyOut:
        """Return what is shown of a key."""
        return cls(
            thumbprint=b64u(key.public_key.thumbprint()),
            purpose=key.purpose.name.lower(),
            algorithm=key.public_key.algorithm.value,
            jwk={name: str(value) for name, value in key.public_key.jwk().items()},
            on_chain_since=key.on_chain_since,
            sign_until=key.sign_until,
            revoked_at=key.revoked_at,
        )


class ScopeOut(_Body):
    """A published scope: its document, named by the SHA-256 of its canonical bytes."""

    sha256: str
    effective_from: datetime
    effective_until: datetime | None
    on_chain_since: datetime | None
    document: dict[str, Any]

    @classmethod
    def of(cls, scope: ScopeDocument) -> ScopeOut:
        """Return what is shown of a scope."""
        return cls(
            sha256=b64u(scope.sha256),
            effective_from=scope.effective_from,
            effective_until=scope.effective_until,
            on_chain_since=scope.on_chain_since,
            document=parse_json_object(scope.content, what="scope document"),
        )


class BodyDetail(BodyOut):
    """A body with its keys and scopes, the newest first."""

    keys: list[KeyOut]
    scopes: list[ScopeOut]

    @classmethod
    def of_dossier(cls, dossier: Dossier) -> BodyDetail:
        """Return what is shown of a body with everything about it."""
        return cls(
            **BodyOut.of(dossier.entry).model_dump(),
            keys=[KeyOut.of(key) for key in dossier.keys],
            scopes=[ScopeOut.of(scope) for scope in dossier.scopes],
        )


class KeyIn(_Body):
    """The public part of a key and the only thing that it may sign."""

    purpose: Annotated[
        str, Field(pattern=f"^({'|'.join(each.name.lower() for each in KeyPurpose)})$")
    ]
    jwk: dict[str, str]


class ScopeIn(_Body):
    """The rows of a new scope, which replaces the former one whole."""

    rows: Annotated[list[dict[str, Any]], Field(max_length=1000)]

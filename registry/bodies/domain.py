"""Bodies, their accredited scope and the document that publishes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from verifier.checks.facts import BodyKind, KeyPurpose
from verifier.core.ids import body_id
from verifier.core.keys import PublicKey
from verifier.core.strict_json import JsonObject, canonical_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A conformity assessment body.

    Attributes:
        alias: Its short name in import files of this installation.
        party: Id of the party that registered it.
        kind: Laboratory, inspection body, or office of the party.
        did: Its `did:web`; party and did together make its id.
        country: ISO 3166-1 alpha-2.
        name: Its name by language tag.
        identifiers: Numbers of its recognitions by scheme, e.g. "cnas".
        demonstration: Whether it exists for demonstration only.
    """

    alias: str
    party: str
    kind: BodyKind
    did: str
    country: str
    name: Mapping[str, str]
    identifiers: Mapping[str, str]
    demonstration: bool

    @property
    def id(self) -> bytes:
        """The 32-byte id (docs/evidence-format.md, section 4)."""
        return body_id(self.party, self.did)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeRow:
    """One accredited test: a product, a parameter and a method, on days [from, until)."""

    product: str
    hs: str
    parameter: str
    method: str
    valid_from: date
    valid_until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeDocument:
    """A published scope.

    Attributes:
        sha256: Its name, on chain and everywhere.
        content: The exact bytes, canonical JSON.
        effective_from: Beginning of the interval for which it speaks.
        effective_until: Exclusive end, None while open.
        on_chain_since: Block time of its publication, None before.
    """

    sha256: bytes
    content: bytes
    effective_from: datetime
    effective_until: datetime | None
    on_chain_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyKey:
    """Public part of a signing key of one body for one purpose.

    Attributes:
        body: The 32-byte id of the body.
        purpose: The only thing it may sign.
        public_key: With its algorithm.
        on_chain_since: Block time of its registration, None before; unusable until then.
        sign_until: Exclusive end of signing, None while open.
        revoked_at: When a revocation took effect, None while it stands.
        use_from: Since when the registry signs with it; None while it waits for its rotation.
        anchor_until: Exclusive end of anchoring what it signed, None while open.
        compromised_since: Since when somebody else may have used it, None if nobody says so.
        stopped_at: Since when it is reported compromised and not used, None if it is not.
    """

    body: bytes
    purpose: KeyPurpose
    public_key: PublicKey
    on_chain_since: datetime | None
    sign_until: datetime | None
    revoked_at: datetime | None
    use_from: datetime | None
    anchor_until: datetime | None = None
    compromised_since: datetime | None = None
    stopped_at: datetime | None = None

    def may_sign(self, at: datetime) -> bool:
        """Tell whether something signed with this key at `at` can become valid."""
        return (
            self.on_chain_since is not None
            and self.on_chain_since <= at
            and (self.sign_until is None or at < self.sign_until)
            and (self.revoked_at is None or at < self.revoked_at)
            and self.use_from is not None
            and self.use_from <= at
            and self.stopped_at is None
        )


def scope_content(body: Body, rows: Sequence[ScopeRow]) -> bytes:
    """Return the canonical bytes of the scope document of a body.

    Source: docs/evidence-format.md, section "Scope document". Its hash is on chain, so that
    verifiers take the registered name and the accredited tests from here, never from a token.
    """
    content: JsonObject = {
        "body": body.id.hex(),
        "country": body.country,
        "demonstration": body.demonstration,
        "did": body.did,
        "identifiers": dict(body.identifiers),
        "kind": body.kind.name.lower(),
        "name": dict(body.name),
        "party": body.party,
        "rows": [
            {
                "from": row.valid_from.isoformat(),
                "hs": row.hs,
                "method": row.method,
                "parameter": row.parameter,
                "product": row.product,
                "until": row.valid_until.isoformat(),
            }
            for row in rows
        ],
        "scope": 1,
    }
    return canonical_json(content)


def scope_interval(
    rows: Sequence[ScopeRow], *, otherwise: datetime
) -> tuple[datetime, datetime | None]:
    """Return the interval for which a scope speaks: from its first row's day to its last one's.

    Args:
        rows: Accredited tests; an office of the party has none.
        otherwise: Beginning of a scope without rows, which has no end.
    """
    if not rows:
        return otherwise, None
    first = min(row.valid_from for row in rows)
    last = max(row.valid_until for row in rows)
    return _midnight(first), _midnight(last)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)

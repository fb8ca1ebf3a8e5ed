"""Facts that checks judge, and the port through which the service fetches them.

Whoever implements `TrustSource` (chain, trust bundle) answers from one final state: every fact of
one verification is read at the same block. A source that cannot answer raises
`EvidenceUnavailableError`; the service turns that into `Unavailable`, and the checks into UNKNOWN.
Times are Unix seconds, UTC. Intervals are half-open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

from verifier.core.keys import PublicKey
from verifier.core.receipt import HeadProof

NOT_IN_BUNDLE: Final = "not_in_bundle"  # it may have happened after the block of the bundle


class KeyPurpose(IntEnum):
    """What a key may sign; the numbers are those of the TrustRegistry contract."""

    CERTIFICATE = 1
    RECORD = 2
    SUMMARY = 3
    STATEMENT = 4


class BodyKind(IntEnum):
    """Kind of conformity assessment body; the numbers are those of the contract."""

    LABORATORY = 1
    INSPECTION_BODY = 2
    INSPECTION_OFFICE = 3  # an office of the party itself: designated, not accredited


class BodyState(IntEnum):
    """State of a body from some moment on; the numbers are those of the contract."""

    ACTIVE = 1
    SUSPENDED = 2
    WITHDRAWN = 3


class RevocationReason(IntEnum):
    """Why a certificate was revoked; the numbers are those of the contract."""

    UNSPECIFIED = 1
    SUPERSEDED = 2
    ERROR = 3
    FRAUD = 4
    KEY_COMPROMISE = 5
    WITHDRAWN_BY_CUSTOMER = 6
    ORDER_OF_AUTHORITY = 7


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A fact that could not be obtained. `reason` becomes the code of an UNKNOWN finding."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The final block at which every fact of one verification was read."""

    chain_id: int
    block: int
    block_hash: bytes
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """A key as registered on chain inside one body.

    `registered_at` is block time. `sign_until` and `anchor_until` are exclusive, None when open.
    `revoked_at` is the effective time of a revocation, `compromised_since` its earlier claim of
    compromise; both may lie before `revocation_recorded_at`, the block time of the act.
    """

    public_key: PublicKey
    purpose: KeyPurpose
    registered_at: int
    sign_until: int | None
    anchor_until: int | None
    revoked_at: int | None
    revocation_recorded_at: int | None
    compromised_since: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyStatusFact:
    """State of a body from `effective_from` on, recorded at block time `recorded_at`."""

    state: BodyState
    effective_from: int
    recorded_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeFact:
    """A published scope document: its SHA-256 and the interval for which it speaks."""

    document_hash: bytes
    effective_from: int
    effective_until: int | None
    recorded_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyFacts:
    """A body and its party as registered on chain."""

    body_id: bytes
    party: str
    country: str
    party_removed_at: int | None
    did: str
    kind: BodyKind
    registered_at: int
    statuses: tuple[BodyStatusFact, ...]
    scopes: tuple[ScopeFact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorFacts:
    """The earliest anchor of a root by an operator that was authorised then."""

    chain_id: int
    contract: str
    operator: str
    root: bytes
    size: int
    block: int
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEvent:
    """One change of a certificate's status: "revoked", "suspended" or "resumed"."""

    kind: str
    reason: int
    by_party: bool
    block: int
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusFacts:
    """Revocation and suspension of one certificate at the head, with its history if it has any."""

    revoked: bool
    suspended_by_body: bool
    suspended_by_party: bool
    events: tuple[StatusEvent, ...]


class TrustSource(Protocol):
    """Port to what the checker trusts. Implementations live in `verifier.chain`.

    Every method raises `EvidenceUnavailableError` when there is no usable answer; None means that
    the source answered and does not know the thing asked for.
    """

    def head(self) -> Head:
        """Return the final block at which this source answers."""
        ...

    def find_body(self, body_id: bytes) -> BodyFacts | None:
        """Return the body with this 32-byte id."""
        ...

    def find_key(self, body_id: bytes, thumbprint: bytes) -> KeyFacts | None:
        """Return the key registered under this RFC 7638 thumbprint inside the body."""
        ...

    def find_anchor(self, root: bytes, size: int) -> AnchorFacts | None:
        """Return the earliest authorised anchor of this root over `size` leaves."""
        ...

    def status(self, body_id: bytes, *, list_number: int, index: int, leaf: bytes) -> StatusFacts:
        """Return the status of one entry, and of the leaf itself (`revokeLeaf`)."""
        ...


class TrustBundle(TrustSource, Protocol):
    """A `TrustSource` that also carries proof material: a trust bundle for offline use.

    It is complete up to its block and silent about what came later: in place of None it raises
    `EvidenceUnavailableError` with the reason `NOT_IN_BUNDLE`.
    """

    @property
    def block(self) -> Head:
        """The block that it is about, whatever its age."""
        ...

    def find_heads(self, head: bytes) -> tuple[HeadProof, ...]:
        """Return the way of a subtree's head to every anchored root that it belongs to."""
        ...

    def documents_of(self, body_id: bytes) -> Mapping[bytes, bytes]:
        """Return the scope documents of a body, by SHA-256."""
        ...

"""What a trust bundle holds, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from verifier.bundle.table import Table

MAX_CHAIN_TIME: Final = 2**53 - 1  # later moments, which contracts can hold, are written as this


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyRecord:
    """A party; `removed_at` is None while it stands."""

    party: str
    country: str
    added_at: int
    removed_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRecord:
    """One recorded state of a body, with the number that the contract uses."""

    state: int
    effective_from: int
    recorded_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeRecord:
    """One recorded scope document of a body."""

    document_hash: bytes
    effective_from: int
    effective_until: int | None
    recorded_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """One key of a body as the contract holds it, usable or not."""

    thumbprint: bytes
    algorithm: int
    purpose: int
    registered_at: int
    sign_until: int | None
    anchor_until: int | None
    revoked_at: int | None
    revocation_recorded_at: int | None
    compromised_since: int | None
    public_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyRecord:
    """A body with its history; `party` counts the parties of the same registry from 0."""

    party: int
    did: str
    kind: int
    registered_at: int
    statuses: tuple[StatusRecord, ...]
    scopes: tuple[ScopeRecord, ...]
    keys: tuple[KeyRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRecord:
    """An anchoring operator; `until` is None while it may anchor."""

    address: str
    since: int
    until: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRecord:
    """Everything in one TrustRegistry, each list in the order of the contract."""

    address: str
    code_hash: bytes
    parties: tuple[PartyRecord, ...]
    bodies: tuple[BodyRecord, ...]
    operators: tuple[OperatorRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRecord:
    """Everything in one CertificateLedger.

    Attributes:
        address: Of the contract.
        code_hash: SHA-256 of its code.
        anchors: Of `rows.AnchorRow`.
        heads: Subtree heads, 32 bytes each, of every tree of more than 1024 leaves: in the order
            of the anchors, once for every root and size.
        words: Of `rows.WordRow`.
        events: Of `rows.EventRow`.
        leaves: Of `rows.LeafRow`.
    """

    address: str
    code_hash: bytes
    anchors: Table
    heads: bytes
    words: Table
    events: Table
    leaves: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRecord:
    """One generation of contracts that had begun by the block of the bundle.

    Attributes:
        from_block: First block for which it speaks.
        until_block: First block for which it no longer does, None while it does.
        retired_at: Time of that block, None with it.
        registry: Its TrustRegistry.
        ledger: Its CertificateLedger.
    """

    from_block: int
    until_block: int | None
    retired_at: int | None
    registry: RegistryRecord
    ledger: LedgerRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRecord:
    """One chain at one final block, its generations in the order of their blocks."""

    chain_id: int
    genesis: bytes
    block: int
    block_hash: bytes
    time: int
    generations: tuple[GenerationRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The content of a trust bundle.

    Attributes:
        chains: In the order of the profile; the first is the home.
        documents: Every scope document that a chain names, by SHA-256.
    """

    chains: tuple[ChainRecord, ...]
    documents: Mapping[bytes, bytes]

    @property
    def home(self) -> ChainRecord:
        """The chain whose block is that of the bundle."""
        return self.chains[0]

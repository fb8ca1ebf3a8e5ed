"""What a ceremony brings into the TrustRegistry, and when the chain took it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from verifier.checks.facts import BodyKind, KeyPurpose
from verifier.core.ids import body_id
from verifier.core.keys import PublicKey

OPERATORS: Final = ("operator-1",)
"""Names of the transaction keys that anchor; more keys are more sequencers side by side."""


def operators_among(roles: Iterable[str]) -> tuple[str, ...]:
    """Return the roles that anchor; those of a first ceremony where there are none yet."""
    return tuple(sorted(filter(is_operator, roles))) or OPERATORS


def is_operator(role: str) -> bool:
    """Tell whether a transaction key is there to anchor."""
    return role.startswith("operator-")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyEntry:
    """A national authority: party id, and country as ISO 3166-1 alpha-2."""

    id: str
    country: str

    @property
    def role(self) -> str:
        """Name of the transaction key that acts for the party."""
        return f"party-{self.id.lower()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyEntry:
    """A conformity assessment body; `alias` is its short name in this installation."""

    alias: str
    party: str
    did: str
    kind: BodyKind

    @property
    def id(self) -> bytes:
        """The 32-byte id of the body."""
        return body_id(self.party, self.did)

    @property
    def role(self) -> str:
        """Name of the transaction key that acts for the body."""
        return f"body-{self.alias}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeEntry:
    """Hash of a scope document and the interval [from, until) for which it speaks."""

    body_id: bytes
    sha256: bytes
    effective_from: datetime
    effective_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """Public part of a document key. `sign_until` is exclusive."""

    body_id: bytes
    public_key: PublicKey
    purpose: KeyPurpose
    sign_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Everything that is to stand in the TrustRegistry.

    Attributes:
        operators: Names of the transaction keys that may anchor.
    """

    parties: tuple[PartyEntry, ...]
    bodies: tuple[BodyEntry, ...]
    scopes: tuple[ScopeEntry, ...]
    keys: tuple[KeyEntry, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """Block times at which the chain recorded what, final.

    Attributes:
        parties: By party id.
        bodies: By body id.
        scopes: By hash of the scope document.
        keys: By thumbprint.
    """

    parties: Mapping[str, datetime]
    bodies: Mapping[bytes, datetime]
    scopes: Mapping[bytes, datetime]
    keys: Mapping[bytes, datetime]

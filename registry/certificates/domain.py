"""Certificates as the registry sees them: drafts, states, and how status positions are drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from verifier.core.field_policy import DocumentKind

STATUS_BLOCK: Final = 1024  # positions drawn from together: four words of the on-chain bitmap
STATUS_LIST: Final = 131_072  # positions of a list, the least a Bitstring Status List may have
BLOCKS_PER_LIST: Final = STATUS_LIST // STATUS_BLOCK


class State(StrEnum):
    """Where a certificate stands. Revocation is apart: it does not undo having been signed."""

    DRAFT = "draft"
    APPROVED = "approved"
    SIGNED = "signed"


class StatusAct(StrEnum):
    """What an order does to the status of a certificate."""

    REVOKE = "revoke"
    SUSPEND = "suspend"
    RESUME = "resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """The earlier certificate that an amendment names.

    Attributes:
        number: Its number.
        revision: Which one, None for its newest.
        leaf: Its leaf, None where the document does not say.
        changed: The fields that are said to differ, None where the document does not say.
    """

    number: str
    revision: int | None
    leaf: bytes | None
    changed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A checked document on its way into the registry.

    Attributes:
        source: Name of the file that it came from.
        pointer: JSON pointer to the document in that file, "" when it is the whole file.
        body: The 32-byte id of the issuing body.
        kind: Certificate or record.
        number: Its human number.
        revision: Counted from 1.
        replaces: What it replaces, None for a first certificate.
        demonstration: Whether it is marked as a demonstration.
        document: Canonical JSON of the document.
        valid_until: First moment at which it is not valid any more, None without an end.
    """

    source: str
    pointer: str
    body: bytes
    kind: DocumentKind
    number: str
    revision: int
    replaces: Replacement | None
    demonstration: bool
    document: bytes
    valid_until: datetime | None = None

    @property
    def key(self) -> tuple[bytes, str, int]:
        """What identifies a certificate for people: body, number, revision."""
        return self.body, self.number, self.revision


def free_positions(drawn: bytes) -> list[int]:
    """Return the positions of a block whose bits are clear, in ascending order.

    Args:
        drawn: One bit per position of a block, most significant bit of the first byte first.
    """
    bits = f"{int.from_bytes(drawn):0{len(drawn) * 8}b}"
    return [position for position, bit in enumerate(bits) if bit == "0"]


def mark_drawn(drawn: bytes, positions: Iterable[int]) -> bytes:
    """Return `drawn` with the bits of `positions` set."""
    changed = bytearray(drawn)
    for position in positions:
        changed[position // 8] |= 0x80 >> position % 8
    return bytes(changed)

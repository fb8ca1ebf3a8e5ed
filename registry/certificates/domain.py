"""Rules of certificates: states, who may approve, how status positions are drawn."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

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


def draw_position(drawn: bytes, choice: int) -> int:
    """Return the position of the `choice`-th bit that is still clear.

    Args:
        drawn: One bit per position of a block, most significant bit of the first byte first.
        choice: Random number, at least 0 and below the number of clear bits.

    Raises:
        ValueError: There are not that many clear bits.
    """
    remaining = choice
    for position in range(len(drawn) * 8):
        if not drawn[position // 8] & (0x80 >> position % 8):
            if remaining == 0:
                return position
            remaining -= 1
    raise ValueError(f"choice {choice} exceeds the free positions of the block")


def mark_drawn(drawn: bytes, position: int) -> bytes:
    """Return `drawn` with the bit of `position` set."""
    changed = bytearray(drawn)
    changed[position // 8] |= 0x80 >> position % 8
    return bytes(changed)

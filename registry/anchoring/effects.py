"""What a ledger write changes on chain, and how to see whether it did.

The contract is asked, never a receipt alone: the effect counts, whoever's transaction made it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from registry.anchoring.domain import LedgerAct
from registry.anchoring.ports import BlockRef, Chain, StatusWord
from registry.anchoring.records import Place


class Effect(Protocol):
    """One effect on the ledger."""

    def seen(self, chain: Chain, at: BlockRef) -> int | None:
        """Return the height of the block since which the effect stands, as known at `at`.

        Returns:
            At most the height of `at`; None when the contract does not show the effect there.
        """
        ...

    @property
    def is_permanent(self) -> bool:
        """Once there, it is there at every later block."""
        ...

    def seen_later(self, chain: Chain, block: BlockRef, *, at: BlockRef) -> bool:
        """Tell from a later block `at` whether a permanent effect may stand since `block`."""
        ...

    def transaction(self, chain: Chain, at: BlockRef) -> bytes | None:
        """Return the transaction that had the effect in block `at`, None if it is unknown."""
        ...


@dataclass(frozen=True, slots=True)
class AnchorEffect:
    """A root over `size` leaves is anchored by some operator that was authorised then."""

    root: bytes
    size: int

    @property
    def is_permanent(self) -> bool:
        """See `Effect.is_permanent`."""
        return True

    def seen_later(self, chain: Chain, block: BlockRef, *, at: BlockRef) -> bool:
        """See `Effect.seen_later`. The contract keeps the block of an anchor."""
        return self.seen(chain, at) == block.number

    def seen(self, chain: Chain, at: BlockRef) -> int | None:
        """See `Effect.seen`."""
        mark = chain.find_anchor(self.root, self.size, at=at)
        return None if mark is None else mark.block

    def transaction(self, chain: Chain, at: BlockRef) -> bytes | None:
        """See `Effect.transaction`."""
        return chain.find_anchor_transaction(self.root, at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEffect:
    """Status bits are as they were ordered.

    Attributes:
        by_party: Suspension is kept apart for the party and for the body.
        words: Mask of the concerned bits by number of the word.
    """

    act: LedgerAct
    body_id: bytes
    list_number: int
    words: dict[int, int]
    by_party: bool

    @property
    def is_permanent(self) -> bool:
        """See `Effect.is_permanent`."""
        return self.act is LedgerAct.REVOKE

    def seen_later(self, chain: Chain, block: BlockRef, *, at: BlockRef) -> bool:
        """See `Effect.seen_later`."""
        return self.is_permanent and block.number <= (self.seen(chain, at) or 0)

    def seen(self, chain: Chain, at: BlockRef) -> int | None:
        """See `Effect.seen`. The contract keeps no time of a bit, so it is that of the look."""
        for word, mask in self.words.items():
            bits = chain.status_word(self.body_id, self.list_number, word, at=at)
            wanted = 0 if self.act is LedgerAct.RESUME else mask
            if self._own(bits) & mask != wanted:
                return None
        return at.number

    def transaction(self, chain: Chain, at: BlockRef) -> bytes | None:
        """See `Effect.transaction`."""
        del chain, at
        return None

    def _own(self, bits: StatusWord) -> int:
        if self.act is LedgerAct.REVOKE:
            return bits.revoked
        return bits.suspended_by_party if self.by_party else bits.suspended_by_body


@dataclass(frozen=True, slots=True)
class LeafRevocationEffect:
    """A leaf is revoked by its body."""

    body_id: bytes
    leaf: bytes

    @property
    def is_permanent(self) -> bool:
        """See `Effect.is_permanent`."""
        return True

    def seen_later(self, chain: Chain, block: BlockRef, *, at: BlockRef) -> bool:
        """See `Effect.seen_later`."""
        return block.number <= (self.seen(chain, at) or 0)

    def seen(self, chain: Chain, at: BlockRef) -> int | None:
        """See `Effect.seen`."""
        is_revoked = chain.is_leaf_revoked(self.body_id, self.leaf, at=at)
        return at.number if is_revoked else None

    def transaction(self, chain: Chain, at: BlockRef) -> bytes | None:
        """See `Effect.transaction`."""
        del chain, at
        return None


def locate(effect: Effect, chain: Chain, *, at: BlockRef) -> Place | None:
    """Return where an effect stands that the contract shows at block `at`, None if it shows none.

    Also None when the block was replaced between two questions; the next look will tell.
    """
    height = effect.seen(chain, at)
    if height is None:
        return None
    block = at if height == at.number else chain.block_at(height)
    if block is None:
        return None
    return Place(
        block=block.number,
        block_hash=block.hash,
        time=block.time,
        transaction_hash=effect.transaction(chain, block),
    )

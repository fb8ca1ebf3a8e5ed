"""What the pipeline needs from outside: a chain, and somebody who signs transactions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, Self

from registry.anchoring.domain import SendOutcome
from registry.anchoring.fees import Fees
from registry.anchoring.records import Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRef:
    """A block: height, hash (32 bytes), time in Unix seconds."""

    number: int
    hash: bytes
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a mined transaction."""

    transaction_hash: bytes
    succeeded: bool
    block: int
    block_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorMark:
    """The earliest anchor of a root, as the contract tells it. `time` is Unix seconds."""

    operator: str
    block: int
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorRecord:
    """One anchor in the list that the ledger keeps."""

    operator: str
    root: bytes
    size: int
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """One revocation event: entries of one word of a list, or a single leaf."""

    body_id: bytes
    block: int
    list_number: int = 0
    word: int = 0
    mask: int = 0
    leaf: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusWord:
    """256 status bits of one list; bit i of each number speaks for index 256 * word + i."""

    revoked: int
    suspended_by_body: int
    suspended_by_party: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsignedTransaction:
    """An EIP-1559 transaction without value."""

    chain_id: int
    nonce: int
    to: str | None  # None creates a contract
    data: bytes
    gas_limit: int
    fees: Fees


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTransaction:
    """A transaction ready to be sent, with its hash (32 bytes)."""

    raw: bytes
    hash: bytes


class TransactionSigner(Protocol):
    """Holder of the private key of one account."""

    @property
    def address(self) -> str:
        """The account, with checksum capitals."""
        ...

    def sign(self, transaction: UnsignedTransaction) -> SignedTransaction:
        """Sign a transaction."""
        ...


class Chain(Protocol):
    """Port to the chain that carries the ledger. Never called inside a database transaction.

    Every method raises `ChainUnavailableError` when there is no usable answer, and
    `ChainMismatchError` when the nodes serve another chain or other contracts than those that are
    pinned. Both are no statement about any ledger write.
    """

    @property
    def chain_id(self) -> int:
        """The pinned chain id."""
        ...

    @property
    def ledger(self) -> str:
        """Address of the CertificateLedger that new writes go to."""
        ...

    @property
    def ledgers(self) -> tuple[str, ...]:
        """Every CertificateLedger that the installation ever wrote to, the oldest first."""
        ...

    def at_ledger(self, contract: str) -> Self:
        """Return the same chain with another of its ledgers in front.

        Raises:
            ChainMismatchError: The trust profile names no such ledger.
        """
        ...

    def speaks_for(self, block: int) -> bool:
        """Tell whether verifiers count what this ledger took in a block of that height."""
        ...

    def head(self) -> BlockRef:
        """Return the newest block."""
        ...

    def final(self) -> BlockRef:
        """Return the newest block that is final by the network's rule."""
        ...

    def block_at(self, number: int) -> BlockRef | None:
        """Return the block at a height of the canonical chain, None above the head."""
        ...

    def transaction_count(self, account: str, at: BlockRef) -> int:
        """Return the number of transactions that `account` has had mined up to a block."""
        ...

    def balance(self, account: str) -> int:
        """Return the balance of an account in wei, at the newest block."""
        ...

    def quote(self) -> Fees:
        """Return fees that fit the present state of the network."""
        ...

    def estimate_gas(self, account: str, to: str | None, data: bytes) -> int | None:
        """Return the gas that a call would need now, None when it would be refused."""
        ...

    def send(self, raw: bytes) -> SendOutcome:
        """Hand over a signed transaction."""
        ...

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """Return the receipt of a mined transaction, None while it is not mined."""
        ...

    def find_anchor(self, root: bytes, size: int, *, at: BlockRef) -> AnchorMark | None:
        """Return the earliest anchor of a root that the contract knows at a block."""
        ...

    def find_anchor_transaction(self, root: bytes, *, at: BlockRef) -> bytes | None:
        """Return the hash of the transaction that anchored a root in a block."""
        ...

    def status_word(
        self, body_id: bytes, list_number: int, word: int, *, at: BlockRef
    ) -> StatusWord:
        """Return one word of a status list as of a block."""
        ...

    def is_leaf_revoked(self, body_id: bytes, leaf: bytes, *, at: BlockRef) -> bool:
        """Tell whether a body revoked a leaf, as of a block."""
        ...


class AuditedChain(Chain, Protocol):
    """A chain that can also list what the ledger holds."""

    def anchors(self, *, at: BlockRef, since: int = 0) -> Iterator[AnchorRecord]:
        """Yield the anchors that the ledger holds at a block, the oldest first.

        Args:
            at: The block.
            since: How many of the oldest are left out.
        """
        ...

    def revocations(self, *, until: BlockRef, since: int = 0) -> Iterator[Revocation]:
        """Yield the revocations that the ledger recorded up to a block, the oldest first.

        Args:
            until: The last block.
            since: Height of the first block.
        """
        ...


class ContentKeeper(Protocol):
    """Keeps what was signed for the leaves of a batch where a lost database does not take it."""

    def keep(self, batch: Batch) -> None:
        """Put it into the object store; what is there already stays.

        Raises:
            ObjectStoreUnavailableError: The store cannot be written; the batch is not sent.
            DamagedObjectError: The store does not keep what it is given.
        """
        ...

"""What the pipeline reads from its tables, as values that outlive the transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from registry.anchoring.domain import QuarantineReason, SendOutcome, WriteKind, WriteState
from registry.anchoring.fees import Fees


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to sign for an account, until somebody takes it over with a higher epoch."""

    account: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the effect of a ledger write stands on chain.

    Attributes:
        block: Height of the block.
        block_hash: Its hash, 32 bytes.
        time: Its time, Unix seconds.
        transaction_hash: The transaction; None when it is not known which one it was.
    """

    block: int
    block_hash: bytes
    time: int
    transaction_hash: bytes | None

    @property
    def moment(self) -> datetime:
        """The time of the block."""
        return datetime.fromtimestamp(self.time, tz=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerWrite:
    """One thing that must come to stand on chain.

    Attributes:
        account: Address of the account that signs.
        contract: Address of the contract that is called.
        nonce: Nonce of its transaction, None before it is signed.
        gas_limit: Gas limit of its transaction, None before it is signed.
        place: Where its effect stands, None before it is mined.
        waiting: Why the last look changed nothing.
    """

    id: int
    kind: WriteKind
    account: str
    contract: str
    call_data: bytes
    state: WriteState
    version: int
    nonce: int | None
    gas_limit: int | None
    place: Place | None
    waiting: str | None
    quarantine: QuarantineReason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A signed transaction. Times are Unix seconds.

    Attributes:
        in_flight_since: Since when it could have been mined.
        last_sent_at: None when it must be sent, for the first time or again.
    """

    hash: bytes
    raw: bytes
    nonce: int
    ordinal: int
    fees: Fees
    signed_at: int
    in_flight_since: int | None
    last_sent_at: int | None
    outcome: SendOutcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Leaves under one root. `tree_object` names the stored levels, None before that."""

    id: int
    root: bytes
    size: int
    tree_object: bytes | None

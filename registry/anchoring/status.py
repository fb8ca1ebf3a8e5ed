"""Orders to change the status of certificates, gathered into ledger writes.

Neighbouring entries share a word and neighbouring words a transaction. The order of acts on one
entry is kept: acts that touch it in different ways never share a write.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from registry.anchoring.calls import revoke_leaf_call, status_call
from registry.anchoring.domain import LedgerAct, WriteKind, WriteState
from registry.anchoring.leases import ensure_account
from registry.anchoring.models import LedgerWriteRow, StatusChangeRow
from registry.anchoring.status_words import WORD_BITS, dump_words, pack, split
from registry.anchoring.steps import open_write, seal_write
from verifier.checks.facts import RevocationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusOrder:
    """A wish to change one status entry.

    Attributes:
        id: The orderer's own number for it.
        body_id: Body whose list it is, 32 bytes.
        list_number: Number of the list.
        index: Position in the list.
        act: REVOKE, SUSPEND or RESUME.
        reason: As the contract records it.
    """

    id: int
    body_id: bytes
    list_number: int
    index: int
    act: LedgerAct
    reason: RevocationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """An account that may write the status of a body: the body's own, or that of its party."""

    account: str
    by_party: bool
    chain_id: int
    contract: str  # address of the CertificateLedger


@dataclass(slots=True)
class _Group:
    """Orders that one call can carry out."""

    key: tuple[bytes, int, LedgerAct, RevocationReason]
    orders: list[StatusOrder] = field(default_factory=list)
    entries: set[tuple[bytes, int, int]] = field(default_factory=set)

    def add(self, order: StatusOrder) -> None:
        self.orders.append(order)
        self.entries.add(_entry(order))


def enqueue_status(
    session: Session, orders: Sequence[StatusOrder], controller: Controller, *, now: datetime
) -> dict[int, list[int]]:
    """Make ledger writes of orders, as part of the caller's transaction.

    Args:
        session: The transaction that also notes which write carries which order.
        orders: In the order in which they were given.
        controller: The account that will sign; it must control every body named.
        now: The present moment.

    Returns:
        The ids of the orders that each ledger write carries, by its id.
    """
    carried: dict[int, list[int]] = {}
    ensure_account(session, controller.account, chain_id=controller.chain_id)
    for group in _groups(orders):
        body_id, list_number, act, reason = group.key
        for words in split(pack(order.index for order in group.orders)):
            call = status_call(act.value, body_id, list_number, words, int(reason))
            write = _enqueue(session, controller, call, now=now)
            session.add(
                StatusChangeRow(
                    id=write.id,
                    body_id=body_id,
                    act=act,
                    by_party=controller.by_party,
                    reason=reason,
                    list_number=list_number,
                    words=dump_words(words),
                )
            )
            carried[write.id] = [
                order.id for order in group.orders if order.index // WORD_BITS in words
            ]
    session.flush()
    return carried


def enqueue_leaf_revocation(
    session: Session,
    leaf: bytes,
    *,
    body_id: bytes,
    reason: RevocationReason,
    controller: Controller,
    now: datetime,
) -> int:
    """Make a ledger write that revokes a leaf whose status index is in doubt; return its id."""
    ensure_account(session, controller.account, chain_id=controller.chain_id)
    call = revoke_leaf_call(body_id, leaf, int(reason))
    write = _enqueue(session, controller, call, now=now)
    session.add(
        StatusChangeRow(
            id=write.id,
            body_id=body_id,
            act=LedgerAct.REVOKE_LEAF,
            by_party=controller.by_party,
            reason=reason,
            leaf=leaf,
        )
    )
    session.flush()
    return write.id


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusOutcome:
    """What became of a ledger write that changes status.

    Attributes:
        is_published: It is final on chain.
        block: Height of the block that holds it, None before it is mined.
        transaction_hash: The transaction; None before, or when it is not known which one it was.
        effective_at: Time of that block.
    """

    is_published: bool
    block: int | None
    transaction_hash: bytes | None
    effective_at: datetime | None


def status_outcome(session: Session, write_id: int) -> StatusOutcome:
    """Return what became of a ledger write."""
    row = session.get_one(LedgerWriteRow, write_id)
    return StatusOutcome(
        is_published=row.state is WriteState.PUBLISHED,
        block=row.block,
        transaction_hash=row.transaction_hash,
        effective_at=row.effective_at,
    )


def _enqueue(
    session: Session, controller: Controller, call: bytes, *, now: datetime
) -> LedgerWriteRow:
    write = open_write(
        session,
        WriteKind.STATUS,
        account=controller.account,
        contract=controller.contract,
        now=now,
    )
    seal_write(session, write, call, now=now)
    return write


def _groups(orders: Iterable[StatusOrder]) -> Iterator[_Group]:
    groups: list[_Group] = []
    for order in orders:
        key = (order.body_id, order.list_number, order.act, order.reason)
        chosen = None
        for group in reversed(groups):
            if group.key == key:
                chosen = group
                break
            if _entry(order) in group.entries:
                break  # what was ordered later on the same entry must come later
        if chosen is None:
            chosen = _Group(key)
            groups.append(chosen)
        chosen.add(order)
    yield from groups


def _entry(order: StatusOrder) -> tuple[bytes, int, int]:
    return order.body_id, order.list_number, order.index

"""Status positions: drawn at random, so that neither index nor order tells how much is issued.

A body's list is opened block by block in random order, and positions are drawn at random inside
the open block. Unique keys of the tables catch what a defect here would do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from registry.bodies.repository import lock_body
from registry.certificates.domain import (
    BLOCKS_PER_LIST,
    STATUS_BLOCK,
    free_positions,
    mark_drawn,
)
from registry.certificates.models import StatusBlockRow, StatusEntryRow
from registry.kit.bulk_insert import insert_rows
from verifier.core.ids import StatusEntry

Choose = Callable[[int], int]
"""Returns a random number from 0 to below its argument; `secrets.randbelow` outside of tests."""


def reserve_positions(
    session: Session, body: bytes, certificate_ids: Sequence[str], *, choose: Choose
) -> dict[str, StatusEntry]:
    """Reserve a status position for each certificate; one that has a position keeps it.

    Args:
        session: A writing transaction. The body is locked, so that two of them draw in turn.
        body: Id of the issuing body of all certificates.
        certificate_ids: Certificates, at most some hundred at once.
        choose: Source of randomness.

    Returns:
        The position of each certificate by its id.
    """
    lock_body(session, body)
    positions = {
        row.certificate_id: StatusEntry(list_number=row.list_number, index=row.position)
        for row in session.execute(
            select(
                StatusEntryRow.certificate_id, StatusEntryRow.list_number, StatusEntryRow.position
            ).where(StatusEntryRow.certificate_id.in_(certificate_ids))
        )
    }
    waiting = [each for each in certificate_ids if each not in positions]
    drawn: dict[str, StatusEntry] = {}
    while len(drawn) < len(waiting):
        entries = _draw(_open_block(session, body, choose), len(waiting) - len(drawn), choose)
        drawn |= zip(waiting[len(drawn) :], entries, strict=False)
    rows = [
        {
            "body_id": body,
            "list_number": entry.list_number,
            "position": entry.index,
            "certificate_id": certificate_id,
        }
        for certificate_id, entry in drawn.items()
    ]
    insert_rows(session, StatusEntryRow, rows)
    return positions | drawn


def _draw(block: StatusBlockRow, count: int, choose: Choose) -> list[StatusEntry]:
    """Draw positions of a block, at most `count` and at most as many as are free."""
    free = free_positions(block.drawn)
    taken = [free.pop(choose(len(free))) for _ in range(min(count, len(free)))]
    block.drawn = mark_drawn(block.drawn, taken)
    block.free = len(free)
    first = block.block * STATUS_BLOCK
    return [StatusEntry(list_number=block.list_number, index=first + each) for each in taken]


def _open_block(session: Session, body: bytes, choose: Choose) -> StatusBlockRow:
    """Return the block with free positions, opening one at random where there is none."""
    blocks = list(
        session.execute(
            select(StatusBlockRow.list_number, StatusBlockRow.block, StatusBlockRow.free)
            .where(StatusBlockRow.body_id == body)
            .order_by(StatusBlockRow.list_number)
        )
    )
    for list_number, block, free in blocks:
        if free:
            return session.get_one(StatusBlockRow, (body, list_number, block))
    newest = max((list_number for list_number, _, _ in blocks), default=0)
    used = {block for list_number, block, _ in blocks if list_number == newest}
    if len(used) == BLOCKS_PER_LIST:
        newest, used = newest + 1, set()
    unused = [block for block in range(BLOCKS_PER_LIST) if block not in used]
    opened = _new_block(body, newest, unused[choose(len(unused))])
    session.add(opened)
    return opened


def pass_over_open_lists(session: Session, bodies: Sequence[bytes], *, choose: Choose) -> None:
    """Let bodies draw from new lists from now on.

    A database that was restored to an earlier time does not know what was drawn since; a position
    drawn twice would let the revocation of one certificate hit the other.

    Args:
        session: A writing transaction.
        bodies: Ids of all bodies.
        choose: Source of randomness.
    """
    for body in bodies:
        lock_body(session, body)
        drawn_from = StatusBlockRow.body_id == body
        newest = session.scalar(select(func.max(StatusBlockRow.list_number)).where(drawn_from))
        session.execute(
            update(StatusBlockRow)
            .where(drawn_from, StatusBlockRow.free > 0)
            .values(free=0, drawn=b"\xff" * (STATUS_BLOCK // 8))
        )
        # One list further than the next: that one may have been begun since.
        following = (0 if newest is None else newest) + 2
        session.add(_new_block(body, following, choose(BLOCKS_PER_LIST)))


def _new_block(body: bytes, list_number: int, block: int) -> StatusBlockRow:
    return StatusBlockRow(
        body_id=body,
        list_number=list_number,
        block=block,
        drawn=bytes(STATUS_BLOCK // 8),
        free=STATUS_BLOCK,
    )

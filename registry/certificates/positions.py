"""Status positions: drawn at random, so that neither index nor order tells how much is issued.

A body's list is opened block by block in random order, and positions are drawn at random inside
the open block. Unique keys of the tables catch what a defect here would do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.bodies.repository import lock_body
from registry.certificates.domain import (
    BLOCKS_PER_LIST,
    STATUS_BLOCK,
    draw_position,
    mark_drawn,
)
from registry.certificates.models import StatusBlockRow, StatusEntryRow
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
        for row in session.scalars(
            select(StatusEntryRow).where(StatusEntryRow.certificate_id.in_(certificate_ids))
        )
    }
    block: StatusBlockRow | None = None
    for certificate_id in certificate_ids:
        if certificate_id in positions:
            continue
        if block is None or block.free == 0:
            block = _open_block(session, body, choose)
        entry = _draw(block, choose)
        positions[certificate_id] = entry
        session.add(
            StatusEntryRow(
                body_id=body,
                list_number=entry.list_number,
                position=entry.index,
                certificate_id=certificate_id,
            )
        )
    session.flush()
    return positions


def _draw(block: StatusBlockRow, choose: Choose) -> StatusEntry:
    position = draw_position(block.drawn, choose(block.free))
    block.drawn = mark_drawn(block.drawn, position)
    block.free -= 1
    return StatusEntry(list_number=block.list_number, index=block.block * STATUS_BLOCK + position)


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
    opened = StatusBlockRow(
        body_id=body,
        list_number=newest,
        block=unused[choose(len(unused))],
        drawn=bytes(STATUS_BLOCK // 8),
        free=STATUS_BLOCK,
    )
    session.add(opened)
    return opened

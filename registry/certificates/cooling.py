"""Closed years leave the database: what the object store has for certain is not kept twice.

A pack is read back from the store, each record decrypted and compared with the one in the database,
byte for byte, and both with the leaf and with the digest of the approved document. Then the record
is deleted from the database and its place noted in the same transaction. What stays is what lists,
status, look-ups and proofs need. What does not compare stays where it is.

A pack is a transaction: killed at any point, the next run goes on with what is still there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Select, delete, func, select, type_coerce
from sqlalchemy.orm import Session

from registry.anchoring.domain import WriteState
from registry.anchoring.models import BatchRow, LeafRow, LedgerWriteRow
from registry.audit.service import INSTALLATION, record
from registry.certificates.cold_contents import (
    ColdContents,
    Kept,
    cold_ids,
    kept_by,
    places,
    read_pack,
    record_in,
)
from registry.certificates.content_packs import Pack
from registry.certificates.contents import Contents, present
from registry.certificates.errors import ContentErasedError, YearNotClosedError
from registry.certificates.models import (
    CooledContentRow,
    DisclosuresRow,
    IssuedTokenRow,
)
from registry.certificates.packing import PackDamagedError
from registry.certificates.service import get_outlines
from registry.certificates.signed_contents import PACKED, unpacked
from registry.kit.actor import Actor
from registry.kit.bulk_insert import insert_rows
from registry.kit.chunks import chunks
from registry.kit.clock import Clock, system_clock
from registry.kit.objects import DamagedObjectError
from verifier.core.errors import VerifierError
from verifier.core.limits import SUBTREE_LEAVES

EARLIER_FORM: Final = "earlier_form"  # kept unpacked in the store, by an earlier release
DIFFERS: Final = "record_differs"
_IN_ONE_TRANSACTION: Final = 500  # certificates brought back


@dataclass(frozen=True, slots=True, kw_only=True)
class YearOutline:
    """How the contents of a year are kept.

    Attributes:
        ready: Certificates whose pack is in the store and whose batch is published.
        ready_bytes: Bytes of their records in the database.
        waiting: Others whose content is in the database alone, or in an earlier form.
        cold: Certificates whose record is in the store alone.
    """

    ready: int
    ready_bytes: int
    waiting: int
    cold: int


@dataclass(slots=True, kw_only=True)
class Cooled:
    """What a run did.

    Attributes:
        certificates: How many records left the database.
        record_bytes: How many bytes they had.
        stayed: Certificates whose record in the store is not that of the database, with the code.
    """

    certificates: int = 0
    record_bytes: int = 0
    stayed: list[tuple[str, str]] = field(default_factory=list)


def outline_of(session: Session, year: int) -> YearOutline:
    """Return how the contents of certificates signed in a year (UTC) are kept."""
    size = func.coalesce(func.sum(func.length(DisclosuresRow.packed)), 0)
    ready, ready_bytes = session.execute(_ready(year).with_only_columns(func.count(), size)).one()
    here, cold = (
        session.scalar(
            select(func.count())
            .select_from(table)
            .join(IssuedTokenRow, IssuedTokenRow.certificate_id == table.certificate_id)
            .where(_signed_in(year))
        )
        or 0
        for table in (DisclosuresRow, CooledContentRow)
    )
    return YearOutline(ready=ready, ready_bytes=int(ready_bytes), waiting=here - ready, cold=cold)


def cool(
    contents: Contents,
    year: int,
    *,
    actor: Actor,
    clock: Clock = system_clock,
    progress: Callable[[int], None] = lambda _done: None,
) -> Cooled:
    """Delete from the database the records of a closed year that the store has for certain.

    Args:
        contents: Database and store.
        year: Year (UTC) in which the certificates were signed.
        actor: Who decided so; on record with the number of certificates of each pack.
        clock: Time of the act.
        progress: Told how many certificates are dealt with.

    Raises:
        YearNotClosedError: The year is not over.
        ObjectStoreUnavailableError: The store cannot be read; what is done so far stands.
        UnknownObjectKeyError: A key that wraps data keys is not here.
    """
    if year >= clock().year:
        raise YearNotClosedError(f"{year} is not over")
    done, seen = Cooled(), 0
    subtree = type_coerce(LeafRow.position // SUBTREE_LEAVES, Integer)
    with contents.database.read() as session:
        packs = session.execute(
            _ready(year)
            .with_only_columns(BatchRow.id, subtree)
            .distinct()
            .order_by(BatchRow.id, subtree)
        ).all()
    for batch_id, number in packs:
        with contents.database.read() as session:
            first = number * SUBTREE_LEAVES
            is_inside = LeafRow.position.between(first, first + SUBTREE_LEAVES - 1)
            kept = places(session, _ready(year).where(BatchRow.id == batch_id, is_inside))
            records = _records(session, [each.certificate_id for each in kept])
        same = list(_same(contents, kept, records, done))
        if same:
            with contents.database.begin() as session:
                moved = _move(session, same, batch_id)
                size = sum(len(records[each]) for each in moved)
                record(
                    session,
                    "contents.cool",
                    actor=actor,
                    object_=f"batch:{batch_id}",
                    tenant=INSTALLATION,
                    at=clock(),
                    details={"bytes": size, "certificates": len(moved), "year": year},
                )
            done.certificates += len(moved)
            done.record_bytes += size
        seen += len(kept)
        progress(seen)
    return done


def cold_in(session: Session, year: int) -> list[str]:
    """Return the cold certificates that were signed in a year, in the order of their packs."""
    statement = (
        select(CooledContentRow.certificate_id)
        .join(IssuedTokenRow, IssuedTokenRow.certificate_id == CooledContentRow.certificate_id)
        .where(_signed_in(year))
        .order_by(CooledContentRow.batch_id, CooledContentRow.position)
    )
    return list(session.scalars(statement))


def warm(
    contents: Contents,
    identifiers: Sequence[str],
    *,
    actor: Actor,
    clock: Clock = system_clock,
) -> int:
    """Bring records back into the database; they stay in the store as well.

    Returns:
        How many were brought back; those that are in the database already are left as they are.

    Raises:
        CertificateNotFoundError: One of them does not exist; nothing was done.
        ContentErasedError: One of them was erased, or never signed; nothing was done.
        ObjectStoreUnavailableError: The store cannot be read; what is done so far stands.
        DamagedObjectError: What the store has is not what was taken out.
    """
    with contents.database.read() as session:
        get_outlines(session, identifiers)
        missing = set(identifiers) - present(session, identifiers)
    if missing:
        raise ContentErasedError(f"there is no content of {min(missing)}")
    reader = ColdContents(lambda: (contents.objects, contents.ring))
    brought = 0
    for part in chunks(list(identifiers), _IN_ONE_TRANSACTION):
        with contents.database.read() as session:
            cold = cold_ids(session, part)
            kept = places(
                session, kept_by(CooledContentRow).where(CooledContentRow.certificate_id.in_(cold))
            )
        records = {each.certificate_id: _checked(each, reader.record(each)) for each in kept}
        with contents.database.begin() as session:
            brought += _bring_back(session, records, actor=actor, clock=clock)
    return brought


def _ready(year: int) -> Select[*tuple[Any, ...]]:
    """Return where the certificates of a year are whose record could leave the database."""
    return (
        kept_by(LeafRow)
        .join(DisclosuresRow, DisclosuresRow.certificate_id == IssuedTokenRow.certificate_id)
        .join(LedgerWriteRow, LedgerWriteRow.id == LeafRow.batch_id)
        .where(
            _signed_in(year),
            DisclosuresRow.packed.is_not(None),
            LedgerWriteRow.state == WriteState.PUBLISHED,
        )
    )


def _signed_in(year: int) -> ColumnElement[bool]:
    since, until = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    return (IssuedTokenRow.issued_at >= since) & (IssuedTokenRow.issued_at < until)


def _records(session: Session, identifiers: Sequence[str]) -> dict[str, bytes]:
    statement = select(DisclosuresRow.certificate_id, DisclosuresRow.packed).where(
        DisclosuresRow.certificate_id.in_(identifiers)
    )
    return {owner: packed for owner, packed in session.execute(statement) if packed is not None}


def _same(
    contents: Contents, kept: Sequence[Kept], records: Mapping[str, bytes], done: Cooled
) -> Iterator[Kept]:
    """Yield those of a pack that the store has as the database has them; note the others."""
    name = kept[0].object if kept else b""
    try:
        pack = Pack(read_pack(contents.objects, name))
    except DamagedObjectError as error:
        done.stayed += [(each.certificate_id, error.code) for each in kept]
        return
    for each in kept:
        try:
            stored = record_in(pack, each, contents.ring)
            if stored is None:
                code: str | None = EARLIER_FORM
            elif stored != records[each.certificate_id]:
                code = DIFFERS
            else:
                code = None
                _checked(each, stored)
        except (DamagedObjectError, PackDamagedError, VerifierError) as error:
            code = error.code
        if code is None:
            yield each
        else:
            done.stayed.append((each.certificate_id, code))


def _checked(kept: Kept, stored: bytes) -> bytes:
    """Return a record that gives the token of the leaf and the document that was approved."""
    unpacked(kept, stored).rebuilt_document()
    return stored


def _move(session: Session, kept: Sequence[Kept], batch_id: int) -> list[str]:
    """Note the places of records and delete them; return whose were still there."""
    # Locked as an erasure locks them: what is erased meanwhile is not noted as kept.
    get_outlines(session, [each.certificate_id for each in kept], for_update=True)
    here = _records(session, [each.certificate_id for each in kept])
    moving = [each for each in kept if each.certificate_id in here]
    rows = [
        {
            "certificate_id": each.certificate_id,
            "batch_id": batch_id,
            "position": each.position,
        }
        for each in moving
    ]
    insert_rows(session, CooledContentRow, rows)
    moved = [each.certificate_id for each in moving]
    session.execute(delete(DisclosuresRow).where(DisclosuresRow.certificate_id.in_(moved)))
    return moved


def _bring_back(
    session: Session, records: Mapping[str, bytes], *, actor: Actor, clock: Clock
) -> int:
    get_outlines(session, sorted(records), for_update=True)
    still = sorted(cold_ids(session, records))
    rows = [
        {"certificate_id": each, "disclosures": PACKED, "packed": records[each]} for each in still
    ]
    insert_rows(session, DisclosuresRow, rows)
    session.execute(delete(CooledContentRow).where(CooledContentRow.certificate_id.in_(still)))
    if still:
        record(
            session,
            "contents.warm",
            actor=actor,
            object_="contents:cold",
            tenant=INSTALLATION,
            at=clock(),
            details={"certificates": len(still), "first": still[0], "last": still[-1]},
        )
    return len(still)

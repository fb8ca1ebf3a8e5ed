"""Contents that left the database, read from the object store when somebody asks for them.

Whoever reads has a session and nothing else, so a process that may read tells its database once
where the store is. Nothing is asked of the store before the first cold certificate is asked for.
Packs read last stay in memory, as ciphertext: what decrypts them is looked up for each reading, so
that an erasure need not reach this memory.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from registry.anchoring.models import BatchRow, LeafRow
from registry.certificates.content_packs import KIND, Pack
from registry.certificates.models import (
    CertificateRow,
    ContentKeyRow,
    ContentPackRow,
    CooledContentRow,
    DisclosuresRow,
    IssuedTokenRow,
)
from registry.kit.chunks import chunks
from registry.kit.database import Database
from registry.kit.errors import NotFoundError
from registry.kit.objects import DamagedObjectError, ObjectStore, ObjectStoreUnavailableError
from registry.kit.objects.key_ring import KeyRing, WrappedKey
from registry.object_store import open_key_ring, open_object_store
from registry.settings import Settings
from verifier.core.limits import SUBTREE_LEAVES

MAX_KEPT_BYTES: Final = 64 * 1024 * 1024  # of packs; one of sample certificates has a third of 1 MB
_TOLD: Final = "lancang_cold_contents"
_COOLED: Final = CooledContentRow.certificate_id
_IN_ONE_STATEMENT: Final = 500  # far below the number of parameters that any database takes
_COLUMNS: Final[tuple[InstrumentedAttribute[Any], ...]] = (
    IssuedTokenRow.certificate_id,
    IssuedTokenRow.leaf,
    CertificateRow.body_id,
    IssuedTokenRow.key_thumbprint,
    IssuedTokenRow.issued_at,
    CertificateRow.document_sha256,
    BatchRow.root,
    ContentPackRow.object,
    ContentKeyRow.key_id,
    ContentKeyRow.wrapped,
)

OpenStore = Callable[[], tuple[ObjectStore, KeyRing]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the database knows of a certificate whose record is in the object store.

    Attributes:
        certificate_id: Its id.
        leaf: Its leaf, 32 bytes.
        body_id: Id of the issuing body, 32 bytes.
        key_thumbprint: Of the key that signed it, 32 bytes.
        issued_at: When it was signed.
        document_sha256: Digest of its document, 32 bytes.
        position: Place of its leaf in the batch whose pack has it.
        root: Root of that batch, 32 bytes.
        object: Name of the pack, 32 bytes.
        key: Its data key.
    """

    certificate_id: str
    leaf: bytes
    body_id: bytes
    key_thumbprint: bytes
    issued_at: datetime
    document_sha256: bytes
    position: int
    root: bytes
    object: bytes
    key: WrappedKey


class ColdContents:
    """Reads records from the object store. May be used by many threads.

    Args:
        open_store: Called once, at the first reading.
        max_bytes: How many bytes of packs are kept in memory at most.
    """

    def __init__(self, open_store: OpenStore, *, max_bytes: int = MAX_KEPT_BYTES) -> None:
        self._open_store = open_store
        self._max_bytes = max_bytes
        self._opened: tuple[ObjectStore, KeyRing] | None = None
        self._packs: OrderedDict[bytes, tuple[Pack, int]] = OrderedDict()
        self._lock = threading.Lock()

    def record(self, kept: Kept) -> bytes:
        """Return a packed record.

        Raises:
            DamagedObjectError: The store lost it, or has something else in its place.
            ObjectStoreUnavailableError: The store cannot be read.
            UnknownObjectKeyError: The key that wraps its data key is not here.
        """
        objects, ring = self._store()
        record = record_in(self._pack(objects, kept.object), kept, ring)
        if record is None:
            raise DamagedObjectError(f"pack {kept.object.hex()} has another record")
        return record

    def _store(self) -> tuple[ObjectStore, KeyRing]:
        with self._lock:
            if self._opened is None:
                self._opened = self._open_store()
            return self._opened

    def _pack(self, objects: ObjectStore, name: bytes) -> Pack:
        with self._lock:
            if (known := self._packs.get(name)) is not None:
                self._packs.move_to_end(name)
                return known[0]
        data = read_pack(objects, name)  # outside of the lock: others read what is here meanwhile
        pack = Pack(data)
        with self._lock:
            self._packs[name] = pack, len(data)
            while sum(size for _, size in self._packs.values()) > self._max_bytes:
                self._packs.popitem(last=False)
        return pack


def attach_cold_contents(database: Database, cold: ColdContents) -> None:
    """Tell a database from where cold contents are read, for every session from now on."""
    database.info[_TOLD] = cold


def attach_object_store(database: Database, settings: Settings) -> None:
    """Let whoever reads from a database of an installation read cold contents as well."""
    attach_cold_contents(
        database, ColdContents(lambda: (open_object_store(settings), open_key_ring(settings)))
    )


def read_pack(objects: ObjectStore, name: bytes) -> bytes:
    """Return the bytes of a pack that the database names.

    Raises:
        DamagedObjectError: The store has it no more, or damaged.
        ObjectStoreUnavailableError: The store cannot be read.
    """
    try:
        return bytes(objects.get(KIND, name))
    except NotFoundError as error:
        raise DamagedObjectError(f"the store lost pack {name.hex()}") from error


def record_in(pack: Pack, kept: Kept, ring: KeyRing) -> bytes | None:
    """Return the packed record of a certificate from its pack.

    None where it was kept unpacked, as an earlier release did; such ones are never cold.

    Raises:
        DamagedObjectError: The pack has something else in its place.
        UnknownObjectKeyError: The key that wraps its data key is not here.
    """
    try:
        parcel = pack.parcel(kept.position) if pack.place.root == kept.root else None
    except IndexError:
        parcel = None
    if parcel is None or parcel.certificate_id != kept.certificate_id:
        raise DamagedObjectError(f"pack {kept.object.hex()} has not what was kept in it")
    content = pack.open_record(parcel, ring.unwrap(kept.key))
    if content is None:
        return None
    if (content.body, content.key) != (kept.body_id, kept.key_thumbprint):
        raise DamagedObjectError(f"pack {kept.object.hex()} has another record")
    return content.record


def read_cold(session: Session, identifiers: Iterable[str]) -> list[tuple[Kept, bytes]]:
    """Return the packed records of those certificates that are cold.

    Raises:
        DamagedObjectError: The store lost one, or has something else in its place.
        ObjectStoreUnavailableError: The store cannot be read, or this process was not told of it.
    """
    cold = cold_ids(session, identifiers)
    if not cold:
        return []
    reader: ColdContents | None = session.info.get(_TOLD)
    if reader is None:
        raise ObjectStoreUnavailableError("this process was not told where cold contents are")
    found = places(session, kept_by(CooledContentRow).where(_COOLED.in_(cold)))
    if len(found) != len(cold):
        raise DamagedObjectError("a cold certificate has no pack or no data key in the database")
    return [(kept, reader.record(kept)) for kept in found]


def cold_ids(session: Session, identifiers: Iterable[str]) -> set[str]:
    """Return which of these certificates are cold."""
    found: set[str] = set()
    for part in chunks(list(identifiers), _IN_ONE_STATEMENT):
        found.update(session.scalars(select(_COOLED).where(_COOLED.in_(part))))
    return found


def is_here(certificate_id: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Return the condition that the content of a certificate was not erased, cold or not."""
    return or_(
        exists().where(DisclosuresRow.certificate_id == certificate_id),
        exists().where(CooledContentRow.certificate_id == certificate_id),
    )


def kept_by(place: type[CooledContentRow] | type[LeafRow]) -> Select[*tuple[Any, ...]]:
    """Return the statement whose rows `places` reads: certificates of which a pack is known.

    Args:
        place: Says where the leaf of a certificate is: for cold ones, or for all.
    """
    if place is CooledContentRow:
        own = CooledContentRow.certificate_id == IssuedTokenRow.certificate_id
    else:
        own = LeafRow.leaf == IssuedTokenRow.leaf
    return (
        select(*_COLUMNS, place.position)
        .select_from(IssuedTokenRow)
        .join(place, own)
        .join(CertificateRow, CertificateRow.id == IssuedTokenRow.certificate_id)
        .join(BatchRow, BatchRow.id == place.batch_id)
        .join(
            ContentPackRow,
            (ContentPackRow.batch_id == place.batch_id)
            & (ContentPackRow.subtree == place.position // SUBTREE_LEAVES),
        )
        .join(ContentKeyRow, ContentKeyRow.certificate_id == IssuedTokenRow.certificate_id)
    )


def places(session: Session, statement: Select[*tuple[Any, ...]]) -> list[Kept]:
    """Return where certificates are kept, in the order of a statement made by `kept_by`."""
    return [
        Kept(
            certificate_id=row.certificate_id,
            leaf=row.leaf,
            body_id=row.body_id,
            key_thumbprint=row.key_thumbprint,
            issued_at=row.issued_at,
            document_sha256=row.document_sha256,
            position=row.position,
            root=row.root,
            object=row.object,
            key=WrappedKey(row.key_id, row.wrapped),
        )
        for row in session.execute(statement)
    ]

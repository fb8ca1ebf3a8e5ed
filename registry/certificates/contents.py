"""Contents of certificates in the object store: kept before their batch is sent, read back, erased.

Every certificate has a data key of its own. Erasing a certificate destroys the key, so that the
ciphertext, which no store and no backup of a store ever gives back, is worth nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from registry.anchoring.domain import LeafKind
from registry.anchoring.models import BatchRow, LeafRow
from registry.anchoring.records import Batch
from registry.certificates.cold_contents import cold_ids
from registry.certificates.content_packs import (
    KIND,
    Content,
    Pack,
    PackedContent,
    PackPlace,
    dump_pack,
)
from registry.certificates.errors import CertificateNotFoundError, ContentErasedError
from registry.certificates.models import (
    CertificateRow,
    ContentKeyRow,
    ContentPackRow,
    CooledContentRow,
    CoSignatureRow,
    DisclosuresRow,
    IssuedTokenRow,
    ReleaseStatementRow,
    SummaryRow,
)
from registry.certificates.signed_contents import StoredContent, read_contents
from registry.kit.database import Database
from registry.kit.errors import NotFoundError, UnavailableError
from registry.kit.objects import DamagedObjectError, ObjectStore
from registry.kit.objects.key_ring import KeyRing, WrappedKey
from registry.object_store import open_key_ring, open_object_store
from registry.settings import Settings
from verifier.core.limits import SUBTREE_LEAVES

_ATTEMPTS: Final = 3  # against another worker, or an erasure, in the same moment
_WHOLE: Final = frozenset({LeafKind.CERTIFICATE, LeafKind.RECORD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Contents of certificates in the object store of an installation.

    Attributes:
        database: Where data keys are, and what is to be kept.
        objects: The store.
        ring: Keys that wrap data keys.
    """

    database: Database
    objects: ObjectStore
    ring: KeyRing

    def keep(self, batch: Batch) -> None:
        """Put everything that was signed for the leaves of a batch into the store.

        Data keys are in the database before anything that they encrypt is in the store. Killed
        at any point, it goes on with the first subtree that was not recorded.

        Raises:
            ObjectStoreUnavailableError: The store cannot be written; time will cure it.
            DamagedObjectError: The store does not keep what it is given.
        """
        for subtree in self.missing(batch):
            place = PackPlace(root=batch.root, size=batch.size, subtree=subtree)
            contents, keys = self._prepared(batch.id, place)
            if not contents:
                continue
            name = self.objects.put(KIND, dump_pack(place, contents, keys))
            try:
                with self.database.begin() as session:
                    session.add(ContentPackRow(batch_id=batch.id, subtree=subtree, object=name))
            except IntegrityError:
                continue  # another worker was quicker; its pack opens with the same keys

    def keep_all(self) -> int:
        """Keep what is missing of batches that were stored before, and return of how many.

        For those of earlier releases of this program, which kept trees alone.
        """
        waiting = [batch for batch in stored_batches(self.database) if self.missing(batch)]
        for batch in waiting:
            self.keep(batch)
        return len(waiting)

    def missing(self, batch: Batch) -> list[int]:
        """Return the subtrees of a batch with leaves of certificates of which no pack is known."""
        subtree = LeafRow.position // SUBTREE_LEAVES
        with self.database.read() as session:
            wanted = session.scalars(
                select(subtree)
                .where(LeafRow.batch_id == batch.id, LeafRow.certificate_id.is_not(None))
                .distinct()
                .order_by(subtree)
            ).all()
            kept = set(
                session.scalars(
                    select(ContentPackRow.subtree).where(ContentPackRow.batch_id == batch.id)
                )
            )
        return [number for number in wanted if number is not None and number not in kept]

    def read(self, certificate_id: str) -> Content:
        """Return a certificate as the store has it, compared with its leaf.

        Raises:
            CertificateNotFoundError: There is no such certificate, or it is not signed.
            ContentErasedError: Its key was destroyed.
            NotFoundError: The store has no content of it yet, or lost it.
            DamagedObjectError: What the store has is not it.
            ObjectStoreUnavailableError: The store cannot be read.
        """
        with self.database.read() as session:
            found = session.execute(
                select(LeafRow.leaf, LeafRow.position, ContentPackRow.object, BatchRow.root)
                .select_from(IssuedTokenRow)
                .join(LeafRow, LeafRow.leaf == IssuedTokenRow.leaf)
                .outerjoin(BatchRow, BatchRow.id == LeafRow.batch_id)
                .outerjoin(
                    ContentPackRow,
                    (ContentPackRow.batch_id == LeafRow.batch_id)
                    & (ContentPackRow.subtree == LeafRow.position // SUBTREE_LEAVES),
                )
                .where(IssuedTokenRow.certificate_id == certificate_id)
            ).first()
            kept = session.get(ContentKeyRow, certificate_id)
            is_erased = not present(session, [certificate_id])
        if found is None:
            raise CertificateNotFoundError(f"there is no signed certificate {certificate_id}")
        if is_erased and kept is None:
            raise ContentErasedError(f"the content of {certificate_id} was erased")
        if found.object is None or kept is None:
            raise NotFoundError(f"the store has no content of {certificate_id} yet")
        pack = Pack(self.objects.get(KIND, found.object))
        parcel = pack.parcel(found.position) if pack.place.root == found.root else None
        if parcel is None:
            raise DamagedObjectError(f"pack {found.object.hex()} has not what was kept in it")
        content = pack.open(parcel, self.ring.unwrap(WrappedKey(kept.key_id, kept.wrapped)))
        if content.leaf != found.leaf or content.certificate_id != certificate_id:
            raise DamagedObjectError(f"pack {found.object.hex()} has another certificate")
        return content

    def _prepared(
        self, batch_id: int, place: PackPlace
    ) -> tuple[dict[int, Content | PackedContent], dict[str, bytes]]:
        """Return contents by position and the data keys, which are in the database by then."""
        failure: IntegrityError | None = None
        for _ in range(_ATTEMPTS):
            try:
                with self.database.begin() as session:
                    contents = _contents(session, batch_id, place)
                    owners = {content.certificate_id for content in contents.values()}
                    kept = _data_keys(session, owners, self.ring)
            except IntegrityError as error:
                failure = error
            else:
                return contents, {owner: self.ring.unwrap(key) for owner, key in kept.items()}
        raise UnavailableError(f"data keys of batch {batch_id} cannot be made") from failure


def open_contents(settings: Settings, database: Database) -> Contents:
    """Return the contents of an installation; nothing is asked of the store yet.

    Raises:
        ObjectKeyError: The key that wraps data keys is missing or malformed.
        UnusableSettingsError: The store is configured wrongly.
    """
    return Contents(
        database=database, objects=open_object_store(settings), ring=open_key_ring(settings)
    )


def destroy_keys(session: Session, identifiers: Sequence[str]) -> None:
    """Destroy the data keys of certificates, as part of the transaction that erases them.

    The tables demand that the erasure is on record already.
    """
    session.execute(delete(ContentKeyRow).where(ContentKeyRow.certificate_id.in_(identifiers)))


def rewrap(database: Database, ring: KeyRing, *, limit: int) -> int:
    """Wrap data keys anew that are wrapped under an earlier key.

    Args:
        database: Where they are.
        ring: The current key, and every earlier one that is still in use.
        limit: How many at once.

    Returns:
        How many were wrapped anew; 0 when none is left.

    Raises:
        UnknownObjectKeyError: One of them is wrapped under a key that is not here.
    """
    with database.begin() as session:
        rows = session.execute(
            select(ContentKeyRow.certificate_id, ContentKeyRow.key_id, ContentKeyRow.wrapped)
            .where(ContentKeyRow.key_id != ring.current_id)
            .order_by(ContentKeyRow.certificate_id)
            .limit(limit)
            .with_for_update()
        ).all()
        renewed = [
            (row.certificate_id, ring.rewrap(WrappedKey(row.key_id, row.wrapped))) for row in rows
        ]
        if renewed:
            session.execute(
                update(ContentKeyRow),
                [
                    {"certificate_id": owner, "key_id": key.key_id, "wrapped": key.wrapped}
                    for owner, key in renewed
                ],
            )
    return len(renewed)


def wrapped_keys(session: Session, owners: Iterable[str]) -> dict[str, WrappedKey]:
    """Return the wrapped data keys of certificates, as far as they have one."""
    statement = select(
        ContentKeyRow.certificate_id, ContentKeyRow.key_id, ContentKeyRow.wrapped
    ).where(ContentKeyRow.certificate_id.in_(list(owners)))
    return {
        owner: WrappedKey(key_id, wrapped) for owner, key_id, wrapped in session.execute(statement)
    }


def stored_batches(database: Database) -> Iterator[Batch]:
    """Yield every batch whose tree is in the store, the oldest first."""
    with database.read() as session:
        rows = session.execute(
            select(BatchRow.id, BatchRow.root, BatchRow.size, BatchRow.tree_object)
            .where(BatchRow.tree_object.is_not(None))
            .order_by(BatchRow.id)
        ).all()
    for identifier, root, size, tree_object in rows:
        if root is not None and size is not None:
            yield Batch(id=identifier, root=root, size=size, tree_object=tree_object)


def present(session: Session, owners: Iterable[str]) -> set[str]:
    """Return which of these certificates are signed and not erased, cold or not."""
    wanted = list(owners)
    statement = select(DisclosuresRow.certificate_id).where(
        DisclosuresRow.certificate_id.in_(wanted)
    )
    return {*session.scalars(statement), *cold_ids(session, wanted)}


def _data_keys(session: Session, owners: set[str], ring: KeyRing) -> dict[str, WrappedKey]:
    """Return the data keys of certificates, made where there are none."""
    kept = wrapped_keys(session, owners)
    made = {owner: ring.new_key()[1] for owner in sorted(owners - kept.keys())}
    if made:
        session.execute(
            insert(ContentKeyRow),
            [
                {"certificate_id": owner, "key_id": key.key_id, "wrapped": key.wrapped}
                for owner, key in made.items()
            ],
        )
    return kept | made


def _contents(
    session: Session, batch_id: int, place: PackPlace
) -> dict[int, Content | PackedContent]:
    """Return what was signed for the leaves of a subtree, by position.

    Erased certificates are left out, and no other one can be erased before the transaction ends:
    whoever erases deletes its disclosures first, or the record that it is cold. Of a cold one there
    is what was signed later; the rest was kept before.
    """
    leaves = session.execute(
        select(LeafRow.position, LeafRow.leaf, LeafRow.kind, LeafRow.certificate_id)
        .where(
            LeafRow.batch_id == batch_id,
            LeafRow.position >= place.first,
            LeafRow.position < place.first + SUBTREE_LEAVES,
            LeafRow.certificate_id.is_not(None),
        )
        .order_by(LeafRow.position)
    ).all()
    owners = {leaf.certificate_id for leaf in leaves if leaf.certificate_id is not None}
    whole = _whole(session, owners)
    cold: set[str] = set()
    if others := owners - whole.keys():
        cold = _cold(session, others)
        whole |= _whole(session, others - cold)  # brought back between the two
    entries = _entries(session, {*whole, *cold})
    contents: dict[int, Content | PackedContent] = {}
    for position, leaf, kind, owner in leaves:
        if position is None or owner is None:
            continue
        if kind in _WHOLE:
            if owner in whole:
                contents[position] = _content_of(owner, kind, whole[owner])
        elif leaf in entries:
            contents[position] = Content(certificate_id=owner, kind=kind, entry=entries[leaf])
    return contents


def _content_of(
    owner: str, kind: LeafKind, found: tuple[bytes, bytes, bytes] | StoredContent
) -> Content | PackedContent:
    if isinstance(found, tuple):
        record, body, key = found
        return PackedContent(certificate_id=owner, kind=kind, body=body, key=key, record=record)
    return Content(
        certificate_id=owner,
        kind=kind,
        entry=found.jwt.encode("ascii"),
        disclosures="~".join(found.disclosures),
        document=found.rebuilt_document(),
    )


def _whole(
    session: Session, owners: set[str]
) -> dict[str, tuple[bytes, bytes, bytes] | StoredContent]:
    """Return packed records as they are, with what is needed to unpack them, and other contents."""
    statement = (
        select(
            DisclosuresRow.certificate_id,
            DisclosuresRow.packed,
            CertificateRow.body_id,
            IssuedTokenRow.key_thumbprint,
        )
        .join(IssuedTokenRow, IssuedTokenRow.certificate_id == DisclosuresRow.certificate_id)
        .join(CertificateRow, CertificateRow.id == DisclosuresRow.certificate_id)
        .where(DisclosuresRow.certificate_id.in_(owners))
        .with_for_update(read=True, of=DisclosuresRow)
    )
    found: dict[str, tuple[bytes, bytes, bytes] | StoredContent] = {}
    plain: list[str] = []
    for owner, packed, body, key in session.execute(statement):
        if packed is None:
            plain.append(owner)
        else:
            found[owner] = (packed, body, key)
    return found | read_contents(session, plain)


def _cold(session: Session, owners: set[str]) -> set[str]:
    own = CooledContentRow.certificate_id
    return set(session.scalars(select(own).where(own.in_(owners)).with_for_update(read=True)))


def _entries(session: Session, owners: Iterable[str]) -> dict[bytes, bytes]:
    """Return every signed entry in a row of its own, by its leaf; packed ones are in no row."""
    wanted = list(owners)
    entries: dict[bytes, bytes] = {}
    for table in (CoSignatureRow, ReleaseStatementRow):
        statement = select(table.leaf, table.token).where(table.certificate_id.in_(wanted))
        entries |= {leaf: token.encode("ascii") for leaf, token in session.execute(statement)}
    summaries = select(SummaryRow.leaf, SummaryRow.entry).where(
        SummaryRow.certificate_id.in_(wanted)
    )
    return entries | {leaf: entry for leaf, entry in session.execute(summaries)}  # noqa: C416

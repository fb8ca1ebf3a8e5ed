"""Reading the whole object store: every hash, every parcel that a key opens, every leaf.

Two uses. `check` compares store and database, and says what is missing, damaged or too much.
`recover` needs no database: trees, packs and a list of wrapped keys are enough to give back every
certificate with the proof that leads to its root.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select

from registry.anchoring.domain import LeafKind
from registry.anchoring.trees import StoredTree, TreeShelf
from registry.certificates.content_packs import KIND, Content, Pack, Parcel
from registry.certificates.contents import Contents, present, stored_batches, wrapped_keys
from registry.certificates.models import ContentKeyRow, ContentPackRow
from registry.kit.database import Database
from registry.kit.errors import NotFoundError
from registry.kit.objects import DamagedObjectError, ObjectStore
from registry.kit.objects.key_ring import KeyRing, UnknownObjectKeyError, WrappedKey

_HOLDERS: Final = frozenset({LeafKind.CERTIFICATE, LeafKind.RECORD})
_PORTION: Final = 1000  # keys read at once


@dataclass(slots=True, kw_only=True)
class ContentReport:
    """What was read, and what was found.

    Attributes:
        checked: How much was read, by what it is.
        findings: Stable codes, each with what is concerned as JSON values.
    """

    checked: dict[str, int] = field(default_factory=dict)
    findings: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)

    def count(self, what: str, number: int = 1) -> None:
        """Record how much was read."""
        self.checked[what] = self.checked.get(what, 0) + number

    def note(self, code: str, **data: object) -> None:
        """Record a finding."""
        self.findings.append((code, data))

    def to_json(self) -> dict[str, object]:
        """Return the report as JSON values."""
        return {
            "objects": 1,
            "checked": dict(sorted(self.checked.items())),
            "findings": [{"code": code, "data": dict(data)} for code, data in self.findings],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """A certificate that the store gave back, with the tree that proves it."""

    content: Content
    tree: StoredTree
    position: int


def check(contents: Contents) -> ContentReport:
    """Read every object, and compare the store with the database, both ways.

    Anchoring may go on meanwhile: what the database names is read before the store.

    Raises:
        ObjectStoreUnavailableError: The store does not answer; nothing can be said.
    """
    report = ContentReport()
    named = _named(contents.database)
    seen: set[bytes] = set()
    for name, pack, tree in _packs(contents.objects, report, seen):
        if name not in named:
            report.count("packs that no batch names")  # of a worker that was killed, or a restore
        parcels = list(_parcels(report, pack))
        owners = {parcel.certificate_id for parcel in parcels}
        with contents.database.read() as session:
            keys = wrapped_keys(session, owners)
            alive = present(session, owners)
        for parcel in parcels:
            kept = keys.get(parcel.certificate_id)
            if kept is None and parcel.certificate_id not in alive:
                report.count("erased parcels")
            elif _opened(report, pack, tree, parcel, ring=contents.ring, kept=kept) is not None:
                report.count("parcels read")
    for name in named - seen:
        report.note("pack_missing", object=name.hex())
    for batch in stored_batches(contents.database):
        if unkept := contents.missing(batch):
            report.note("contents_not_kept", batch=batch.id, subtrees=unkept)
    return report


def recover(
    objects: ObjectStore, ring: KeyRing, keys: Mapping[str, WrappedKey], report: ContentReport
) -> Iterator[Recovered]:
    """Yield every certificate of the store whose key is known, compared with its leaf.

    Args:
        objects: The store.
        ring: Keys that wrap data keys.
        keys: Wrapped data keys by certificate id.
        report: Told what was read, and what could not be used.
    """
    for _, pack, tree in _packs(objects, report, set()):
        for parcel in _parcels(report, pack):
            kept = keys.get(parcel.certificate_id)
            if parcel.kind not in _HOLDERS:
                continue
            if kept is None:
                report.count("certificates without a key")
                continue
            content = _opened(report, pack, tree, parcel, ring=ring, kept=kept)
            if content is not None:
                report.count("certificates recovered")
                yield Recovered(content=content, tree=tree, position=parcel.position)


def read_keys(database: Database) -> Iterator[tuple[str, WrappedKey]]:
    """Yield the wrapped data key of every certificate, in the order of their ids."""
    statement = select(ContentKeyRow).order_by(ContentKeyRow.certificate_id).limit(_PORTION)
    portion = statement
    while True:
        with database.read() as session:
            rows = session.scalars(portion).all()
        for row in rows:
            yield row.certificate_id, WrappedKey(row.key_id, row.wrapped)
        if len(rows) < _PORTION:
            return
        portion = statement.where(ContentKeyRow.certificate_id > rows[-1].certificate_id)


def _packs(
    objects: ObjectStore, report: ContentReport, seen: set[bytes]
) -> Iterator[tuple[bytes, Pack, StoredTree]]:
    """Yield every pack that can be read, with its tree; the names of all go into `seen`."""
    shelf = TreeShelf(objects)
    trees: dict[bytes, bytes] = {}
    for name in shelf.names():
        report.count("trees")
        try:
            trees[shelf.read(name).root] = name
        except (DamagedObjectError, NotFoundError):
            report.note("object_damaged", kind="trees", object=name.hex())
    for name in objects.names(KIND):
        report.count("packs")
        seen.add(name)
        try:
            pack = Pack(objects.get(KIND, name))
        except (DamagedObjectError, NotFoundError):
            report.note("object_damaged", kind=KIND, object=name.hex())
            continue
        found = trees.get(pack.place.root)
        tree = None if found is None else shelf.get(found)
        if tree is None or tree.size != pack.place.size:
            report.note("tree_missing", object=name.hex(), root=pack.place.root.hex())
            continue
        yield name, pack, tree


def _parcels(report: ContentReport, pack: Pack) -> Iterator[Parcel]:
    try:
        yield from pack.parcels()
    except DamagedObjectError as error:
        report.note("parcel_damaged", root=pack.place.root.hex(), reason=str(error))


def _opened(
    report: ContentReport,
    pack: Pack,
    tree: StoredTree,
    parcel: Parcel,
    *,
    ring: KeyRing,
    kept: WrappedKey | None,
) -> Content | None:
    """Return the content of a parcel, None where it is not what its leaf says; that is noted."""
    about = {
        "certificate": parcel.certificate_id,
        "root": pack.place.root.hex(),
        "position": parcel.position,
    }
    if kept is None:
        report.note("key_missing", **about)
        return None
    try:
        content = pack.open(parcel, ring.unwrap(kept))
    except UnknownObjectKeyError:
        report.note("key_unknown", **about, key=kept.key_id.hex())
        return None
    except DamagedObjectError:
        report.note("parcel_damaged", **about)
        return None
    if content.leaf != tree.leaf(parcel.position):
        report.note("leaf_differs", **about)
        return None
    return content


def _named(database: Database) -> set[bytes]:
    with database.read() as session:
        return set(session.scalars(select(ContentPackRow.object)))

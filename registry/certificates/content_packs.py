"""What was signed, as it lies in the object store: encrypted, by the place of its leaf in a batch.

A pack holds the contents behind one aligned 1024-leaf subtree of a batch. It names the tree that it
belongs to, so that pack, tree and keys are enough to prove a certificate without the database:

    "lancang-contents/1" || 0x00 || root, 32 || leaves of the tree, 4 || number of the subtree, 4
    || number of leaves n, 4 || length of each parcel, n times 4 || parcels, one after the other
    parcel:  kind, 1 || certificate id, 16 || nonce, 12 || ciphertext and tag

All numbers are big-endian. A parcel of length 0 stands for a leaf that is not about a certificate,
whose content was erased before the batch was stored, or that stands in the record of its
certificate. The plaintext is compressed with zstd and has fields, each after its length in 4 bytes.
Three are signed entry, disclosures joined by "~" and document. Two are the id of the body with the
thumbprint of the key, and the record of `registry.certificates.packing`, as the database has it.
The associated data of a parcel is everything before it that says what it is: magic, root, position,
kind and id.
"""

from __future__ import annotations

import mmap
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import zstandard

from registry.anchoring.domain import LeafKind
from registry.certificates.packing import Known, PackDamagedError, unpack
from registry.certificates.packing_dictionaries import dictionaries
from registry.certificates.reverification import rebuild_document
from registry.kit.objects import DamagedObjectError
from registry.kit.objects.key_ring import decrypt, encrypt
from verifier.core.certificate import parse_certificate
from verifier.core.hashing import DIGEST_BYTES, leaf_digest
from verifier.core.limits import MAX_BATCH_LEAVES, SUBTREE_LEAVES
from verifier.core.strict_json import canonical_json
from verifier.core.views import resolve_certificate

KIND: Final = "contents"
MAX_CONTENT_BYTES: Final = 4 * 1024 * 1024  # unpacked; documents and tokens have at most 256 KiB
_MAGIC: Final = b"lancang-contents/1\x00"
_NUMBER_BYTES: Final = 4
_HEAD_BYTES: Final = len(_MAGIC) + DIGEST_BYTES + 3 * _NUMBER_BYTES
_ABOUT_BYTES: Final = 17  # kind and certificate id
_FIELDS: Final = 3
_FIELDS_OF_RECORD: Final = 2
_LEVEL: Final = 1  # tokens are mostly base64 of digests: higher levels gain little
_CODES: Final[Mapping[LeafKind, int]] = MappingProxyType(
    {
        LeafKind.CERTIFICATE: 1,
        LeafKind.RECORD: 2,
        LeafKind.CO_SIGNATURE: 3,
        LeafKind.RELEASE_STATEMENT: 4,
        LeafKind.SUMMARY: 5,
    }
)
_KINDS: Final = MappingProxyType({code: kind for kind, code in _CODES.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedContent:
    """What stands behind the leaf of a certificate, as the database has it.

    Attributes:
        certificate_id: The certificate.
        kind: Certificate or record.
        body: Id of the issuing body, 32 bytes.
        key: Thumbprint of the key that signed it, 32 bytes.
        record: See `registry.certificates.packing`.
    """

    certificate_id: str
    kind: LeafKind
    body: bytes
    key: bytes
    record: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What stands behind a leaf.

    Attributes:
        certificate_id: The certificate that it belongs to.
        kind: What was signed.
        entry: The signed entry; its leaf is the leaf.
        disclosures: Of a certificate or record, joined by "~"; otherwise empty.
        document: What the maker entered, canonical JSON; empty where it follows from the rest.
        body_alias: How the document names its body, needed where it follows from the rest.
        summary: The signed entry of the offline code that was in the same record, or empty.
    """

    certificate_id: str
    kind: LeafKind
    entry: bytes
    disclosures: str = ""
    document: str = ""
    body_alias: str = ""
    summary: bytes = b""

    @property
    def leaf(self) -> bytes:
        """The leaf, 32 bytes."""
        return leaf_digest(self.entry)

    @property
    def compact(self) -> str:
        """The whole token of a certificate or record, as a holder has it."""
        return f"{self.entry.decode('ascii')}~{self.disclosures}~"

    def rebuilt_document(self) -> str:
        """Return the approved document of a certificate or record."""
        if self.document:
            return self.document
        resolved = resolve_certificate(parse_certificate(self.compact))
        return canonical_json(rebuild_document(resolved, self.body_alias)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """An encrypted content, and whose it is."""

    position: int
    kind: LeafKind
    certificate_id: str
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PackPlace:
    """Which tree a pack belongs to, and which part of it.

    Attributes:
        root: Root of the tree, 32 bytes.
        size: Leaves of the tree.
        subtree: Number of the subtree, from 0.
    """

    root: bytes
    size: int
    subtree: int

    @property
    def first(self) -> int:
        """Position of the first leaf."""
        return self.subtree * SUBTREE_LEAVES

    @property
    def leaves(self) -> int:
        """Number of leaves of the subtree."""
        return min(SUBTREE_LEAVES, self.size - self.first)


def dump_pack(
    place: PackPlace, contents: Mapping[int, Content | PackedContent], keys: Mapping[str, bytes]
) -> bytes:
    """Encrypt contents into a pack.

    Args:
        place: Where their leaves are.
        contents: By position in the tree; where there is none, there is no parcel.
        keys: Data key of each certificate.
    """
    compressor = zstandard.ZstdCompressor(level=_LEVEL)
    parcels = []
    for position in range(place.first, place.first + place.leaves):
        content = contents.get(position)
        if content is None:
            parcels.append(b"")
            continue
        packed = compressor.compress(_plain(content))
        about = _about(content.kind, content.certificate_id)
        associated = _associated(place, position, about)
        parcels.append(about + encrypt(keys[content.certificate_id], packed, about=associated))
    head = [_MAGIC, place.root]
    head += [
        number.to_bytes(_NUMBER_BYTES)
        for number in (place.size, place.subtree, len(parcels), *map(len, parcels))
    ]
    return b"".join((*head, *parcels))


class Pack:
    """A pack as it was stored.

    Args:
        data: The object.

    Attributes:
        place: Which part of which tree it holds.

    Raises:
        DamagedObjectError: On construction, when it is no pack.
    """

    __slots__ = ("_data", "_starts", "place")

    def __init__(self, data: bytes | mmap.mmap) -> None:
        if len(data) < _HEAD_BYTES:
            raise DamagedObjectError("not a pack of contents")
        at = len(_MAGIC) + DIGEST_BYTES
        root = bytes(data[len(_MAGIC) : at])
        size, subtree, count = _numbers(data[at : at + 3 * _NUMBER_BYTES])
        place = PackPlace(root=root, size=size, subtree=subtree)
        start = _HEAD_BYTES + count * _NUMBER_BYTES
        is_pack = (
            data[: len(_MAGIC)] == _MAGIC
            and 1 <= size <= MAX_BATCH_LEAVES
            and place.first < size
            and count == place.leaves
            and start <= len(data)
        )
        if not is_pack:
            raise DamagedObjectError("not a pack of contents")
        self._starts = [start]
        for length in _numbers(data[_HEAD_BYTES:start]):
            self._starts.append(self._starts[-1] + length)
        if self._starts[-1] != len(data):
            raise DamagedObjectError("a pack of contents has another length")
        self._data = data
        self.place = place

    def parcel(self, position: int) -> Parcel | None:
        """Return the parcel of a leaf, None where there is none.

        Raises:
            DamagedObjectError: It is malformed.
            IndexError: The leaf belongs to another pack.
        """
        index = position - self.place.first
        if not 0 <= index < self.place.leaves:
            raise IndexError(f"leaf {position} is not in pack {self.place.subtree}")
        data = bytes(self._data[self._starts[index] : self._starts[index + 1]])
        if not data:
            return None
        if len(data) < _ABOUT_BYTES or data[0] not in _KINDS:
            raise DamagedObjectError(f"the parcel of leaf {position} is malformed")
        return Parcel(
            position=position,
            kind=_KINDS[data[0]],
            certificate_id=str(uuid.UUID(bytes=data[1:_ABOUT_BYTES])),
            sealed=data[_ABOUT_BYTES:],
        )

    def parcels(self) -> Iterator[Parcel]:
        """Yield every parcel in the order of the leaves."""
        for position in range(self.place.first, self.place.first + self.place.leaves):
            if (parcel := self.parcel(position)) is not None:
                yield parcel

    def open(self, parcel: Parcel, key: bytes) -> Content:
        """Decrypt a parcel of this pack.

        Raises:
            DamagedObjectError: It does not open with this key, or is not what it says.
        """
        fields = self._fields(parcel, key)
        try:
            return _content_of(parcel, fields)
        except (ValueError, PackDamagedError) as error:
            raise DamagedObjectError(f"the parcel of leaf {parcel.position}: {error}") from error

    def open_record(self, parcel: Parcel, key: bytes) -> PackedContent | None:
        """Decrypt a parcel of this pack and return it as the database had it, not unpacked.

        None where it was kept otherwise, as an earlier release did.

        Raises:
            DamagedObjectError: It does not open with this key.
        """
        fields = self._fields(parcel, key)
        if len(fields) != _FIELDS_OF_RECORD:
            return None
        about, record = fields
        return PackedContent(
            certificate_id=parcel.certificate_id,
            kind=parcel.kind,
            body=about[:DIGEST_BYTES],
            key=about[DIGEST_BYTES:],
            record=record,
        )

    def _fields(self, parcel: Parcel, key: bytes) -> list[bytes]:
        about = _about(parcel.kind, parcel.certificate_id)
        associated = _associated(self.place, parcel.position, about)
        packed = decrypt(key, parcel.sealed, about=associated)
        try:
            return _split(
                zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_CONTENT_BYTES)
            )
        except (zstandard.ZstdError, ValueError) as error:
            raise DamagedObjectError(f"the parcel of leaf {parcel.position}: {error}") from error


def _plain(content: Content | PackedContent) -> bytes:
    fields: tuple[bytes, ...]
    if isinstance(content, PackedContent):
        fields = (content.body + content.key, content.record)
    else:
        fields = (content.entry, content.disclosures.encode(), content.document.encode())
    return b"".join(part for field in fields for part in (_length(field), field))


def _content_of(parcel: Parcel, fields: list[bytes]) -> Content:
    if len(fields) == _FIELDS:
        entry, disclosures, document = fields
        return Content(
            certificate_id=parcel.certificate_id,
            kind=parcel.kind,
            entry=entry,
            disclosures=disclosures.decode(),
            document=document.decode(),
        )
    about, record = fields
    known = Known(
        certificate_id=parcel.certificate_id, body=about[:DIGEST_BYTES], key=about[DIGEST_BYTES:]
    )
    content = unpack(record, known, dictionaries=dictionaries())
    return Content(
        certificate_id=parcel.certificate_id,
        kind=parcel.kind,
        entry=content.jwt.encode("ascii"),
        disclosures="~".join(content.disclosures),
        body_alias=content.body_alias,
        summary=b"" if content.summary is None else content.summary.encode(),
    )


def _about(kind: LeafKind, certificate_id: str) -> bytes:
    return bytes((_CODES[kind],)) + uuid.UUID(certificate_id).bytes


def _associated(place: PackPlace, position: int, about: bytes) -> bytes:
    return _MAGIC + place.root + position.to_bytes(_NUMBER_BYTES) + about


def _length(field: bytes) -> bytes:
    return len(field).to_bytes(_NUMBER_BYTES)


def _numbers(data: bytes) -> Iterable[int]:
    return (
        int.from_bytes(data[at : at + _NUMBER_BYTES]) for at in range(0, len(data), _NUMBER_BYTES)
    )


def _split(plain: bytes) -> list[bytes]:
    fields, at = [], 0
    while at < len(plain):
        end = at + _NUMBER_BYTES + int.from_bytes(plain[at : at + _NUMBER_BYTES])
        fields.append(plain[at + _NUMBER_BYTES : end])
        at = end
    if at != len(plain) or len(fields) not in {_FIELDS_OF_RECORD, _FIELDS}:
        raise ValueError("fields are missing")
    return fields

"""What was signed, packed: only what cannot be computed, so that it comes back byte for byte.

Two thirds of a token are digests of its disclosures, and half of the disclosures is salt. Both
follow from the values and one seed. What remains is text, which a dictionary trained on documents
of this kind compresses well. A record is

    version, 1 || dictionary, 1 || flags, 1 || disclosures, 2 || decoys, 2 || signature, 64
    || salts || summary || frame

- salts: a seed of 32 bytes; or, for tokens that were salted otherwise, the salt of each disclosure,
  16 bytes, and the digest of each decoy, 32 bytes.
- summary, where there is one: its algorithm, 1, key, 32, and signature, 64, and the two places,
  2 bytes each, at which leaf and body were cut out of its payload.
- frame: zstd of the header, the payload with marks for digests, the name of the body in the
  document and what stands behind each salt, each closed by a zero byte; one more zero byte, and the
  summary's payload.

Nothing here reads or writes a database. All numbers are big-endian.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import zstandard

from registry.kit.errors import RegistryError
from verifier.core.certificate import join_compact
from verifier.core.cose import Sign1
from verifier.core.disclosures import SALT_BYTES, decoys, digests_of, prepare_each, salted
from verifier.core.encoding import b64u, b64u_texts, unb64u, unb64u_each
from verifier.core.errors import MalformedEvidenceError
from verifier.core.hashing import DIGEST_BYTES, token_leaf
from verifier.core.keys import SIGNATURE_BYTES, Algorithm
from verifier.core.offline_code import SUMMARY_TYP

SEED_BYTES: Final = 32
MAX_PLAIN_BYTES: Final = 1024 * 1024

_VERSION: Final = 1
_LEVEL: Final = 3  # higher ones gain nothing on a few kilobytes
_HEAD_BYTES: Final = 3
_HAS_SEED: Final = 1
_HAS_SUMMARY: Final = 2
_NUMBER: Final = 2  # bytes
_NOWHERE: Final = 0xFFFF
_SALT_LABEL: Final = b"lancang/salts/1\x00"
_ALGORITHMS: Final = {Algorithm.ES256: 1, Algorithm.EDDSA: 2}
_BY_NUMBER: Final = {number: algorithm for algorithm, number in _ALGORITHMS.items()}
_SEAM: Final = '","'
_SUMMARY_BYTES: Final = 1 + DIGEST_BYTES + SIGNATURE_BYTES + 2 * _NUMBER

# Characters that no JSON text holds outside of an escape stand for what is known or computed.
_END: Final = "\x00"
_BODY: Final = "\x02"
_ID: Final = "\x03"
_KEY: Final = "\x04"
# The inside of an array of digests; its quotation marks stand in no text without a backslash.
_SD: Final = re.compile(r'(?<="_sd":\[")[^\]]*(?="\])')
_FIRST_MARK: Final = 0xE000  # characters for private use stand for digests
_MAX_MARKS: Final = 0xF900 - _FIRST_MARK
_HEAD: Final = re.compile(rb'\["[A-Za-z0-9_-]{22}",')
_HEAD_LENGTH: Final = 26
_SALT_AT: Final = slice(2, 24)


class PackDamagedError(RegistryError):
    """A packed certificate is not what was packed."""

    code = "pack_damaged"


class NotPackableError(Exception):
    """Something does not come back as it was; it has to be kept as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What columns of the database tell of a certificate, so that its record need not.

    Attributes:
        certificate_id: Its id.
        body: Id of the issuing body, 32 bytes.
        key: Thumbprint of the key that signed it, 32 bytes.
    """

    certificate_id: str
    body: bytes
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedContent:
    """Everything that was signed for a whole certificate, as it is delivered.

    Attributes:
        jwt: `header.payload.signature`.
        disclosures: In the order of delivery.
        body_alias: How the approved document names its body.
        summary: The signed summary of the offline code, None without one.
    """

    jwt: str
    disclosures: tuple[str, ...]
    body_alias: str
    summary: Sign1 | None

    @property
    def compact(self) -> str:
        """The complete certificate."""
        return join_compact(self.jwt, self.disclosures)


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A dictionary under its number; once used, its bytes never change.

    Attributes:
        number: From 1 to 255.
        data: Content of a zstd dictionary.
    """

    number: int
    data: bytes
    _loaded: zstandard.ZstdCompressionDict = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        loaded = zstandard.ZstdCompressionDict(self.data)
        loaded.precompute_compress(level=_LEVEL)
        object.__setattr__(self, "_loaded", loaded)

    def compress(self, plain: bytes) -> bytes:
        """Return the frame of some text; its length is in the frame, its dictionary is not."""
        compressor = zstandard.ZstdCompressor(
            dict_data=self._loaded, write_dict_id=False, write_checksum=False
        )
        return compressor.compress(plain)

    def decompress(self, frame: bytes) -> bytes:
        """Return the text of a frame.

        Raises:
            zstandard.ZstdError: It is damaged, or needs another dictionary.
        """
        decompressor = zstandard.ZstdDecompressor(dict_data=self._loaded)
        return decompressor.decompress(frame, max_output_size=MAX_PLAIN_BYTES)


def expand_salts(seed: bytes, size: int) -> bytes:
    """Return the salts of a certificate, which nobody can tell from random ones without its seed.

    Args:
        seed: `SEED_BYTES` of randomness, used for one certificate alone.
        size: Number of bytes.
    """
    return hashlib.shake_256(_SALT_LABEL + seed).digest(size)


def pack(
    content: SignedContent, known: Known, *, dictionary: Dictionary, seed: bytes | None
) -> bytes:
    """Pack a certificate, after making sure that it comes back byte for byte.

    Args:
        content: The certificate.
        known: What will be told again when it is unpacked.
        dictionary: The newest dictionary.
        seed: What its salts were expanded from; None where they were drawn one by one.

    Raises:
        NotPackableError: It would not come back.
    """
    try:
        return _checked(_parts_of(content), content, known, dictionary, seed)
    except (MalformedEvidenceError, ValueError, KeyError) as error:
        raise NotPackableError(str(error)) from error


def unpack(record: bytes, known: Known, *, dictionaries: Mapping[int, Dictionary]) -> SignedContent:
    """Return a certificate as it was packed. Whether it is the right one, its leaf tells.

    Args:
        record: What `pack` returned.
        known: As it was told then.
        dictionaries: Every dictionary that was ever used, by its number.

    Raises:
        PackDamagedError: The record is damaged, or was packed with an unknown dictionary.
    """
    try:
        return _unpack(record, known, dictionaries)
    except (zstandard.ZstdError, ValueError, KeyError, IndexError) as error:
        message = f"the packed certificate {known.certificate_id} is damaged: {error}"
        raise PackDamagedError(message) from error


def marks(count: int) -> list[str]:
    """Return what stands for digests in a packed payload: disclosures first, then decoys."""
    return [chr(_FIRST_MARK + at) for at in range(count)]


def pack_prepared(
    content: SignedContent,
    known: Known,
    *,
    dictionary: Dictionary,
    seed: bytes,
    payload: str,
    members: Sequence[str],
    padding: int,
) -> bytes:
    """Pack a certificate as `pack` does, by whoever has just made it and still has the parts.

    Args:
        content: The certificate.
        known: What will be told again when it is unpacked.
        dictionary: The newest dictionary.
        seed: What its salts were expanded from.
        payload: The payload with `marks` in the place of digests.
        members: What stands behind the salt of each disclosure.
        padding: Number of decoys.

    Raises:
        NotPackableError: It would not come back.
    """
    parts = _Parts(b"", payload, tuple(members), ("",) * padding)
    return _checked(parts, content, known, dictionary, seed)


def frame_text(content: SignedContent, known: Known) -> bytes:
    """Return what the frame of a certificate holds, for training a dictionary."""
    return _dump(_parts_of(content), content, known, None)[2]


@dataclass(frozen=True, slots=True)
class _Parts:
    """A token taken apart: salts, payload with marks, what follows salts, digests of decoys."""

    salts: bytes
    payload: str
    members: tuple[str, ...]
    others: tuple[str, ...]


def _parts_of(content: SignedContent) -> _Parts:
    salts, members = _part(content.disclosures)
    text = unb64u(content.jwt.split(".")[1], what="payload").decode()
    own = digests_of(content.disclosures)
    found = [digest for each in _SD.findall(text) for digest in each.split(_SEAM)]
    others = tuple(digest for digest in found if digest not in set(own))
    if len(own) + len(others) > _MAX_MARKS:
        raise ValueError("there are too many digests")
    places = {digest: chr(_FIRST_MARK + at) for at, digest in enumerate((*own, *others))}

    def marked(array: re.Match[str]) -> str:
        return _SEAM.join(sorted(places[digest] for digest in array[0].split(_SEAM)))

    return _Parts(salts, _SD.sub(marked, text), tuple(members), others)


def _checked(
    parts: _Parts, content: SignedContent, known: Known, dictionary: Dictionary, seed: bytes | None
) -> bytes:
    flags, beside, plain = _dump(parts, content, known, seed)
    about = bytes((_VERSION, dictionary.number, flags))
    record = b"".join((about, beside, dictionary.compress(plain)))
    try:
        same = unpack(record, known, dictionaries={dictionary.number: dictionary}) == content
    except PackDamagedError as error:
        raise NotPackableError(str(error)) from error
    if not same:
        raise NotPackableError("it does not come back as it was")
    return record


def _dump(
    parts: _Parts, content: SignedContent, known: Known, seed: bytes | None
) -> tuple[int, bytes, bytes]:
    """Return the flags of a record, what stands beside its frame, and what the frame holds."""
    header, _, signature = content.jwt.split(".")
    plain = (
        unb64u(header, what="header").decode().replace(b64u(known.key), _KEY),
        parts.payload.replace(known.body.hex(), _BODY).replace(known.certificate_id, _ID),
        content.body_alias,
        *parts.members,
        _END,
    )
    about, rest = _dump_summary(content, known)
    beside = (
        _number(len(parts.members)),
        _number(len(parts.others)),
        unb64u(signature, what="signature", length=SIGNATURE_BYTES),
        parts.salts + _raw(parts.others) if seed is None else seed,
        about,
    )
    flags = (0 if seed is None else _HAS_SEED) | (_HAS_SUMMARY if about else 0)
    return flags, b"".join(beside), _END.join(plain).encode() + rest


def _part(disclosures: Sequence[str]) -> tuple[bytes, list[str]]:
    """Return the salts of disclosures, one after the other, and what stands behind each."""
    raws = unb64u_each(disclosures, what="disclosure") if disclosures else []
    if not all(map(_HEAD.match, raws)):
        raise ValueError("a disclosure is written in another way")
    letters = [raw[_SALT_AT].decode("ascii") for raw in raws]
    salts = b"".join(unb64u_each(letters, what="salt")) if letters else b""
    return salts, [raw[_HEAD_LENGTH:].decode() for raw in raws]


def _raw(digests: Sequence[str]) -> bytes:
    return b"".join(unb64u_each(digests, what="digest")) if digests else b""


def _fill(payload: str, digests: Sequence[str]) -> str:
    """Put digests, in their order, in the place of marks."""

    def filled(array: re.Match[str]) -> str:
        return _SEAM.join(
            sorted([digests[ord(mark) - _FIRST_MARK] for mark in array[0].split(_SEAM)])
        )

    return _SD.sub(filled, payload)


def _dump_summary(content: SignedContent, known: Known) -> tuple[bytes, bytes]:
    """Return what of a summary goes beside the frame, and what goes into it."""
    summary = content.summary
    if summary is None:
        return b"", b""
    payload, places = summary.payload, b""
    for cut in (token_leaf(content.jwt), known.body):
        at = payload.find(cut)
        places += _number(_NOWHERE if at < 0 else at)
        payload = payload.replace(cut, b"", 1)
    algorithm = bytes((_ALGORITHMS[summary.algorithm],))
    return algorithm + summary.thumbprint + summary.signature + places, payload


def _load_summary(about: bytes, payload: bytes, jwt: str, known: Known) -> Sign1:
    algorithm, thumbprint, rest = about[0], about[1 : 1 + DIGEST_BYTES], about[1 + DIGEST_BYTES :]
    signature, places = rest[:SIGNATURE_BYTES], rest[SIGNATURE_BYTES:]
    leaf_at, body_at = int.from_bytes(places[:_NUMBER]), int.from_bytes(places[_NUMBER:])
    for cut, at in ((known.body, body_at), (token_leaf(jwt), leaf_at)):
        if at != _NOWHERE:
            payload = payload[:at] + cut + payload[at:]
    return Sign1(
        algorithm=_BY_NUMBER[algorithm],
        thumbprint=thumbprint,
        typ=SUMMARY_TYP,
        payload=payload,
        signature=signature,
    )


def _unpack(record: bytes, known: Known, dictionaries: Mapping[int, Dictionary]) -> SignedContent:
    reader = _Reader(record)
    version, dictionary, flags = reader.take(_HEAD_BYTES)
    if version != _VERSION:
        raise ValueError(f"version {version} is unknown")
    count, padding = (int.from_bytes(reader.take(_NUMBER)) for _ in range(2))
    signature, size = reader.take(SIGNATURE_BYTES), SALT_BYTES * count
    if flags & _HAS_SEED:
        salts = expand_salts(reader.take(SEED_BYTES), size + SALT_BYTES * padding)
        others = decoys(salts[size:])
    else:
        salts = reader.take(size)
        others = b64u_texts([reader.take(DIGEST_BYTES) for _ in range(padding)])
    about = reader.take(_SUMMARY_BYTES) if flags & _HAS_SUMMARY else b""
    texts, _, rest = dictionaries[dictionary].decompress(reader.rest()).partition(b"\x00\x00")
    header, marked, alias, *members = texts.split(b"\x00")
    if len(members) != count:
        raise ValueError("it has another number of disclosures")
    disclosures, digests = salted(prepare_each(members), salts[:size])
    payload = _fill(marked.decode(), digests + others)
    payload = payload.replace(_BODY, known.body.hex()).replace(_ID, known.certificate_id)
    parts = (header.decode().replace(_KEY, b64u(known.key)).encode(), payload.encode(), signature)
    jwt = ".".join(map(b64u, parts))
    return SignedContent(
        jwt=jwt,
        disclosures=tuple(disclosures),
        body_alias=alias.decode(),
        summary=_load_summary(about, rest, jwt, known) if about else None,
    )


class _Reader:
    """Takes a record apart from its beginning."""

    def __init__(self, record: bytes) -> None:
        self._record = record
        self._at = 0

    def take(self, count: int) -> bytes:
        part = self._record[self._at : self._at + count]
        if len(part) != count:
            raise ValueError("it ends early")
        self._at += count
        return part

    def rest(self) -> bytes:
        return self._record[self._at :]


def _number(value: int) -> bytes:
    return value.to_bytes(_NUMBER)

"""Status lists: the revocation or suspension bits of one list as of one block, signed by its body.

A W3C Bitstring Status List credential in a compact JWS (docs/evidence-format-tree.md, "Status
lists"). It is a copy of what the chain says, for those who would rather download a list than ask
about one certificate; the chain is the authority, and anybody can rebuild the bits from it.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import LimitExceededError, MalformedEvidenceError
from verifier.core.ids import body_from_hex, body_id, check_did, check_party, status_list_urn
from verifier.core.json_members import Members
from verifier.core.jws import CompactJws, parse_compact, sign_compact
from verifier.core.keys import Signer
from verifier.core.limits import MAX_STATUS_LIST_ENTRIES
from verifier.core.moments import LAST_SECOND, format_utc, parse_utc
from verifier.core.strict_json import JsonObject, canonical_json, parse_json_object

TYP: Final = "vc+jwt"  # VC-JOSE-COSE, section 3.1.1
CTY: Final = "vc"
MIN_ENTRIES: Final = 131_072  # Bitstring Status List, section 2.1: a shorter one tells too much
WORD_BITS: Final = 256

_CONTEXT: Final = ("https://www.w3.org/ns/credentials/v2", "https://lancang.example/ns/evidence/1")
_TYPES: Final = ("VerifiableCredential", "BitstringStatusListCredential")
_SUBJECT_TYPE: Final = "BitstringStatusList"
_MULTIBASE_B64U: Final = "u"  # Multibase prefix of base64url without padding
_GZIP: Final = zlib.MAX_WBITS | 16  # a gzip header and trailer are demanded
_WHAT: Final = "status list"
_DIGEST_BYTES: Final = 32
_MOST_ENCODED: Final = MAX_STATUS_LIST_ENTRIES // 8 * 4 // 3 + 1024  # incompressible, with gzip
_ENCODED: Final = re.compile(r"u[A-Za-z0-9_-]+", re.ASCII)


class StatusPurpose(StrEnum):
    """What a set bit says (Bitstring Status List, section 2.1)."""

    REVOCATION = "revocation"
    SUSPENSION = "suspension"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusList:
    """The bits of one list for one purpose at one final block.

    Attributes:
        party: Party of the body.
        did: The body's `did:web`.
        list_number: Number of the list inside the body.
        purpose: What a set bit says.
        chain_id: Chain whose ledger was read.
        block: Height of the final block at which it was read.
        block_hash: Its hash, 32 bytes.
        time: Its time, Unix seconds.
        valid_until: When the list should no longer be used, Unix seconds.
        bits: Entry i is bit 7 - i % 8 of byte i // 8: the first entry is the left-most bit.
    """

    party: str
    did: str
    list_number: int
    purpose: StatusPurpose
    chain_id: int
    block: int
    block_hash: bytes
    time: int
    valid_until: int
    bits: bytes

    @property
    def body(self) -> bytes:
        """Id of the body, 32 bytes."""
        return body_id(self.party, self.did)

    @property
    def urn(self) -> str:
        """Name of the credential; for revocation the one that certificates point at."""
        return list_urn(self.body, self.list_number, self.purpose)

    def find(self, index: int) -> bool | None:
        """Return the bit of an entry, None for one that the list does not speak of."""
        octet, place = divmod(index, 8)
        if not 0 <= octet < len(self.bits):
            return None
        return bool(self.bits[octet] >> (7 - place) & 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedStatusList:
    """A well-formed status list whose signature has not been looked at.

    Attributes:
        jws: The signed token.
        content: What it says.
    """

    jws: CompactJws
    content: StatusList


def list_urn(body: bytes, list_number: int, purpose: StatusPurpose) -> str:
    """Return the name of a list for one purpose."""
    urn = status_list_urn(body, list_number)
    return urn if purpose is StatusPurpose.REVOCATION else f"{urn}:{purpose}"


def bits_of_words(words: Mapping[int, int], *, entries: int = MIN_ENTRIES) -> bytes:
    """Return words of the ledger's bitmap in the order of a Bitstring Status List.

    The ledger counts from the least significant bit of each word, the list from the left.

    Args:
        words: Masks by number of the word; words without a set bit may be missing.
        entries: Length of the list; at least `MIN_ENTRIES`, a multiple of 256.

    Raises:
        LimitExceededError: A word lies behind the end of the list.
        ValueError: `entries` is no length of a list.
    """
    if not MIN_ENTRIES <= entries <= MAX_STATUS_LIST_ENTRIES or entries % WORD_BITS:
        raise ValueError(f"a status list cannot have {entries} entries")
    bits = bytearray(entries // 8)
    for word, mask in words.items():
        start = word * WORD_BITS // 8
        if start >= len(bits):
            raise LimitExceededError(_WHAT, actual=(word + 1) * WORD_BITS, limit=entries)
        reversed_mask = int(f"{mask:0{WORD_BITS}b}"[::-1], 2)
        bits[start : start + WORD_BITS // 8] = reversed_mask.to_bytes(WORD_BITS // 8)
    return bytes(bits)


def issue_status_list(content: StatusList, signer: Signer) -> str:
    """Sign a status list with a key of purpose `statement`; it is no leaf.

    Raises:
        MalformedEvidenceError: The content breaks the format.
    """
    payload: JsonObject = {
        "@context": [*_CONTEXT],
        "id": content.urn,
        "type": [*_TYPES],
        "issuer": {"id": content.did, "party": content.party, "body": content.body.hex()},
        "validFrom": format_utc(content.time),
        "validUntil": format_utc(content.valid_until),
        "credentialSubject": {
            "id": f"{content.urn}#list",
            "type": _SUBJECT_TYPE,
            "statusPurpose": content.purpose.value,
            "encodedList": _encode(content.bits),
            "list": content.list_number,
            "entries": len(content.bits) * 8,
            "digest": b64u(hashlib.sha256(content.bits).digest()),
            "asOf": {
                "chain_id": content.chain_id,
                "block": content.block,
                "block_hash": b64u(content.block_hash),
                "time": content.time,
            },
        },
    }
    text = sign_compact(canonical_json(payload), signer, typ=TYP, cty=CTY)
    parse_status_list(text)
    return text


def parse_status_list(text: str) -> SignedStatusList:
    """Parse a status list.

    Raises:
        NotOursError: The text is no status list.
        MalformedEvidenceError: It breaks the format (`members`, `type`, `value`, `digest`, or as
            `parse_compact` and `parse_json` say).
    """
    jws = parse_compact(text, what=_WHAT, typ=TYP, cty=CTY)
    payload = Members(parse_json_object(jws.payload, what=f"{_WHAT} payload"), _WHAT)
    payload.expect(
        "@context", "id", "type", "issuer", "validFrom", "validUntil", "credentialSubject"
    )
    for name, fixed in (("@context", _CONTEXT), ("type", _TYPES)):
        if tuple(payload.texts(name)) != fixed:
            raise payload.malformed(name, f"must be {list(fixed)}", reason="value")
    issuer = payload.child("issuer")
    issuer.expect("id", "party", "body")
    subject = payload.child("credentialSubject")
    subject.expect(
        "id", "type", "statusPurpose", "encodedList", "list", "entries", "digest", "asOf"
    )
    as_of = subject.child("asOf")
    as_of.expect("chain_id", "block", "block_hash", "time")
    content = StatusList(
        party=check_party(issuer.text("party")),
        did=check_did(issuer.text("id")),
        list_number=subject.integer("list", most=2**32 - 1),
        purpose=_purpose(subject),
        chain_id=as_of.integer("chain_id", least=1),
        block=as_of.integer("block"),
        block_hash=unb64u(as_of.text("block_hash"), what="block_hash", length=_DIGEST_BYTES),
        time=as_of.integer("time", most=LAST_SECOND),
        valid_until=parse_utc(payload.text("validUntil"), what="validUntil"),
        bits=_decode(subject.text("encodedList", pattern=_ENCODED, longest=_MOST_ENCODED)),
    )
    _check_agreement(payload, issuer, subject, content)
    return SignedStatusList(jws=jws, content=content)


def _check_agreement(
    payload: Members, issuer: Members, subject: Members, content: StatusList
) -> None:
    """Refuse a credential whose members say different things about one fact."""
    if body_from_hex(issuer.text("body")) != content.body:
        raise issuer.malformed("body", "is not the id of this party and issuer", reason="value")
    expected = (
        (payload, "id", content.urn),
        (payload, "validFrom", format_utc(content.time)),
        (subject, "id", f"{content.urn}#list"),
        (subject, "type", _SUBJECT_TYPE),
    )
    for members, name, value in expected:
        if members.text(name) != value:
            raise members.malformed(name, f"must be {value}", reason="value")
    if content.valid_until <= content.time:
        raise payload.malformed("validUntil", "is not behind validFrom", reason="value")
    if subject.integer("entries") != len(content.bits) * 8:
        raise subject.malformed("entries", "is not the length of the list", reason="value")
    if subject.text("digest") != b64u(hashlib.sha256(content.bits).digest()):
        raise subject.malformed("digest", "is not that of the bits", reason="digest")


def _purpose(subject: Members) -> StatusPurpose:
    name = subject.text("statusPurpose")
    if name not in set(StatusPurpose):
        raise subject.malformed("statusPurpose", "is no known purpose", reason="value")
    return StatusPurpose(name)


def _encode(bits: bytes) -> str:
    return _MULTIBASE_B64U + b64u(gzip.compress(bits, mtime=0))


def _decode(text: str) -> bytes:
    """Return the bits of an encoded list, never expanding more than a list may have."""
    packed = unb64u(text.removeprefix(_MULTIBASE_B64U), what=f"{_WHAT} encodedList")
    inflate = zlib.decompressobj(_GZIP)
    most = MAX_STATUS_LIST_ENTRIES // 8
    try:
        bits = inflate.decompress(packed, most + 1)
    except zlib.error as error:
        raise MalformedEvidenceError(_WHAT, "encodedList is no gzip", reason="value") from error
    if len(bits) > most:
        raise LimitExceededError(_WHAT, actual=len(bits) * 8, limit=MAX_STATUS_LIST_ENTRIES)
    if not inflate.eof or inflate.unused_data:
        raise MalformedEvidenceError(_WHAT, "encodedList is cut or followed", reason="value")
    if len(bits) * 8 < MIN_ENTRIES or len(bits) * 8 % WORD_BITS:
        message = f"must have whole words and at least {MIN_ENTRIES} entries"
        raise MalformedEvidenceError(_WHAT, message, reason="value")
    return bits

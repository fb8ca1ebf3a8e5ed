"""Names of parties, bodies and status entries (docs/evidence-format.md, section 4)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from verifier.core.errors import MalformedEvidenceError

PARTY_BYTES: Final = 32  # a bytes32 on chain
BODY_ID_BYTES: Final = 32
MAX_DID_CHARS: Final = 200  # a did:web holds a host name and a short path
MAX_STATUS_NUMBER: Final = 2**32 - 1  # uint32 on chain, for list numbers and indexes

_BODY_DOMAIN: Final = b"lancang/body/1\x00"  # no other SHA-256 of ours begins with these bytes
_PARTY: Final = re.compile(r"[A-Z0-9-]{2,32}", re.ASCII)
_DID: Final = re.compile(r"did:web:[A-Za-z0-9.%:_-]+", re.ASCII)
_BODY_HEX: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_STATUS_LIST: Final = re.compile(r"urn:lancang:status:([0-9a-f]{64}):(0|[1-9][0-9]{0,9})", re.ASCII)


def check_party(party: str) -> str:
    """Return `party` if it is a party id: 2 to 32 of the characters A-Z, 0-9 and "-".

    Raises:
        MalformedEvidenceError: It is not (`party`).
    """
    if not _PARTY.fullmatch(party):
        message = "must be 2 to 32 upper-case letters, digits or hyphens"
        raise MalformedEvidenceError("party id", message, reason="party")
    return party


def party_bytes32(party: str) -> bytes:
    """Return the party id as on chain: ASCII, padded on the right with zeros to 32 bytes.

    Raises:
        MalformedEvidenceError: `party` is not a party id (`party`).
    """
    return check_party(party).encode("ascii").ljust(PARTY_BYTES, b"\x00")


def party_from_bytes32(data: bytes) -> str:
    """Return the party id that `party_bytes32` turned into `data`.

    Raises:
        MalformedEvidenceError: No party id has this form (`party`).
    """
    text = data.rstrip(b"\x00").decode("ascii", "replace")
    if len(data) != PARTY_BYTES:
        raise MalformedEvidenceError("party id", f"must be {PARTY_BYTES} bytes", reason="party")
    return check_party(text)


def check_did(did: str) -> str:
    """Return `did` if it is a did:web of at most `MAX_DID_CHARS` characters.

    Raises:
        MalformedEvidenceError: It is not (`did`).
    """
    if len(did) > MAX_DID_CHARS or not _DID.fullmatch(did):
        message = f"must be a did:web of at most {MAX_DID_CHARS} characters"
        raise MalformedEvidenceError("issuer id", message, reason="did")
    return did


@lru_cache(maxsize=1024)
def body_id(party: str, did: str) -> bytes:
    """Return the 32-byte id of the body that `party` registered under `did`.

    It is SHA-256("lancang/body/1" || 0x00 || party as bytes32 || did); the contract computes the
    same, so a body cannot be claimed by another party.

    Raises:
        MalformedEvidenceError: `party` or `did` is malformed.
    """
    preimage = _BODY_DOMAIN + party_bytes32(party) + check_did(did).encode("ascii")
    return hashlib.sha256(preimage).digest()


def body_from_hex(text: str, *, what: str = "body id") -> bytes:
    """Return the body id written as 64 lower-case hexadecimal digits without prefix.

    Raises:
        MalformedEvidenceError: It is written otherwise (`body`).
    """
    if not _BODY_HEX.fullmatch(text):
        message = "must be 64 lower-case hexadecimal digits"
        raise MalformedEvidenceError(what, message, reason="body")
    return bytes.fromhex(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEntry:
    """Where the status of a certificate is kept: list and index inside its body.

    Attributes:
        list_number: Number of the status list of the body, 0 to 2^32 - 1.
        index: Position in that list, 0 to 2^32 - 1.
    """

    list_number: int
    index: int

    def __post_init__(self) -> None:
        for number in (self.list_number, self.index):
            if not 0 <= number <= MAX_STATUS_NUMBER:
                message = f"{number} is outside 0 to {MAX_STATUS_NUMBER}"
                raise MalformedEvidenceError("status entry", message, reason="status")


def status_list_urn(body: bytes, list_number: int) -> str:
    """Return the name of a status list: `urn:lancang:status:<body>:<list>`."""
    return f"urn:lancang:status:{body.hex()}:{list_number}"


@lru_cache(maxsize=1024)
def parse_status_list_urn(text: str) -> tuple[bytes, int]:
    """Return body id and list number of the name of a status list.

    Raises:
        MalformedEvidenceError: The name is malformed (`status`).
    """
    match = _STATUS_LIST.fullmatch(text)
    if match is None or int(match[2]) > MAX_STATUS_NUMBER:
        message = "must be urn:lancang:status:<body>:<list>"
        raise MalformedEvidenceError("status list", message, reason="status")
    return bytes.fromhex(match[1]), int(match[2])

"""What a key of each purpose may sign. The signer checks every message before it touches a key.

A thief of the registry's own process can ask the signer for signatures; these rules keep what he
gets to documents of the right kind, of the key's own body, dated now and made by two people.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from registry.signing.description import KeyDescription, SigningContext
from registry.signing.errors import SigningRefusedError
from verifier.checks.facts import KeyPurpose
from verifier.core.certificate import TYP as CERTIFICATE_TYP
from verifier.core.cose import SIGN1_TAG, parse_sign1
from verifier.core.encoding import unb64u
from verifier.core.errors import MalformedEvidenceError
from verifier.core.keys import SIGNATURE_BYTES
from verifier.core.limits import MAX_DOCUMENT_BYTES
from verifier.core.offline_code import SUMMARY_TYP
from verifier.core.release import TYP as RELEASE_TYP
from verifier.core.strict_cbor import dump_cbor, parse_cbor
from verifier.core.strict_json import JsonObject, parse_json_object
from verifier.core.summary_claims import decode_claims

MAX_MESSAGE_BYTES: Final = MAX_DOCUMENT_BYTES  # no longer token can be read by anybody
MAX_CLOCK_SKEW: Final = timedelta(minutes=10)  # nothing is signed with a date of another day


def check_message(
    key: KeyDescription, message: bytes, *, context: SigningContext, now: datetime
) -> None:
    """Refuse a message that a key of this purpose and body must not sign.

    Args:
        key: The authenticated description of the key.
        message: The bytes to be signed.
        context: People behind the request.
        now: The signer's own clock.

    Raises:
        SigningRefusedError: Too long, not in the form of the purpose (`wrong_purpose`), of
            another body (`wrong_body`), naming another key (`wrong_key`), dated otherwise than
            now (`wrong_time`), or with one person in both roles (`one_person`).
    """
    if len(message) > MAX_MESSAGE_BYTES:
        raise SigningRefusedError("too_long", f"messages have at most {MAX_MESSAGE_BYTES} bytes")
    try:
        _CHECKS[key.purpose](key, message, now)
    except MalformedEvidenceError as error:
        raise SigningRefusedError("wrong_purpose", f"the message is no token: {error}") from error
    if key.purpose in {KeyPurpose.CERTIFICATE, KeyPurpose.RECORD}:
        people = {context.maker, context.approver}
        if None in people or len(people) != 2:  # noqa: PLR2004  (two people)
            raise SigningRefusedError("one_person", "maker and approver must be two people")


def _check_certificate(key: KeyDescription, message: bytes, now: datetime) -> None:
    _check_document(key, message, now, document_type="TestCertificate")


def _check_record(key: KeyDescription, message: bytes, now: datetime) -> None:
    _check_document(key, message, now, document_type="InspectionRecord")


def _check_document(
    key: KeyDescription, message: bytes, now: datetime, *, document_type: str
) -> None:
    header, payload = _parts(message)
    _check_header(key, header, typ=CERTIFICATE_TYP)
    types, issuer = payload.get("type"), payload.get("issuer")
    if not isinstance(types, list) or document_type not in types:
        raise SigningRefusedError("wrong_purpose", f"this key signs {document_type} alone")
    _check_body(key, issuer.get("body") if isinstance(issuer, dict) else None)
    _check_time(payload.get("iat"), now)


def _check_statement(key: KeyDescription, message: bytes, now: datetime) -> None:
    header, payload = _parts(message)
    _check_header(key, header, typ=RELEASE_TYP)
    _check_body(key, payload.get("body"))
    _check_time(payload.get("iat"), now)


def _check_summary(key: KeyDescription, message: bytes, now: datetime) -> None:
    parts = parse_cbor(message, what="summary")
    match parts:
        case ["Signature1", bytes(protected), b"", bytes(payload)]:
            unsigned = dump_cbor([protected, {}, payload, bytes(SIGNATURE_BYTES)], tag=SIGN1_TAG)
            header = parse_sign1(unsigned, typ=SUMMARY_TYP, what="summary")
        case _:
            raise SigningRefusedError("wrong_purpose", f"this key signs {SUMMARY_TYP} alone")
    public_key = key.public_key
    if (header.thumbprint, header.algorithm) != (public_key.thumbprint(), public_key.algorithm):
        raise SigningRefusedError("wrong_key", "the header names another key or algorithm")
    claims = decode_claims(payload)
    _check_body(key, claims.body.hex())
    _check_time(claims.issued_at, now)


def _parts(message: bytes) -> tuple[JsonObject, JsonObject]:
    header, dot, payload = message.decode("ascii", "replace").partition(".")
    if not dot or "." in payload:
        raise SigningRefusedError("wrong_purpose", "the message is not header.payload")
    return (
        parse_json_object(unb64u(header, what="header"), what="header"),
        parse_json_object(unb64u(payload, what="payload"), what="payload"),
    )


def _check_header(key: KeyDescription, header: JsonObject, *, typ: str) -> None:
    if header.get("typ") != typ:
        raise SigningRefusedError("wrong_purpose", f"this key signs {typ} alone")
    kid = header.get("kid")
    named = unb64u(kid, what="kid") if isinstance(kid, str) else None
    if named != key.public_key.thumbprint() or header.get("alg") != key.public_key.algorithm:
        raise SigningRefusedError("wrong_key", "the header names another key or algorithm")


def _check_body(key: KeyDescription, body: object) -> None:
    if body != key.body.hex():
        raise SigningRefusedError("wrong_body", "the key belongs to another body")


def _check_time(issued_at: object, now: datetime) -> None:
    if not isinstance(issued_at, int) or abs(issued_at - now.timestamp()) > (
        MAX_CLOCK_SKEW.total_seconds()
    ):
        raise SigningRefusedError("wrong_time", "iat is not the present moment")


_CHECKS: Final[dict[KeyPurpose, Callable[[KeyDescription, bytes, datetime], None]]] = {
    KeyPurpose.CERTIFICATE: _check_certificate,
    KeyPurpose.RECORD: _check_record,
    KeyPurpose.SUMMARY: _check_summary,
    KeyPurpose.STATEMENT: _check_statement,
}

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
from verifier.core.certificate import parse_certificate
from verifier.core.cose import SIGN1_TAG, parse_sign1
from verifier.core.cosignature import parse_cosignature
from verifier.core.credential import Credential, parse_payload
from verifier.core.encoding import b64u
from verifier.core.errors import MalformedEvidenceError, NotOursError
from verifier.core.field_policy import DocumentKind
from verifier.core.keys import SIGNATURE_BYTES, Algorithm
from verifier.core.limits import MAX_DOCUMENT_BYTES
from verifier.core.offline_code import SUMMARY_TYP
from verifier.core.payload_shapes import NO_CO_SIGNATURE
from verifier.core.release import parse_release
from verifier.core.status_list import SignedStatusList, parse_status_list
from verifier.core.strict_cbor import dump_cbor, parse_cbor
from verifier.core.strict_json import parse_json_object
from verifier.core.submission import parse_submission
from verifier.core.summary_claims import decode_claims

MAX_MESSAGE_BYTES: Final = MAX_DOCUMENT_BYTES  # no longer token can be read by anybody
_NO_SIGNATURE: Final = b64u(bytes(SIGNATURE_BYTES))
MAX_CLOCK_SKEW: Final = timedelta(minutes=10)  # nothing is signed with a date of another day
MAX_LIST_VALIDITY: Final = timedelta(days=1)  # a stolen list of no revocations dies with the day


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
    _check_document(key, message, now, kind=DocumentKind.TEST_CERTIFICATE)


def _check_record(key: KeyDescription, message: bytes, now: datetime) -> None:
    _check_document(key, message, now, kind=DocumentKind.INSPECTION_RECORD)


def _check_document(
    key: KeyDescription, message: bytes, now: datetime, *, kind: DocumentKind
) -> None:
    if key.public_key.algorithm is Algorithm.SM2:
        thumbprint, credential = _co_signed(message)
        algorithm = Algorithm.SM2
    else:
        parsed = parse_certificate(f"{_as_token(message)}~")
        thumbprint, credential = parsed.jws.thumbprint, parsed.credential
        algorithm = parsed.jws.algorithm
    if credential.kind is not kind:
        raise SigningRefusedError("wrong_purpose", f"this key signs {kind} alone")
    _check_names(key, thumbprint, algorithm, credential.body)
    _check_time(credential.issued_at, now)


def _co_signed(message: bytes) -> tuple[bytes, Credential]:
    """Return the key that a co-signature names, and the payload that it repeats."""
    co_signature = parse_cosignature(_as_token(message))
    payload = parse_json_object(co_signature.payload, what="co-signed payload")
    credential = parse_payload(payload)
    if credential.co_signature == NO_CO_SIGNATURE:
        raise SigningRefusedError("wrong_purpose", "the certificate does not ask to be co-signed")
    return co_signature.thumbprint, credential


def _check_statement(key: KeyDescription, message: bytes, now: datetime) -> None:
    token = _as_token(message)
    try:
        statement = parse_release(token)
    except NotOursError:
        _check_other_statement(key, token, now)
        return
    _check_names(key, statement.jws.thumbprint, statement.jws.algorithm, statement.claims.body)
    _check_time(statement.claims.issued_at, now)


def _check_other_statement(key: KeyDescription, token: str, now: datetime) -> None:
    try:
        receipt = parse_submission(token)
    except NotOursError:
        _check_status_list(key, parse_status_list(token), now)
        return
    _check_names(key, receipt.jws.thumbprint, receipt.jws.algorithm, receipt.claims.body)
    _check_time(receipt.claims.issued_at, now)


def _check_status_list(key: KeyDescription, status_list: SignedStatusList, now: datetime) -> None:
    content = status_list.content
    _check_names(key, status_list.jws.thumbprint, status_list.jws.algorithm, content.body)
    # It is dated by its block, which may be old where the chain stands still, but not yet to come.
    if content.time > now.timestamp() + MAX_CLOCK_SKEW.total_seconds():
        raise SigningRefusedError("wrong_time", "the block of the list is yet to come")
    if content.valid_until - content.time > MAX_LIST_VALIDITY.total_seconds():
        raise SigningRefusedError("wrong_time", "the list claims to be valid for too long")


def _check_summary(key: KeyDescription, message: bytes, now: datetime) -> None:
    match parse_cbor(message, what="summary"):
        case ["Signature1", bytes(protected), b"", bytes(payload)]:
            unsigned = dump_cbor([protected, {}, payload, bytes(SIGNATURE_BYTES)], tag=SIGN1_TAG)
        case _:
            raise SigningRefusedError("wrong_purpose", "this key signs summaries alone")
    header = parse_sign1(unsigned, typ=SUMMARY_TYP, what="summary")
    claims = decode_claims(payload)
    _check_names(key, header.thumbprint, header.algorithm, claims.body)
    _check_time(claims.issued_at, now)


def _as_token(message: bytes) -> str:
    """Return the token that the message becomes, with an empty signature, for the parsers."""
    return f"{message.decode('ascii', 'replace')}.{_NO_SIGNATURE}"


def _check_names(key: KeyDescription, thumbprint: bytes, algorithm: Algorithm, body: bytes) -> None:
    public_key = key.public_key
    if (thumbprint, algorithm) != (public_key.thumbprint(), public_key.algorithm):
        raise SigningRefusedError("wrong_key", "the header names another key or algorithm")
    if body != key.body:
        raise SigningRefusedError("wrong_body", "the key belongs to another body")


def _check_time(issued_at: int, now: datetime) -> None:
    if abs(issued_at - now.timestamp()) > MAX_CLOCK_SKEW.total_seconds():
        raise SigningRefusedError("wrong_time", "iat is not the present moment")


_CHECKS: Final[dict[KeyPurpose, Callable[[KeyDescription, bytes, datetime], None]]] = {
    KeyPurpose.CERTIFICATE: _check_certificate,
    KeyPurpose.RECORD: _check_record,
    KeyPurpose.SUMMARY: _check_summary,
    KeyPurpose.STATEMENT: _check_statement,
}

"""The payload of a certificate: a W3C Verifiable Credential with the fields of our own context.

Everything read here is visible in every view. Section 1.4 of docs/evidence-format.md is normative.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from json import JSONEncoder
from typing import Any, Final, NamedTuple

from verifier.core.conclusions import (
    Conclusion,
    Outcome,
    milder,
    overall_of_inspection,
    overall_of_tests,
)
from verifier.core.errors import MalformedEvidenceError, NotOursError
from verifier.core.field_policy import DocumentKind
from verifier.core.ids import (
    MAX_STATUS_NUMBER,
    StatusEntry,
    body_id,
    parse_status_list_urn,
    status_list_urn,
)
from verifier.core.moments import Moment, format_utc, is_utc, parse_moment, parse_utc
from verifier.core.payload_patterns import digests_in_order, payload_kind
from verifier.core.payload_shapes import (
    CO_SIGNATURES,
    CONTEXTS,
    CREDENTIAL_ID,
    CREDENTIAL_SCHEMA,
    OWN_CONTEXT_FAMILY,
    PAYLOAD_SHAPES,
    TYPES,
)
from verifier.core.sd_jwt import SD_ALG
from verifier.core.shapes import Shape
from verifier.core.strict_json import JsonObject, decode_proven, parse_json_object, plain_lines

_WHAT: Final = "certificate"
_CONCLUSIONS: Final = {each.value: each for each in Conclusion}
_INDEX: Final = re.compile("0|[1-9][0-9]{0,9}", re.ASCII)


class ResultStub(NamedTuple):
    """What every view shows of one result."""

    ordinal: int
    conclusion: Conclusion
    accredited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What every view of a certificate shows.

    Attributes:
        kind: Test certificate or inspection record.
        credential_id: `urn:uuid:` with 128 random bits.
        party: Id of the party under which the issuing body is registered.
        did: did:web of the body.
        body: Id of the body, 32 bytes, checked to be that of `party` and `did`.
        issuer_name: Name of the body as the token states it; pages show the registered name.
        issued_at: `iat`, when the token was signed by its own account, Unix seconds.
        issued: Claimed date of issue as stated.
        claimed: The moment that `issued` can mean.
        valid_from: Unix seconds; the credential speaks from here on.
        valid_until: Unix seconds, exclusive; None without end.
        status: Where revocation and suspension are kept.
        co_signature: `none` or the algorithm of a second token over the same payload.
        number: Human number.
        revision: Revision of the document, from 1.
        demonstration: Whether it is a demonstration document.
        conclusion: The overall conclusion, checked against all the others.
        results: One stub for every result, with ordinals 1 to n.
        subject: The visible members of `credentialSubject`.
    """

    kind: DocumentKind
    credential_id: str
    party: str
    did: str
    body: bytes
    issuer_name: str
    issued_at: int
    issued: str
    claimed: Moment
    valid_from: int
    valid_until: int | None
    status: StatusEntry
    co_signature: str
    number: str
    revision: int
    demonstration: bool
    conclusion: Conclusion
    results: tuple[ResultStub, ...]
    subject: JsonObject


def read_payload(data: bytes) -> tuple[JsonObject, Credential]:
    """Parse the text of a payload and check its visible part.

    This is `parse_json_object` and `parse_payload`, in a fraction of the time for a text written
    the way we write it.

    Raises:
        NotOursError: As `parse_payload`.
        MalformedEvidenceError: As `parse_json_object` and `parse_payload`.
    """
    lines = plain_lines([data])
    kind = None if lines is None else payload_kind(lines[0])
    if lines is not None and kind is not None:
        payload: Any = decode_proven(lines[0])
        if digests_in_order(kind, payload):
            return payload, _read(kind, payload)
    payload = parse_json_object(data, what=f"{_WHAT} payload")
    return payload, parse_payload(payload)


def parse_payload(payload: JsonObject) -> Credential:
    """Check the visible part of a certificate and return it.

    Raises:
        NotOursError: It is a credential of somebody else's context.
        MalformedEvidenceError: It names another version of ours (`version`), a member is missing,
            unknown or malformed (`payload`), the body is not that of party and did (`body`),
            status or dates disagree (`status`, `dates`), the ordinals are not 1 to n
            (`ordinals`), the overall conclusion is milder than the results allow
            (`conclusion_hides_failure`) or graver (`conclusion_mismatch`).
    """
    kind = _kind(payload)
    _check_shape(PAYLOAD_SHAPES[kind], payload)
    return _read(kind, payload)


def _read(kind: DocumentKind, fields: Mapping[str, Any]) -> Credential:
    """Return the visible part of a payload of the right shape."""
    issuer, subject = fields["issuer"], fields["credentialSubject"]
    body = body_id(issuer["party"], issuer["id"])
    if issuer["body"] != body.hex():
        raise _malformed("the body is not that of party and did", "body")
    results = tuple(
        ResultStub(each["ordinal"], _CONCLUSIONS[each["conclusion"]], each["accredited"])
        for each in subject["results"]
    )
    if [stub.ordinal for stub in results] != list(range(1, len(results) + 1)):
        raise _malformed("the results must be numbered 1 to n in order", "ordinals")
    conclusion = Conclusion(subject["conclusion"])
    _check_conclusion(conclusion, _derived(kind, subject, results))
    dates = subject["dates"]
    claimed, valid_until = _check_dates(fields, dates)
    return Credential(
        kind=kind,
        credential_id=fields["id"],
        party=issuer["party"],
        did=issuer["id"],
        body=body,
        issuer_name=issuer["name"],
        issued_at=fields["iat"],
        issued=dates["issued"],
        claimed=claimed,
        valid_from=claimed.earliest,
        valid_until=valid_until,
        status=_status(fields["credentialStatus"], body),
        co_signature=fields["coSignature"],
        number=subject["number"],
        revision=subject["revision"],
        demonstration=subject["demonstration"],
        conclusion=conclusion,
        results=results,
        subject=subject,
    )


def write_payload(
    *,
    kind: DocumentKind,
    credential_id: str,
    issuer: str,
    issued_at: int,
    valid_from: int,
    valid_until: int | None,
    body: bytes,
    status: StatusEntry,
    co_signature: str,
    subject: str,
) -> str:
    """Return the JSON text of a payload.

    Args:
        kind: Kind of the document.
        credential_id: `urn:uuid:` with 128 random bits.
        issuer: JSON text of the issuer.
        issued_at: `iat`, Unix seconds.
        valid_from: Unix seconds.
        valid_until: Unix seconds, exclusive; None without end.
        body: Id of the issuing body, 32 bytes.
        status: Where the status is kept.
        co_signature: One of `CO_SIGNATURES`.
        subject: JSON text of the credential subject.

    Raises:
        ValueError: `credential_id` is no lower-case `urn:uuid:`.
    """
    if not CREDENTIAL_ID.accepts(credential_id):
        raise ValueError(f"{credential_id!r} is no lower-case urn:uuid")
    until = "" if valid_until is None else f'"validUntil":"{format_utc(valid_until)}",'
    listed = status_list_urn(body, status.list_number)
    # Everything put in here is free of characters that JSON would have to escape.
    return (
        f'{_HEADS[kind]}"id":"{credential_id}","issuer":{issuer},"iat":{issued_at},'
        f'"validFrom":"{format_utc(valid_from)}",{until}"credentialStatus":{{'
        f'"id":"{listed}#{status.index}","type":"BitstringStatusListEntry",'
        f'"statusPurpose":"revocation","statusListIndex":"{status.index}",'
        f'"statusListCredential":"{listed}"}},{_TAILS[co_signature]}"credentialSubject":{subject}}}'
    )


def _text_of(members: JsonObject) -> str:
    return JSONEncoder(separators=(",", ":")).encode(members)[:-1] + ","


_HEADS: Final = {
    kind: _text_of({"@context": [*CONTEXTS], "type": [*TYPES, kind.value]}) for kind in DocumentKind
}
_TAILS: Final = {
    co_signature: _text_of(
        {
            "credentialSchema": {"id": CREDENTIAL_SCHEMA, "type": "JsonSchema"},
            "coSignature": co_signature,
            "_sd_alg": SD_ALG,
        }
    ).removeprefix("{")
    for co_signature in CO_SIGNATURES
}


def _kind(payload: JsonObject) -> DocumentKind:
    contexts, types = payload.get("@context"), payload.get("type")
    if contexts != [*CONTEXTS]:
        named = contexts if isinstance(contexts, list) else []
        if any(isinstance(each, str) and each.startswith(OWN_CONTEXT_FAMILY) for each in named):
            raise _malformed("is of a version that this verifier does not know", "version")
        raise NotOursError(_WHAT, "is a credential of another kind")
    for kind in DocumentKind:
        if types == [*TYPES, kind.value]:
            return kind
    raise _malformed("is of no known type", "payload")


def _derived(
    kind: DocumentKind, subject: Mapping[str, Any], results: tuple[ResultStub, ...]
) -> Conclusion:
    conclusions = [stub.conclusion for stub in results]
    if kind is DocumentKind.TEST_CERTIFICATE:
        return overall_of_tests(conclusions)
    disposition = subject.get("disposition")
    return overall_of_inspection(
        conclusions,
        [Conclusion(each["conclusion"]) for each in subject["agencies"]],
        None if disposition is None else Outcome(disposition["outcome"]),
    )


def _check_conclusion(stated: Conclusion, derived: Conclusion) -> None:
    if milder(stated, derived):
        message = f"the overall conclusion {stated} hides {derived}"
        raise _malformed(message, "conclusion_hides_failure")
    if stated is not derived:
        message = f"the overall conclusion must be {derived}, not {stated}"
        raise _malformed(message, "conclusion_mismatch")


def _check_dates(payload: Mapping[str, Any], dates: Mapping[str, Any]) -> tuple[Moment, int | None]:
    claimed = parse_moment(dates["issued"], what="issued")
    until = dates.get("valid_until")
    last = None if until is None else parse_moment(until, what="valid_until").latest
    stated_first, stated_last = payload["validFrom"], payload.get("validUntil")
    if (
        not is_utc(stated_first, claimed.earliest)
        and parse_utc(stated_first, what="validFrom") != claimed.earliest
    ) or last != (None if stated_last is None else parse_utc(stated_last, what="validUntil")):
        raise _malformed("validFrom and validUntil do not follow from the dates", "dates")
    return claimed, last


def _status(entry: Mapping[str, str], body: bytes) -> StatusEntry:
    owner, list_number = parse_status_list_urn(entry["statusListCredential"])
    index = entry["statusListIndex"]
    if owner != body or not _INDEX.fullmatch(index) or int(index) > MAX_STATUS_NUMBER:
        raise _malformed("the status entry is none of this body", "status")
    if entry["id"] != f"{entry['statusListCredential']}#{index}":
        raise _malformed("the status entry contradicts itself", "status")
    return StatusEntry(list_number=list_number, index=int(index))


def _check_shape(shape: Shape, payload: JsonObject) -> None:
    if not shape.accepts(payload):
        problem = next(shape.problems(payload, ""), None)
        detail = "is malformed" if problem is None else f"{problem.pointer} {problem.message}"
        raise _malformed(detail, "payload")


def _malformed(message: str, reason: str) -> MalformedEvidenceError:
    return MalformedEvidenceError(_WHAT, message, reason=reason)

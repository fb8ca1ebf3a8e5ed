"""The body of a verification request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from registry.verifications.errors import MalformedQuestionError
from verifier.core.limits import MAX_DOCUMENT_BYTES, MAX_PDF_BYTES
from verifier.core.moments import parse_moment
from verifier.core.strict_json import JsonObject, JsonValue, parse_json_object
from verifier.readers import read
from verifier.service import Question, Submission

MAX_BODY_BYTES: Final = 3 * MAX_DOCUMENT_BYTES  # a token, a receipt and codes beside it
_MAX_RECEIPTS: Final = 4
_MAX_CODES: Final = 8
_FLAGS: Final = {"true": True, "false": False}
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)

REQUEST_SCHEMA: Final[JsonObject] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "token": {"type": ["string", "null"], "description": "Compact SD-JWT of a view."},
        "receipts": {
            "type": "array",
            "maxItems": _MAX_RECEIPTS,
            "items": {"type": "string"},
            "description": "Texts of *.receipt.json files.",
        },
        "codes": {
            "type": "array",
            "maxItems": _MAX_CODES,
            "items": {"type": "string"},
            "description": "Texts of link codes and offline codes.",
        },
        "country": {
            "type": ["string", "null"],
            "pattern": "^[A-Z]{2}$",
            "description": "Whose recognition is asked about, ISO 3166-1 alpha-2.",
        },
        "at": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "A past moment to answer for beside now.",
        },
        "goods_match": {
            "type": ["boolean", "null"],
            "description": "The person's answer whether the goods match.",
        },
    },
}
"""JSON Schema of the request, for the published description."""


FILE_TYPES: Final = (
    "application/pdf",
    "image/png",
    "image/jpeg",
    "application/vc+sd-jwt",
    "text/plain",
    "application/octet-stream",
)
"""Media types of files that are read as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationRequest:
    """What is to be verified, and the question about it."""

    submission: Submission
    question: Question


def limit_of(media_type: str) -> int:
    """Return how many bytes a request body of a media type may have."""
    return MAX_PDF_BYTES if media_type in FILE_TYPES else MAX_BODY_BYTES


def parse_request(body: bytes, *, now: int) -> VerificationRequest:
    """Parse a verification request.

    Args:
        body: The request body.
        now: Time of the check, Unix seconds.

    Raises:
        LimitExceededError: The body is too large.
        MalformedEvidenceError: The body is no strict JSON object.
        MalformedQuestionError: A member is unknown or of another type, nothing is handed over,
            or the question is about the future.
    """
    value = parse_json_object(body, what="request", max_bytes=MAX_BODY_BYTES)
    unknown = set(value) - {"token", "receipts", "codes", "country", "at", "goods_match"}
    if unknown:
        raise MalformedQuestionError(f"does not know {', '.join(sorted(unknown))}")
    submission = Submission(
        token=_optional_text(value, "token"),
        receipts=tuple(
            text.encode() for text in _texts(value.get("receipts"), "receipts", _MAX_RECEIPTS)
        ),
        codes=tuple(_texts(value.get("codes"), "codes", _MAX_CODES)),
    )
    if submission == Submission():
        raise MalformedQuestionError("hands over neither token nor receipt nor code")
    return VerificationRequest(submission=submission, question=_question(value, now=now))


def read_request(file: bytes, query: Mapping[str, str], *, now: int) -> VerificationRequest:
    """Read a file that was sent as it is: a PDF, a picture, a token, a receipt or a code.

    Args:
        file: The request body.
        query: Parameters of the question, as in the members of the same names.
        now: Time of the check, Unix seconds.

    Raises:
        LimitExceededError: The file is too large.
        MalformedEvidenceError: The file cannot be read.
        MalformedQuestionError: A parameter is unknown or malformed.
    """
    unknown = set(query) - {"country", "at", "goods_match"}
    if unknown:
        raise MalformedQuestionError(f"does not know {', '.join(sorted(unknown))}")
    asked: JsonObject = {**query}
    if "goods_match" in query:
        asked["goods_match"] = _FLAGS.get(query["goods_match"], query["goods_match"])
    question = _question(asked, now=now)
    material = read(file, name="request")
    submission = Submission(
        token=material.token,
        receipts=() if material.receipt is None else (material.receipt,),
        codes=material.codes,
    )
    return VerificationRequest(submission=submission, question=question)


def _question(value: JsonObject, *, now: int) -> Question:
    country, at = _optional_text(value, "country"), _optional_text(value, "at")
    if country is not None and not _COUNTRY.fullmatch(country):
        raise MalformedQuestionError("country must be two capital letters")
    match = value.get("goods_match")
    if match is not None and not isinstance(match, bool):
        raise MalformedQuestionError("goods_match must be true, false or null")
    moment = None if at is None else parse_moment(at, what="at").earliest
    try:
        return Question(checked_at=now, at=moment, country=country, goods_match=match)
    except ValueError as error:
        raise MalformedQuestionError(str(error)) from error


def _optional_text(value: JsonObject, name: str) -> str | None:
    member = value.get(name)
    if member is not None and not isinstance(member, str):
        raise MalformedQuestionError(f"{name} must be text or null")
    return member


def _texts(value: JsonValue, name: str, most: int) -> list[str]:
    items = [] if value is None else value
    if not isinstance(items, list) or len(items) > most:
        raise MalformedQuestionError(f"{name} must be a list of at most {most} texts")
    texts = [item for item in items if isinstance(item, str)]
    if len(texts) != len(items):
        raise MalformedQuestionError(f"{name} must be a list of texts")
    return texts

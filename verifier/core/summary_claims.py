"""The encoding of a summary's content: a CWT claims set with numbers for names.

docs/evidence-format.md, section "Summary", has the table of labels.
"""

from __future__ import annotations

from itertools import groupby
from typing import Final, TypeVar

from verifier.core.errors import MalformedEvidenceError
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.ids import BODY_ID_BYTES, StatusEntry, check_party
from verifier.core.strict_cbor import CborKey, CborValue, dump_cbor, parse_cbor
from verifier.core.summary import (
    GOODS_BYTES,
    GOODS_FIELDS,
    KINDS,
    RESULT_CONCLUSIONS,
    ResultStub,
    SummaryClaims,
)

_WHAT: Final = "summary"
_VERSION: Final = 1
_LONGEST_NAME: Final = 64  # bytes of UTF-8 of a number or a conclusion
_MOST_RESULTS: Final = 4096

# Claims of RFC 8392, and one of ours from the range for private use.
_IAT: Final = 6
_SUMMARY: Final = -65537

# Members of our claim.
_MEMBER_VERSION: Final = 0
_KIND: Final = 1
_NUMBER: Final = 2
_PARTY: Final = 3
_BODY: Final = 4
_CERTIFICATE: Final = 5
_CERTIFICATE_IAT: Final = 6
_STATUS_LIST: Final = 7
_STATUS_INDEX: Final = 8
_CONCLUSION: Final = 9
_VALID_UNTIL: Final = 10
_CLAIMED_ISSUE: Final = 11
_DESTINATION: Final = 12
_GOODS: Final = 13
_RESULTS: Final = 14
_DEMONSTRATION: Final = 15

_OPTIONAL: Final = {_VALID_UNTIL, _DESTINATION}
_LABELS: Final = set(range(_DEMONSTRATION + 1))
_GOODS_BY_LABEL: Final = {field.label: field for field in GOODS_FIELDS}

CborMap = dict[CborKey, CborValue]
Scalar = TypeVar("Scalar", int, str, bytes)


def encode_claims(claims: SummaryClaims) -> bytes:
    """Return the claims set in its deterministic encoding.

    Raises:
        MalformedEvidenceError: A value does not fit the format; nobody could read the result.
    """
    data = _encode(claims)
    if decode_claims(data) != claims:
        raise _malformed("does not come back from its encoding", "value")
    return data


def decode_claims(data: bytes) -> SummaryClaims:
    """Parse the claims set of a summary.

    Raises:
        MalformedEvidenceError: As `parse_cbor`; a missing or unknown member (`members`), another
            version (`version`), or a value of another type or out of bounds (`type`, `value`).
    """
    outer = _map(parse_cbor(data, what=_WHAT), "claims")
    if set(outer) != {_IAT, _SUMMARY}:
        raise _malformed("must hold exactly the claims 6 and -65537", "members")
    members = _map(outer[_SUMMARY], "claim -65537")
    if members.get(_MEMBER_VERSION) != _VERSION or members[_MEMBER_VERSION] is True:
        raise _malformed("is of an unknown version", "version")
    if not _LABELS - _OPTIONAL <= set(members) <= _LABELS:
        raise _malformed("has missing or unknown members", "members")
    claims = SummaryClaims(
        issued_at=_time(outer, _IAT),
        kind=_choice(KINDS, _scalar(members, _KIND, int) - 1),
        number=_short_text(members, _NUMBER),
        party=check_party(_short_text(members, _PARTY)),
        body=_sized(members, _BODY, BODY_ID_BYTES),
        certificate=_sized(members, _CERTIFICATE, DIGEST_BYTES),
        certificate_issued_at=_time(members, _CERTIFICATE_IAT),
        status=StatusEntry(
            list_number=_scalar(members, _STATUS_LIST, int),
            index=_scalar(members, _STATUS_INDEX, int),
        ),
        conclusion=_short_text(members, _CONCLUSION),
        valid_until=_time(members, _VALID_UNTIL) if _VALID_UNTIL in members else None,
        claimed_issue=_time(members, _CLAIMED_ISSUE),
        destination=(
            check_party(_short_text(members, _DESTINATION)) if _DESTINATION in members else None
        ),
        goods=_goods(_map(members[_GOODS], "goods")),
        results=_results(members[_RESULTS]),
        demonstration=_flag(members, _DEMONSTRATION),
    )
    if _encode(claims) != data:
        raise _malformed("has a second spelling of its results", "not_deterministic")
    return claims


def _encode(claims: SummaryClaims) -> bytes:
    if claims.kind not in KINDS:
        raise _malformed("is of an unknown kind", "value")
    members: CborMap = {
        _MEMBER_VERSION: _VERSION,
        _KIND: KINDS.index(claims.kind) + 1,
        _NUMBER: claims.number,
        _PARTY: claims.party,
        _BODY: claims.body,
        _CERTIFICATE: claims.certificate,
        _CERTIFICATE_IAT: claims.certificate_issued_at,
        _STATUS_LIST: claims.status.list_number,
        _STATUS_INDEX: claims.status.index,
        _CONCLUSION: claims.conclusion,
        _CLAIMED_ISSUE: claims.claimed_issue,
        _GOODS: {
            field.label: claims.goods[field.name]
            for field in GOODS_FIELDS
            if field.name in claims.goods
        },
        _RESULTS: _runs(claims.results),
        _DEMONSTRATION: claims.demonstration,
    }
    if claims.valid_until is not None:
        members[_VALID_UNTIL] = claims.valid_until
    if claims.destination is not None:
        members[_DESTINATION] = claims.destination
    return dump_cbor({_IAT: claims.issued_at, _SUMMARY: members})


def _runs(results: tuple[ResultStub, ...]) -> list[CborValue]:
    """Return code and run length in turn: a printed code must not grow with every result."""
    runs: list[CborValue] = []
    for code, group in groupby(_result_code(result) for result in results):
        runs += [code, len(list(group))]
    return runs


def _result_code(result: ResultStub) -> int:
    if result.conclusion not in RESULT_CONCLUSIONS:
        raise _malformed(f"has a result {result.conclusion!r} without a number", "value")
    return RESULT_CONCLUSIONS.index(result.conclusion) * 2 + result.accredited


def _results(runs: CborValue) -> tuple[ResultStub, ...]:
    if not isinstance(runs, list) or len(runs) % 2:
        raise _malformed("must list its results as codes and run lengths", "type")
    results: list[ResultStub] = []
    for code, length in zip(runs[::2], runs[1::2], strict=True):
        if type(code) is not int or type(length) is not int:
            raise _malformed("must list its results as codes and run lengths", "type")
        if not 0 < length <= _MOST_RESULTS - len(results):
            raise _malformed("has a run of results out of bounds", "value")
        stub = ResultStub(_choice(RESULT_CONCLUSIONS, code // 2), accredited=code % 2 == 1)
        results += [stub] * length
    return tuple(results)


def _goods(members: CborMap) -> dict[str, str]:
    goods = {}
    for label in members:
        field = _GOODS_BY_LABEL.get(label) if isinstance(label, int) else None
        if field is None:
            raise _malformed("has unknown goods", "members")
        goods[field.name] = _short_text(members, label, longest=GOODS_BYTES)
    return goods


def _choice(names: tuple[str, ...], index: int) -> str:
    if not 0 <= index < len(names):
        raise _malformed("holds a number without meaning", "value")
    return names[index]


def _time(members: CborMap, label: int) -> int:
    moment = _scalar(members, label, int)
    if moment < 0:
        raise _malformed("holds a time before 1970", "value")
    return moment


def _short_text(members: CborMap, label: CborKey, *, longest: int = _LONGEST_NAME) -> str:
    text = _scalar(members, label, str)
    if len(text.encode("utf-8")) > longest:
        raise _malformed(f"holds a text of more than {longest} bytes", "value")
    return text


def _sized(members: CborMap, label: int, size: int) -> bytes:
    data = _scalar(members, label, bytes)
    if len(data) != size:
        raise _malformed(f"must have {size} bytes as member {label}", "length")
    return data


def _flag(members: CborMap, label: int) -> bool:
    flag = members[label]
    if not isinstance(flag, bool):
        raise _malformed(f"must say true or false as member {label}", "type")
    return flag


def _scalar(members: CborMap, label: CborKey, kind: type[Scalar]) -> Scalar:
    value = members[label]
    if type(value) is not kind:  # not isinstance: true is no number
        raise _malformed(f"has another type than {kind.__name__} as member {label}", "type")
    return value


def _map(value: CborValue, part: str) -> CborMap:
    if not isinstance(value, dict):
        raise _malformed(f"must have a map of {part}", "type")
    return value


def _malformed(message: str, reason: str) -> MalformedEvidenceError:
    return MalformedEvidenceError(_WHAT, message, reason=reason)

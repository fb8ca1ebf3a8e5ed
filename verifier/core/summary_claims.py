"""The encoding of a summary's content: a CWT claims set with numbers for names.

docs/evidence-format-tree.md, section "Summary", has the table of labels.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import groupby
from types import MappingProxyType
from typing import Final, TypeVar

from verifier.core.conclusions import (
    Conclusion,
    milder,
    overall_of_inspection,
    overall_of_tests,
)
from verifier.core.credential import ResultStub
from verifier.core.errors import MalformedEvidenceError
from verifier.core.field_policy import MAX_RESULTS, DocumentKind
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.ids import BODY_ID_BYTES, StatusEntry, check_party
from verifier.core.moments import LAST_SECOND
from verifier.core.strict_cbor import CborKey, CborValue, dump_cbor, parse_cbor
from verifier.core.summary import GOODS_FIELDS, SummaryClaims

_WHAT: Final = "summary"
_VERSION: Final = 1
_COUNTRY: Final = re.compile("[A-Z]{2}", re.ASCII)
_LONGEST_NUMBER: Final = 64  # characters, as in an import

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

# Numbers of the kinds; those of conclusions are in `verifier.core.conclusions`.
_KIND_NUMBERS: Final = {DocumentKind.TEST_CERTIFICATE: 1, DocumentKind.INSPECTION_RECORD: 2}
_KINDS: Final = {number: kind for kind, number in _KIND_NUMBERS.items()}

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


@lru_cache(maxsize=256)  # pure; a summary that was just written is read back before it leaves
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
        kind=_kind(members),
        number=_number(members),
        party=check_party(_scalar(members, _PARTY, str)),
        body=_sized(members, _BODY, BODY_ID_BYTES),
        certificate=_sized(members, _CERTIFICATE, DIGEST_BYTES),
        certificate_issued_at=_time(members, _CERTIFICATE_IAT),
        status=StatusEntry(
            list_number=_scalar(members, _STATUS_LIST, int),
            index=_scalar(members, _STATUS_INDEX, int),
        ),
        conclusion=_conclusion(_scalar(members, _CONCLUSION, int)),
        valid_until=_time(members, _VALID_UNTIL) if _VALID_UNTIL in members else None,
        claimed_issue=_time(members, _CLAIMED_ISSUE),
        destination=_country(members) if _DESTINATION in members else None,
        goods=MappingProxyType(_goods(_map(members[_GOODS], "goods"))),
        results=_results(members[_RESULTS]),
        demonstration=_flag(members, _DEMONSTRATION),
    )
    if _encode(claims) != data:
        raise _malformed("has a second spelling of its results", "not_deterministic")
    _check_conclusion(claims)
    return claims


def _encode(claims: SummaryClaims) -> bytes:
    members: CborMap = {
        _MEMBER_VERSION: _VERSION,
        _KIND: _KIND_NUMBERS[claims.kind],
        _NUMBER: claims.number,
        _PARTY: claims.party,
        _BODY: claims.body,
        _CERTIFICATE: claims.certificate,
        _CERTIFICATE_IAT: claims.certificate_issued_at,
        _STATUS_LIST: claims.status.list_number,
        _STATUS_INDEX: claims.status.index,
        _CONCLUSION: claims.conclusion.number,
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
    for code, group in groupby(
        result.conclusion.number * 2 + result.accredited for result in results
    ):
        runs += [code, len(list(group))]
    return runs


def _results(runs: CborValue) -> tuple[ResultStub, ...]:
    if not isinstance(runs, list) or not runs or len(runs) % 2:
        raise _malformed("must list its results as codes and run lengths", "type")
    results: list[ResultStub] = []
    for code, length in zip(runs[::2], runs[1::2], strict=True):
        if type(code) is not int or type(length) is not int:
            raise _malformed("must list its results as codes and run lengths", "type")
        if not 0 < length <= MAX_RESULTS - len(results):
            raise _malformed("has a run of results out of bounds", "value")
        conclusion, accredited = _conclusion(code // 2), code % 2 == 1
        first = len(results) + 1
        results += [ResultStub(at, conclusion, accredited) for at in range(first, first + length)]
    return tuple(results)


def _goods(members: CborMap) -> dict[str, str]:
    goods = {}
    for label in members:
        field = _GOODS_BY_LABEL.get(label) if isinstance(label, int) else None
        if field is None:
            raise _malformed("has unknown goods", "members")
        text = _scalar(members, label, str)
        if len(text.encode("utf-8")) > field.longest:
            raise _malformed(f"has a {field.name} of more than {field.longest} bytes", "value")
        goods[field.name] = text
    return goods


def _check_conclusion(claims: SummaryClaims) -> None:
    """Refuse an overall conclusion that the stubs beside it contradict.

    What agencies concluded on an inspection is not in its summary, so there the overall
    conclusion may be graver than the items, never milder.
    """
    stubs = [result.conclusion for result in claims.results]
    if claims.kind is DocumentKind.TEST_CERTIFICATE:
        contradicted = claims.conclusion is not overall_of_tests(stubs)
    else:
        mildest = overall_of_inspection(stubs, [Conclusion.PASS], None)
        contradicted = milder(claims.conclusion, mildest)
    if contradicted:
        raise _malformed("has a conclusion that its results contradict", "conclusion")


def _kind(members: CborMap) -> DocumentKind:
    kind = _KINDS.get(_scalar(members, _KIND, int))
    if kind is None:
        raise _malformed("is of an unknown kind", "value")
    return kind


def _country(members: CborMap) -> str:
    country = _scalar(members, _DESTINATION, str)
    if not _COUNTRY.fullmatch(country):
        raise _malformed("has a destination that is no country code", "value")
    return country


def _conclusion(number: int) -> Conclusion:
    try:
        return Conclusion.from_number(number)
    except ValueError as error:
        raise _malformed("holds an unknown conclusion", "value") from error


def _number(members: CborMap) -> str:
    number = _scalar(members, _NUMBER, str)
    if len(number) > _LONGEST_NUMBER:
        raise _malformed(f"has a number of more than {_LONGEST_NUMBER} characters", "value")
    return number


def _time(members: CborMap, label: int) -> int:
    moment = _scalar(members, label, int)
    if not 0 <= moment <= LAST_SECOND:
        raise _malformed("holds a time out of bounds", "value")
    return moment


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

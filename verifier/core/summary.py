"""What an offline code says about a certificate: the normative field map and its comparison.

`summary_of` is the one source of truth (docs/evidence-format.md, "Summary"): a summary is issued
from it, and a summary beside its certificate is compared with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from verifier.core.conclusions import Conclusion
from verifier.core.field_policy import DocumentKind
from verifier.core.ids import StatusEntry, body_from_hex, check_party, parse_status_list_urn
from verifier.core.json_members import Members
from verifier.core.moments import parse_utc
from verifier.core.strict_json import JsonObject

GOODS_BYTES: Final = 32  # of UTF-8 a text: all of them together must fit a code of 50 mm
_DECIMAL_BYTES: Final = 41  # the longest decimal of a document; a number is never cut


@dataclass(frozen=True, slots=True)
class GoodsField:
    """A field of the consignment that a summary repeats.

    Attributes:
        name: Its path below `consignment`.
        label: Its number in the encoding.
        longest: Bytes of UTF-8 that fit; a longer text is cut, see `shorten`.
    """

    name: str
    label: int
    longest: int = GOODS_BYTES


GOODS_FIELDS: Final = (
    GoodsField("description", 0),
    GoodsField("hs_code", 1),
    GoodsField("origin", 2),
    GoodsField("net_mass.value", 3, longest=_DECIMAL_BYTES),
    GoodsField("net_mass.unit", 4),
    GoodsField("lot_no", 5),
    GoodsField("container_no", 6),
)


@dataclass(frozen=True, slots=True)
class ResultStub:
    """What is always visible of one result; the ordinal is its position, counted from 1."""

    conclusion: Conclusion
    accredited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryClaims:
    """The content of a summary.

    Attributes:
        issued_at: When the summary was made, Unix seconds.
        kind: Kind of the document.
        number: The certificate's number.
        party: Id of the party of the issuing body.
        body: Id of the issuing body, 32 bytes.
        certificate: Leaf of the certificate, 32 bytes.
        certificate_issued_at: `iat` of the certificate, Unix seconds.
        status: Where the certificate's status is kept.
        conclusion: The overall conclusion.
        valid_until: Unix seconds, exclusive; None without expiry.
        claimed_issue: The date of issue on the certificate, Unix seconds.
        destination: Party id for whose view the summary was made; None for the full certificate.
        goods: Texts by the names of `GOODS_FIELDS`, those that the view shows.
        results: The stubs of all results in order.
        demonstration: Whether it is a demonstration document.
    """

    issued_at: int
    kind: DocumentKind
    number: str
    party: str
    body: bytes
    certificate: bytes
    certificate_issued_at: int
    status: StatusEntry
    conclusion: Conclusion
    valid_until: int | None
    claimed_issue: int
    destination: str | None
    goods: Mapping[str, str]
    results: tuple[ResultStub, ...]
    demonstration: bool


def summary_of(
    view: JsonObject, *, leaf: bytes, issued_at: int, destination: str | None = None
) -> SummaryClaims:
    """Derive the summary of a certificate from one of its views.

    Args:
        view: The credential's payload with the view's disclosures put in place
            (`Resolved.claims`). A field of the goods that it withholds is not in the summary.
        leaf: Leaf of the certificate, 32 bytes.
        issued_at: When the summary is made, Unix seconds.
        destination: Party id of the view's destination, None for the full certificate.

    Raises:
        MalformedEvidenceError: `view` is not the payload of a certificate.
    """
    payload = Members(view, "certificate")
    issuer, subject = payload.child("issuer"), payload.child("credentialSubject")
    body = body_from_hex(issuer.text("body"))
    return SummaryClaims(
        issued_at=issued_at,
        kind=_kind(payload),
        number=subject.text("number"),
        party=check_party(issuer.text("party")),
        body=body,
        certificate=leaf,
        certificate_issued_at=payload.integer("iat"),
        status=_status_entry(payload.child("credentialStatus"), body),
        conclusion=_conclusion(subject),
        valid_until=_time(payload, "validUntil") if "validUntil" in view else None,
        claimed_issue=_time(payload, "validFrom"),
        destination=destination,
        goods=_goods(subject),
        results=tuple(
            ResultStub(_conclusion(result), accredited=result.flag("accredited"))
            for result in subject.children("results")
        ),
        demonstration=subject.flag("demonstration"),
    )


def summary_differences(claims: SummaryClaims, view: JsonObject, *, leaf: bytes) -> tuple[str, ...]:
    """Name the fields in which a summary differs from the certificate beside it.

    A field that the view beside it withholds cannot be compared and is no difference; nor is one
    that a summary made for a destination leaves out.

    Args:
        claims: The summary.
        view: As for `summary_of`; it need not be the view that the summary was made from.
        leaf: Leaf of the certificate, 32 bytes.

    Returns:
        Names of fields of `SummaryClaims`, those of the goods as "goods.<name>"; empty when the
        summary is one of this certificate.

    Raises:
        MalformedEvidenceError: `view` is not the payload of a certificate.
    """
    expected = summary_of(
        view, leaf=leaf, issued_at=claims.issued_at, destination=claims.destination
    )
    plain = [
        name
        for name in SummaryClaims.__dataclass_fields__
        if name != "goods" and getattr(claims, name) != getattr(expected, name)
    ]
    everything_shown = "contents" in Members(view, "certificate").child("credentialSubject").value
    goods = [
        f"goods.{field.name}"
        for field in GOODS_FIELDS
        if _goods_differ(
            claims.goods.get(field.name),
            expected.goods.get(field.name),
            may_be_left_out=claims.destination is not None,
            may_be_withheld=not everything_shown,
        )
    ]
    return (*plain, *goods)


def shorten(text: str, *, longest: int) -> str:
    """Cut a text to at most `longest` bytes of UTF-8; a cut text ends in "…".

    The cut is made between characters, after as many as fit before the ellipsis.
    """
    if len(text.encode("utf-8")) <= longest:
        return text
    room = longest - len("…".encode())
    return text.encode("utf-8")[:room].decode("utf-8", "ignore") + "…"


def _goods_differ(
    said: str | None, shown: str | None, *, may_be_left_out: bool, may_be_withheld: bool
) -> bool:
    if said is None:
        return shown is not None and not may_be_left_out
    if shown is None:
        return not may_be_withheld
    return said != shown


def _kind(payload: Members) -> DocumentKind:
    kinds = [kind for kind in DocumentKind if kind in payload.texts("type")]
    if len(kinds) != 1:
        raise payload.malformed("type", "names no kind of certificate", reason="kind")
    return kinds[0]


def _conclusion(members: Members) -> Conclusion:
    try:
        return Conclusion(members.text("conclusion"))
    except ValueError as error:
        message = "is no conclusion of the format"
        raise members.malformed("conclusion", message, reason="conclusion") from error


def _status_entry(status: Members, body: bytes) -> StatusEntry:
    owner, list_number = parse_status_list_urn(status.text("statusListCredential"))
    if owner != body:
        message = "belongs to another body"
        raise status.malformed("statusListCredential", message, reason="status")
    index = status.text("statusListIndex")
    if not (index.isascii() and index.isdecimal()):
        raise status.malformed("statusListIndex", "must be a decimal number", reason="status")
    return StatusEntry(list_number=list_number, index=int(index))


def _goods(subject: Members) -> dict[str, str]:
    if "consignment" not in subject.value:
        return {}
    consignment = subject.child("consignment")
    goods = {}
    for field in GOODS_FIELDS:
        text = _goods_text(consignment, field.name)
        if text is not None:
            goods[field.name] = shorten(text, longest=field.longest)
    return goods


def _goods_text(consignment: Members, name: str) -> str | None:
    outer, _, inner = name.partition(".")
    value = consignment.value.get(outer)
    if isinstance(value, dict):
        # A description: English first, else the language whose code comes first.
        inner = inner or ("en" if "en" in value else min(value, default=""))
        value = value.get(inner)
    if value is not None and not isinstance(value, str):
        raise consignment.malformed(name, "must be text", reason="type")
    return value


def _time(payload: Members, name: str) -> int:
    return parse_utc(payload.text(name), what=payload.path(name))

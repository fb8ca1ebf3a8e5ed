"""What an offline code says about a certificate: the normative field map and its comparison.

`summary_of` is the one source of truth (docs/evidence-format-tree.md, "Summary"): a summary is
issued from it, and a summary beside its certificate is compared with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from verifier.core.conclusions import Conclusion
from verifier.core.credential import ResultStub
from verifier.core.field_policy import DocumentKind
from verifier.core.ids import StatusEntry
from verifier.core.strict_json import JsonValue
from verifier.core.views import ResolvedCertificate

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
        claimed_issue: First second that the claimed date of issue can mean, Unix seconds.
        destination: ISO 3166-1 code of the country for whose view the summary was made; None for
            the full certificate.
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
    certificate: ResolvedCertificate, *, issued_at: int, destination: str | None = None
) -> SummaryClaims:
    """Derive the summary of a certificate from one of its views.

    Args:
        certificate: The view. A field of the goods that it withholds is not in the summary.
        issued_at: When the summary is made, Unix seconds.
        destination: ISO 3166-1 code of the view's destination, None for the full certificate.
    """
    credential = certificate.parsed.credential
    texts = {field.name: _goods_text(certificate.fields, field.name) for field in GOODS_FIELDS}
    return SummaryClaims(
        issued_at=issued_at,
        kind=credential.kind,
        number=credential.number,
        party=credential.party,
        body=credential.body,
        certificate=certificate.parsed.leaf,
        certificate_issued_at=credential.issued_at,
        status=credential.status,
        conclusion=credential.conclusion,
        valid_until=credential.valid_until,
        claimed_issue=credential.valid_from,
        destination=destination,
        goods={
            field.name: shorten(text, longest=field.longest)
            for field in GOODS_FIELDS
            if (text := texts[field.name]) is not None
        },
        results=credential.results,
        demonstration=credential.demonstration,
    )


def summary_differences(claims: SummaryClaims, certificate: ResolvedCertificate) -> tuple[str, ...]:
    """Name the fields in which a summary differs from the certificate beside it.

    A field that the view beside it withholds cannot be compared and is no difference; nor is one
    that a summary made for a destination leaves out.

    Args:
        claims: The summary.
        certificate: A view; it need not be the one that the summary was made from.

    Returns:
        Names of fields of `SummaryClaims`, those of the goods as "goods.<name>"; empty when the
        summary is one of this certificate.
    """
    expected = summary_of(certificate, issued_at=claims.issued_at, destination=claims.destination)
    plain = [
        field.name
        for field in fields(SummaryClaims)
        if field.name != "goods" and getattr(claims, field.name) != getattr(expected, field.name)
    ]
    goods = [
        f"goods.{field.name}"
        for field in GOODS_FIELDS
        if _goods_differ(
            claims.goods.get(field.name),
            expected.goods.get(field.name),
            may_be_left_out=claims.destination is not None,
            may_be_withheld=_may_be_withheld(certificate, field.name),
        )
    ]
    return (*plain, *goods)


def shorten(text: str, *, longest: int) -> str:
    """Cut a text to at most `longest` bytes of UTF-8; a cut text ends in "…".

    The cut is made between characters, after as many as fit before the ellipsis.
    """
    data = text.encode("utf-8")
    if len(data) <= longest:
        return text
    room = longest - len("…".encode())
    return data[:room].decode("utf-8", "ignore") + "…"


def _goods_differ(
    said: str | None, shown: str | None, *, may_be_left_out: bool, may_be_withheld: bool
) -> bool:
    if said is None:
        return shown is not None and not may_be_left_out
    if shown is None:
        return not may_be_withheld
    return said != shown


def _goods_text(disclosed: Mapping[str, JsonValue], name: str) -> str | None:
    field, _, member = name.partition(".")
    value = disclosed.get(f"consignment.{field}")
    if isinstance(value, dict):
        # A description: English first, else the language whose code comes first.
        value = value.get(member or ("en" if "en" in value else min(value, default="")))
    return value if isinstance(value, str) else None


def _may_be_withheld(certificate: ResolvedCertificate, name: str) -> bool:
    path = f"consignment.{name.partition('.')[0]}"
    return certificate.contents is None or path in certificate.contents

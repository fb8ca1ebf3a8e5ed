"""From parsed evidence to the claims that checks judge."""

from __future__ import annotations

from typing import Final

from verifier.checks.evidence import (
    Claims,
    Document,
    Form,
    Goods,
    Release,
    ResultClaim,
    SignedToken,
    TestDates,
    View,
)
from verifier.checks.facts import KeyPurpose
from verifier.core.field_policy import DocumentKind
from verifier.core.moments import Moment, parse_moment
from verifier.core.offline_code import Summary
from verifier.core.payload_shapes import NO_CO_SIGNATURE
from verifier.core.release import ReleaseStatement, release_mismatch
from verifier.core.views import ResolvedCertificate

_PURPOSES: Final = {
    DocumentKind.TEST_CERTIFICATE: KeyPurpose.CERTIFICATE,
    DocumentKind.INSPECTION_RECORD: KeyPurpose.RECORD,
}
_ACTIVITY: Final = {
    DocumentKind.TEST_CERTIFICATE: ("dates.tested_from", "dates.tested_to"),
    DocumentKind.INSPECTION_RECORD: ("dates.started", "dates.ended"),
}
_HS_CODE: Final = "consignment.hs_code"
_DESCRIPTION: Final = "consignment.description"
_QUANTITY: Final = "consignment.net_mass"
_SUMMARY_QUANTITY: Final = "net_mass.value"

_DAY_SECONDS: Final = 24 * 3600
_DAY_AND_WEST: Final = 36 * 3600  # a date's last second anywhere, counted from its midnight in UTC


def present_certificate(
    certificate: ResolvedCertificate,
    *,
    form: Form,
    release: ReleaseStatement | None = None,
    differences: tuple[str, ...] = (),
) -> Document:
    """Return a certificate or a view of one as the checks take it.

    Args:
        certificate: With its disclosures in place.
        form: Whether a holder showed it or a registry served it without disclosures.
        release: The release statement that came along, if any.
        differences: Members in which a code beside it differs from it.
    """
    credential = certificate.parsed.credential
    jws = certificate.parsed.jws
    return Document(
        token=SignedToken(
            purpose=_PURPOSES[credential.kind],
            party=credential.party,
            body=credential.body,
            did=credential.did,
            thumbprint=jws.thumbprint,
            issued_at=credential.issued_at,
            leaf=certificate.parsed.leaf,
            signed_by=jws.signed_by,
        ),
        claims=Claims(
            form=form,
            kind=credential.kind,
            certificate_leaf=certificate.parsed.leaf,
            claimed_issue=credential.claimed,
            valid_until=credential.valid_until,
            status_list=credential.status.list_number,
            status_index=credential.status.index,
            demonstration=credential.demonstration,
            results=_results(certificate),
            dates=_dates(certificate),
            goods=_goods(certificate),
            has_quantity=not _known_absent(certificate, _QUANTITY),
            co_signed=credential.co_signature != NO_CO_SIGNATURE,
        ),
        view=View(
            listed=certificate.contents is not None,
            withheld=certificate.withheld,
            release=None if release is None else _release(release, certificate),
        ),
        differences=differences,
        payload=jws.payload,
    )


def present_summary(summary: Summary, *, differences: tuple[str, ...] = ()) -> Document:
    """Return an offline code without its certificate as the checks take it.

    Args:
        summary: The summary.
        differences: Members in which another code beside it differs from it.
    """
    claims = summary.claims
    return Document(
        token=SignedToken(
            purpose=KeyPurpose.SUMMARY,
            party=claims.party,
            body=claims.body,
            did=None,
            thumbprint=summary.thumbprint,
            issued_at=claims.issued_at,
            leaf=summary.leaf(),
            signed_by=summary.verify,
        ),
        claims=Claims(
            form=Form.SUMMARY,
            kind=claims.kind,
            certificate_leaf=claims.certificate,
            claimed_issue=Moment(claims.claimed_issue, claims.claimed_issue),
            valid_until=claims.valid_until,
            status_list=claims.status.list_number,
            status_index=claims.status.index,
            demonstration=claims.demonstration,
            results=tuple(
                ResultClaim(
                    ordinal=stub.ordinal,
                    conclusion=stub.conclusion.value,
                    accredited=stub.accredited,
                    detail=None,
                )
                for stub in claims.results
            ),
            dates=None,
            goods=Goods(hs_code=claims.goods.get("hs_code"), descriptions=(), stated=False),
            # A summary made for a destination may leave the quantity out.
            has_quantity=_SUMMARY_QUANTITY in claims.goods or claims.destination is not None,
        ),
        view=None,
        differences=differences,
    )


def _release(statement: ReleaseStatement, certificate: ResolvedCertificate) -> Release:
    claims = statement.claims
    return Release(
        token=SignedToken(
            purpose=KeyPurpose.STATEMENT,
            party=claims.party,
            body=claims.body,
            did=None,
            thumbprint=statement.jws.thumbprint,
            issued_at=claims.issued_at,
            leaf=statement.leaf,
            signed_by=statement.jws.signed_by,
        ),
        claims=claims,
        mismatch=release_mismatch(claims, certificate),
    )


def _results(certificate: ResolvedCertificate) -> tuple[ResultClaim, ...]:
    claims = []
    for stub in certificate.parsed.credential.results:
        detail = certificate.fields.get(f"results.{stub.ordinal}.detail")
        claims.append(
            ResultClaim(
                ordinal=stub.ordinal,
                conclusion=stub.conclusion.value,
                accredited=stub.accredited,
                detail=detail if isinstance(detail, dict) else None,
            )
        )
    return tuple(claims)


def _dates(certificate: ResolvedCertificate) -> TestDates | None:
    """Return when the activity took place, None unless beginning and end are shown."""
    spans = []
    for path in _ACTIVITY[certificate.parsed.credential.kind]:
        stated = certificate.fields.get(path)
        if not isinstance(stated, str):
            return None
        spans.append(_span(parse_moment(stated, what=path)))
    # A document that ends before it begins was active in between all the same.
    return TestDates(start=min(first for first, _ in spans), end=max(last for _, last in spans))


def _span(moment: Moment) -> tuple[int, int]:
    """Return the half-open interval of a stated moment; a date is that day in UTC.

    Days of tests are compared with days of scopes; the middle of all that a date can mean keeps
    that comparison exact.
    """
    if moment.earliest == moment.latest:
        return moment.earliest, moment.earliest + 1
    midnight = moment.latest - _DAY_AND_WEST
    return midnight, midnight + _DAY_SECONDS


def _goods(certificate: ResolvedCertificate) -> Goods:
    hs_code = certificate.fields.get(_HS_CODE)
    names = certificate.fields.get(_DESCRIPTION)
    return Goods(
        hs_code=hs_code if isinstance(hs_code, str) else None,
        descriptions=tuple(map(str, names.values())) if isinstance(names, dict) else (),
        stated=all(
            path in certificate.fields or _known_absent(certificate, path)
            for path in (_HS_CODE, _DESCRIPTION)
        ),
    )


def _known_absent(certificate: ResolvedCertificate, path: str) -> bool:
    """Tell whether it is certain that the document does not have a field."""
    if path in certificate.fields:
        return False
    if certificate.contents is not None:
        return path not in certificate.contents
    return certificate.open_digests.get(path.rpartition(".")[0], 0) == 0

"""Handing certificates out: the token of a view, its receipt and the texts of its codes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.anchoring.proofs import find_proof
from registry.anchoring.trees import TreeShelf
from registry.audit.service import body_tenant, record
from registry.certificates import receipts
from registry.certificates.errors import ContentErasedError, WrongStateError
from registry.certificates.models import (
    IssuedTokenRow,
    ReleaseStatementRow,
    SummaryRow,
)
from registry.certificates.service import get_certificates
from registry.certificates.signed_contents import read_content, summary_entry_of
from registry.kit.actor import Actor
from verifier.core.certificate import join_compact, parse_certificate
from verifier.core.encoding import b64u
from verifier.core.link_code import encode_link_code
from verifier.core.offline_code import Summary, parse_payload
from verifier.core.receipt import build_receipt
from verifier.core.strict_json import parse_json
from verifier.core.views import ResolvedCertificate, make_view, resolve_certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Everything that a holder of one view receives.

    Attributes:
        certificate_id: Id of the certificate.
        number: Its human number.
        destination: Party id for which the view was made, None for the whole certificate.
        certificate: The view, resolved.
        compact: Content of the `*.sdjwt` file.
        release: The release statement of the view, None for the whole certificate.
        receipt: Content of the `*.receipt.json` file.
        link_code: Text of the link code.
        offline_code: Text of the offline code, without proof while its batch is not sealed.
        sealed: Whether every proof is in place; nothing is printed before that.
    """

    certificate_id: str
    number: str
    destination: str | None
    certificate: ResolvedCertificate
    compact: str
    release: str | None
    receipt: bytes
    link_code: str
    offline_code: str
    sealed: bool

    @property
    def stem(self) -> str:
        """Name for the holder's files without ending: number, later revision, destination.

        Only letters, digits, dots and hyphens, so that no number can name a path.
        """
        number = "".join(c if c.isalnum() or c in ".-" else "-" for c in self.number)
        parts = [number.strip(".-") or self.certificate_id]
        revision = self.certificate.parsed.credential.revision
        if revision > 1:
            parts.append(f"r{revision}")
        if self.destination is not None:
            parts.append(self.destination)
        return ".".join(parts)


def note_delivery(session: Session, delivery: Delivery, *, actor: Actor, at: datetime) -> None:
    """Record that a view was handed out; `deliver` only reads."""
    record(
        session,
        "certificate.deliver",
        actor=actor,
        object_=f"certificate:{delivery.certificate_id}",
        tenant=body_tenant(delivery.certificate.parsed.credential.body),
        at=at,
        details={"destination": delivery.destination},
    )


def deliver(
    session: Session,
    certificate_id: str,
    *,
    trees: TreeShelf,
    verifier_host: str,
    release_leaf: bytes | None = None,
) -> Delivery:
    """Return what the holder of a view receives.

    Args:
        session: A reading transaction.
        certificate_id: A signed certificate.
        trees: The stored trees.
        verifier_host: Host that the codes show.
        release_leaf: Leaf of the release statement of a view; None for the whole certificate.

    Raises:
        CertificateNotFoundError: There is no such certificate.
        WrongStateError: It is not signed yet.
        ContentErasedError: Its disclosures were erased.
    """
    issued, whole = whole_certificate(session, certificate_id)
    release = None
    if release_leaf is not None:
        release = session.get_one(ReleaseStatementRow, release_leaf)
    view = whole if release is None else _view_of(whole, release)
    compact = join_compact(whole.parsed.jws.text, view.parsed.disclosures)
    summary = _summary_of(session, certificate_id, release_leaf)
    co_signature = receipts.co_signature_of(session, certificate_id)
    others = [each.leaf for each in (co_signature, release) if each is not None]
    leaves = [issued.leaf, summary.leaf(), *others]
    proofs = {leaf: find_proof(session, leaf, trees=trees) for leaf in leaves}
    receipt = receipts.assemble(
        session,
        issued,
        proofs=[proof for proof in proofs.values() if proof is not None],
        token=compact,
        co_signature=co_signature,
        keys=[summary.thumbprint, *([] if release is None else [release.key_thumbprint])],
        release=None if release is None else release.token,
    )
    if (proof := proofs[summary.leaf()]) is not None:
        subtree = proof.subtree
        summary = summary.with_proof(subtree.index, subtree.leaves, subtree.path)
    credential = view.parsed.credential
    return Delivery(
        certificate_id=certificate_id,
        number=credential.number,
        destination=None if release is None else release.destination,
        certificate=view,
        compact=compact,
        release=None if release is None else release.token,
        receipt=build_receipt(receipt),
        link_code=encode_link_code(
            verifier_host, certificate_id=credential.credential_id, leaf=issued.leaf
        ),
        offline_code=summary.encode_offline_code(verifier_host),
        sealed=None not in proofs.values(),
    )


def whole_certificate(
    session: Session, certificate_id: str
) -> tuple[IssuedTokenRow, ResolvedCertificate]:
    """Return the stored token of a certificate with every disclosure in place.

    Raises:
        CertificateNotFoundError: There is no such certificate.
        WrongStateError: It is not signed yet.
        ContentErasedError: Its disclosures were erased.
    """
    [row] = get_certificates(session, [certificate_id])
    issued = session.get(IssuedTokenRow, certificate_id)
    if issued is None:
        raise WrongStateError(f"{row.number} is {row.state}, only signed ones are delivered")
    content = read_content(session, certificate_id)
    if content is None:
        raise ContentErasedError(f"the content of {row.number} was erased")
    return issued, resolve_certificate(parse_certificate(content.compact))


def _view_of(whole: ResolvedCertificate, release: ReleaseStatementRow) -> ResolvedCertificate:
    withheld = parse_json(release.withheld, what="withheld paths")
    paths = [str(path) for path in withheld] if isinstance(withheld, list) else []
    return resolve_certificate(parse_certificate(make_view(whole, paths).compact))


def _summary_of(session: Session, certificate_id: str, release_leaf: bytes | None) -> Summary:
    if release_leaf is None:
        return parse_payload(b64u(summary_entry_of(session, certificate_id)))
    statement = select(SummaryRow.entry).where(
        SummaryRow.certificate_id == certificate_id, SummaryRow.release_leaf == release_leaf
    )
    return parse_payload(b64u(session.scalars(statement).one()))

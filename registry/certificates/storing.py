"""Storing what was signed and read back, with its leaves, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from registry.anchoring.domain import LeafKind
from registry.anchoring.queue import NewLeaf, enqueue_many
from registry.audit.service import body_tenant, record
from registry.certificates import repository
from registry.certificates.domain import State
from registry.certificates.errors import WrongStateError
from registry.certificates.models import (
    ApprovalRow,
    CertificateRow,
    CoSignatureRow,
    DisclosuresRow,
    IssuedTokenRow,
    SummaryRow,
)
from registry.certificates.packing import Known, NotPackableError, SignedContent, pack_prepared
from registry.certificates.packing_dictionaries import newest
from registry.certificates.service import get_outlines
from registry.certificates.signed_contents import PACKED
from registry.certificates.status_orders import order_superseded
from registry.kit.actor import Actor
from registry.kit.bulk_insert import insert_rows
from verifier.core.certificate import IssuedCertificate, IssuerInfo
from verifier.core.cosignature import CoSignature
from verifier.core.field_policy import DocumentKind
from verifier.core.ids import StatusEntry
from verifier.core.keys import PublicKey
from verifier.core.offline_code import Summary
from verifier.core.strict_json import JsonValue
from verifier.core.subject_template import SubjectTemplate

_LEAF_KINDS: Final[Mapping[DocumentKind, LeafKind]] = {
    DocumentKind.TEST_CERTIFICATE: LeafKind.CERTIFICATE,
    DocumentKind.INSPECTION_RECORD: LeafKind.RECORD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate that was signed and stored, and whose leaves are queued."""

    certificate_id: str
    number: str
    revision: int
    leaf: bytes
    summary_leaf: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One certificate to be signed, with everything that the signing needs."""

    row: CertificateRow
    approval: ApprovalRow
    issuer: IssuerInfo
    status: StatusEntry
    key: PublicKey
    summary_key: PublicKey
    co_key: PublicKey | None

    @property
    def approver(self) -> Actor:
        """Who approved it; the signature is his."""
        return Actor(self.approval.approver, key=self.approval.approver_person)


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What a certificate was made from, so that its record need not find it out again.

    Attributes:
        seed: What its salts were expanded from.
        template: Its subject.
        payload: Its payload with marks in the place of digests.
    """

    seed: bytes
    template: SubjectTemplate
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """One certificate with everything that was signed for it, already read back.

    Attributes:
        order: What was asked for.
        making: What it was made from.
        token: The certificate.
        summary: What its offline code will say.
        co_signature: The co-signature, None without one.
        body_alias: How the approved document names its body.
        at: When it was signed.
    """

    order: Order
    making: Making
    token: IssuedCertificate
    summary: Summary
    co_signature: CoSignature | None
    body_alias: str
    at: datetime

    @property
    def certificate_id(self) -> str:
        """Id of the certificate."""
        return self.order.row.id

    def packed(self) -> bytes | None:
        """Return the packed record, None where the certificate has to be kept as it is."""
        content = SignedContent(
            jwt=self.token.jwt,
            disclosures=self.token.disclosures,
            body_alias=self.body_alias,
            summary=self.summary.message,
        )
        row = self.order.row
        known = Known(certificate_id=row.id, body=row.body_id, key=self.order.key.thumbprint())
        try:
            return pack_prepared(
                content,
                known,
                dictionary=newest(),
                seed=self.making.seed,
                payload=self.making.payload,
                members=self.making.template.members,
                padding=self.making.template.decoys,
            )
        except NotPackableError:
            return None

    def leaves(self) -> list[NewLeaf]:
        """Return the leaves in the order in which they are sealed."""
        token, co_signature, summary = self.token, self.co_signature, self.summary
        kind = _LEAF_KINDS[self.order.row.kind]
        entries = [(token.leaf, kind, token.jwt.encode("ascii"))]
        if co_signature is not None:
            entry = co_signature.text.encode("ascii")
            entries.append((co_signature.leaf, LeafKind.CO_SIGNATURE, entry))
        entries.append((summary.leaf(), LeafKind.SUMMARY, summary.entry()))
        return [
            NewLeaf(leaf=leaf, kind=kind, entry=entry, certificate_id=self.certificate_id)
            for leaf, kind, entry in entries
        ]


def store(session: Session, signed: Sequence[Signed]) -> list[Issued]:
    """Store tokens and summaries and queue their leaves, in the caller's transaction.

    Raises:
        WrongStateError: One of the certificates was signed by somebody else meanwhile.
    """
    identifiers = [item.certificate_id for item in signed]
    rows = get_outlines(session, identifiers, for_update=True)
    if any(row.state is not State.APPROVED for row in rows):
        raise WrongStateError("one of the certificates was signed by somebody else meanwhile")
    records = {item.certificate_id: item.packed() for item in signed}
    _insert(session, signed, records)
    for is_packed, document in ((True, PACKED), (False, None)):
        part = [each for each in identifiers if (records[each] is not None) is is_packed]
        repository.set_state(
            session, part, before=State.APPROVED, after=State.SIGNED, document=document
        )
    for at in {item.at for item in signed}:
        leaves = [leaf for item in signed if item.at == at for leaf in item.leaves()]
        enqueue_many(session, leaves, at=at)
    for item in signed:
        _record(session, item)
    return [
        Issued(
            certificate_id=item.certificate_id,
            number=item.order.row.number,
            revision=item.order.row.revision,
            leaf=item.token.leaf,
            summary_leaf=item.summary.leaf(),
        )
        for item in signed
    ]


def _insert(
    session: Session, signed: Sequence[Signed], records: Mapping[str, bytes | None]
) -> None:
    """Insert what was signed, packed where there is a record for it."""
    plain = [item for item in signed if records[item.certificate_id] is None]
    kept_plain = {item.certificate_id for item in plain}
    tokens = [
        {
            "certificate_id": item.certificate_id,
            "jwt": item.token.jwt if item.certificate_id in kept_plain else PACKED,
            "leaf": item.token.leaf,
            "key_thumbprint": item.order.key.thumbprint(),
            "issued_at": item.at,
        }
        for item in signed
    ]
    disclosures = [
        {
            "certificate_id": item.certificate_id,
            "disclosures": "~".join(item.token.disclosures)
            if item.certificate_id in kept_plain
            else PACKED,
            "packed": records[item.certificate_id],
        }
        for item in signed
    ]
    co_signatures = [
        {
            "certificate_id": item.certificate_id,
            "token": item.co_signature.text,
            "leaf": item.co_signature.leaf,
            "key_thumbprint": item.co_signature.thumbprint,
            "issued_at": item.at,
        }
        for item in signed
        if item.co_signature is not None
    ]
    summaries = [
        {
            "leaf": item.summary.leaf(),
            "certificate_id": item.certificate_id,
            "release_leaf": None,
            "entry": item.summary.entry(),
            "key_thumbprint": item.order.summary_key.thumbprint(),
            "issued_at": item.at,
        }
        for item in plain
    ]
    insert_rows(session, IssuedTokenRow, tokens)
    insert_rows(session, DisclosuresRow, disclosures)
    insert_rows(session, CoSignatureRow, co_signatures)
    insert_rows(session, SummaryRow, summaries)


def _record(session: Session, item: Signed) -> None:
    leaves: dict[str, JsonValue] = {
        "leaf": item.token.leaf.hex(),
        "summary": item.summary.leaf().hex(),
    }
    if item.co_signature is not None:
        leaves["co_signature"] = item.co_signature.leaf.hex()
    approver = item.order.approver
    record(
        session,
        "certificate.sign",
        actor=approver,
        object_=f"certificate:{item.certificate_id}",
        tenant=body_tenant(item.order.row.body_id),
        at=item.at,
        details=leaves,
    )
    replaced = item.order.row.replaces_id
    if replaced is not None:
        order_superseded(session, replaced, actor=approver, at=item.at)

"""Signing approved certificates: reserve, sign, read back, store with the leaves.

The signer is never waited for inside a transaction. A crash between two steps loses nothing: the
reserved status position waits for the next attempt, and an unsigned or unstored token was never
delivered.
"""

from __future__ import annotations

import os
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from registry.anchoring.domain import LeafKind
from registry.anchoring.queue import enqueue
from registry.audit.service import body_tenant, record
from registry.bodies.domain import Body, BodyKey
from registry.bodies.service import co_signing_key, get_body, signing_key
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
from registry.certificates.positions import Choose, reserve_positions
from registry.certificates.reverification import (
    Expected,
    reverify_certificate,
    reverify_co_signature,
    reverify_summary,
)
from registry.certificates.service import get_certificates
from registry.certificates.status_orders import order_superseded
from registry.kit.actor import Actor
from registry.kit.clock import Clock, system_clock
from registry.kit.database import Database
from registry.signing.client import SignerClient
from registry.signing.description import SigningContext
from registry.signing.reading_back import needed_sm2
from verifier.checks.facts import KeyPurpose
from verifier.core.certificate import IssuedCertificate, IssuerInfo, issue_certificate
from verifier.core.cosignature import CoSignature, co_sign
from verifier.core.document import Document, parse_document
from verifier.core.encoding import b64u
from verifier.core.field_policy import DocumentKind
from verifier.core.ids import StatusEntry
from verifier.core.keys import PublicKey
from verifier.core.offline_code import Summary, issue_summary
from verifier.core.payload_shapes import NO_CO_SIGNATURE
from verifier.core.strict_json import JsonValue, parse_json_object
from verifier.core.summary import summary_of

PORTION: Final = 100  # certificates stored in one transaction: seconds of signing, lost by a crash

_PURPOSES: Final[Mapping[DocumentKind, KeyPurpose]] = {
    DocumentKind.TEST_CERTIFICATE: KeyPurpose.CERTIFICATE,
    DocumentKind.INSPECTION_RECORD: KeyPurpose.RECORD,
}
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
class _Order:
    """One certificate to be signed, with everything that the signing needs."""

    row: CertificateRow
    approval: ApprovalRow
    body: Body
    status: StatusEntry
    key: PublicKey
    summary_key: PublicKey
    co_key: PublicKey | None

    @property
    def approver(self) -> Actor:
        """Who approved it; the signature is his."""
        return Actor(self.approval.approver, key=self.approval.approver_person)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signed:
    order: _Order
    token: IssuedCertificate
    summary: Summary
    co_signature: CoSignature | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Issues approved certificates.

    Attributes:
        database: Where they are stored.
        signer: Holder of the keys.
        clock: Time of signing.
        random: Source of salts; takes a number of bytes.
        choose: Source of status positions.
    """

    database: Database
    signer: SignerClient
    clock: Clock = field(default=system_clock)
    random: Callable[[int], bytes] = field(default=os.urandom)
    choose: Choose = field(default=secrets.randbelow)

    def issue(self, identifiers: Sequence[str]) -> list[Issued]:
        """Sign a portion of approved certificates; all are stored or none.

        Args:
            identifiers: At most `PORTION` ids.

        Raises:
            CertificateNotFoundError: One of them does not exist.
            WrongStateError: One of them is not approved, or was signed by somebody else meanwhile.
            NoSigningKeyError: A body has no key on chain for this kind of document.
            SigningRefusedError: The signer refuses.
            SignerUnavailableError: The signer does not answer, or a co-signature that a body makes
                cannot be read back on this machine.
            DeliveryMismatchError: What would be delivered is not what was approved.
        """
        if len(identifiers) > PORTION:
            raise ValueError(f"at most {PORTION} certificates at once")
        with self.database.begin() as session:
            orders = self._prepare(session, identifiers)
        signed = [self._sign(order) for order in orders]
        with self.database.begin() as session:
            return _store(session, signed)

    def _prepare(self, session: Session, identifiers: Sequence[str]) -> list[_Order]:
        rows = get_certificates(session, identifiers, for_update=True)
        for row in rows:
            if row.state is not State.APPROVED:
                raise WrongStateError(f"{row.number} is {row.state}, only approved ones are signed")
        approvals = repository.approvals_of(session, identifiers)
        by_body: defaultdict[bytes, list[str]] = defaultdict(list)
        for row in rows:
            by_body[row.body_id].append(row.id)
        bodies = {body: get_body(session, body).body for body in by_body}
        positions: dict[str, StatusEntry] = {}
        for body, ids in by_body.items():
            positions |= reserve_positions(session, body, ids, choose=self.choose)
        keys = _Keys(session, self.clock())
        return [
            _Order(
                row=row,
                approval=approvals[row.id],
                body=bodies[row.body_id],
                status=positions[row.id],
                key=keys.get(row.body_id, _PURPOSES[row.kind]).public_key,
                summary_key=keys.get(row.body_id, KeyPurpose.SUMMARY).public_key,
                co_key=keys.co_key(row.body_id, _PURPOSES[row.kind]),
            )
            for row in rows
        ]

    def _sign(self, order: _Order) -> _Signed:
        at = self.clock().replace(microsecond=0)
        document = parse_document(parse_json_object(order.row.document, what="stored document"))
        expected = _expected(order, document, issued_at=int(at.timestamp()))
        people = SigningContext(
            maker=order.approval.maker_person, approver=order.approval.approver_person
        )
        token = issue_certificate(
            document,
            issuer=expected.issuer,
            status=expected.status,
            credential_id=expected.credential_id,
            issued_at=expected.issued_at,
            salts=self.random(document.template.salt_bytes),
            signer=self.signer.signer(order.key, people),
            co_signature=order.co_key.algorithm if order.co_key else NO_CO_SIGNATURE,
        )
        resolved = reverify_certificate(token.compact, token.leaf, expected)
        claims = summary_of(resolved, issued_at=expected.issued_at)
        summary = issue_summary(claims, self.signer.signer(order.summary_key))
        reverify_summary(b64u(summary.entry()), summary.leaf(), of=resolved, key=order.summary_key)
        co_signature = None
        if order.co_key is not None:
            sm2 = needed_sm2()
            co_signature = co_sign(token.jwt, self.signer.signer(order.co_key, people))
            reverify_co_signature(co_signature.text, of=resolved, key=order.co_key, sm2=sm2)
        return _Signed(order=order, token=token, summary=summary, co_signature=co_signature, at=at)


class _Keys:
    """Looks every signing key up once."""

    def __init__(self, session: Session, at: datetime) -> None:
        self._session = session
        self._at = at
        self._found: dict[tuple[bytes, KeyPurpose], BodyKey] = {}
        self._co_keys: dict[tuple[bytes, KeyPurpose], PublicKey | None] = {}

    def get(self, body: bytes, purpose: KeyPurpose) -> BodyKey:
        if (body, purpose) not in self._found:
            key = signing_key(self._session, body, purpose, at=self._at)
            self._found[body, purpose] = key
        return self._found[body, purpose]

    def co_key(self, body: bytes, purpose: KeyPurpose) -> PublicKey | None:
        if (body, purpose) not in self._co_keys:
            key = co_signing_key(self._session, body, purpose, at=self._at)
            self._co_keys[body, purpose] = None if key is None else key.public_key
        return self._co_keys[body, purpose]


def issuer_info(body: Body) -> IssuerInfo:
    """Return how tokens name a body: its English name, else the one whose language comes first."""
    name = body.name.get("en") or body.name[min(body.name)]
    return IssuerInfo(party=body.party, did=body.did, name=name)


def _expected(order: _Order, document: Document, *, issued_at: int) -> Expected:
    return Expected(
        document=order.row.document.encode(),
        body_alias=document.body,
        issuer=issuer_info(order.body),
        status=order.status,
        credential_id=f"urn:uuid:{order.row.id}",
        issued_at=issued_at,
        key=order.key,
    )


def _store(session: Session, signed: Sequence[_Signed]) -> list[Issued]:
    """Store tokens and summaries and queue their leaves, in the caller's transaction."""
    identifiers = [item.order.row.id for item in signed]
    get_certificates(session, identifiers, for_update=True)
    for item in signed:
        _store_one(session, item)
    session.flush()
    moved = repository.set_state(session, identifiers, before=State.APPROVED, after=State.SIGNED)
    if moved != len(identifiers):
        raise WrongStateError("one of the certificates was signed by somebody else meanwhile")
    for item in signed:
        _queue_leaves(session, item)
        record(
            session,
            "certificate.sign",
            actor=item.order.approver,
            object_=f"certificate:{item.order.row.id}",
            tenant=body_tenant(item.order.row.body_id),
            at=item.at,
            details=_leaves(item),
        )
        if item.order.row.replaces_id is not None:
            order_superseded(
                session,
                item.order.row.replaces_id,
                actor=item.order.approver,
                at=item.at,
            )
    return [
        Issued(
            certificate_id=item.order.row.id,
            number=item.order.row.number,
            revision=item.order.row.revision,
            leaf=item.token.leaf,
            summary_leaf=item.summary.leaf(),
        )
        for item in signed
    ]


def _leaves(item: _Signed) -> dict[str, JsonValue]:
    """Return every leaf of a certificate by name, for the audit trail."""
    leaves: dict[str, JsonValue] = {
        "leaf": item.token.leaf.hex(),
        "summary": item.summary.leaf().hex(),
    }
    if item.co_signature is not None:
        leaves["co_signature"] = item.co_signature.leaf.hex()
    return leaves


def _store_one(session: Session, item: _Signed) -> None:
    identifier = item.order.row.id
    session.add(
        IssuedTokenRow(
            certificate_id=identifier,
            jwt=item.token.jwt,
            leaf=item.token.leaf,
            key_thumbprint=item.order.key.thumbprint(),
            issued_at=item.at,
        )
    )
    session.flush()  # no relationship tells the session which row must come first
    session.add(
        DisclosuresRow(certificate_id=identifier, disclosures="~".join(item.token.disclosures))
    )
    if (co_signature := item.co_signature) is not None:
        session.add(
            CoSignatureRow(
                certificate_id=identifier,
                token=co_signature.text,
                leaf=co_signature.leaf,
                key_thumbprint=co_signature.thumbprint,
                issued_at=item.at,
            )
        )
    session.add(
        SummaryRow(
            leaf=item.summary.leaf(),
            certificate_id=identifier,
            release_leaf=None,
            entry=item.summary.entry(),
            key_thumbprint=item.order.summary_key.thumbprint(),
            issued_at=item.at,
        )
    )


def _queue_leaves(session: Session, item: _Signed) -> None:
    identifier = item.order.row.id
    enqueue(
        session,
        item.token.leaf,
        kind=_LEAF_KINDS[item.order.row.kind],
        entry=item.token.jwt.encode("ascii"),
        certificate_id=identifier,
        clock=lambda: item.at,
    )
    if item.co_signature is not None:
        enqueue(
            session,
            item.co_signature.leaf,
            kind=LeafKind.CO_SIGNATURE,
            entry=item.co_signature.text.encode("ascii"),
            certificate_id=identifier,
            clock=lambda: item.at,
        )
    enqueue(
        session,
        item.summary.leaf(),
        kind=LeafKind.SUMMARY,
        entry=item.summary.entry(),
        certificate_id=identifier,
        clock=lambda: item.at,
    )

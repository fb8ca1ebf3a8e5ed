"""Signing approved certificates: reserve, sign, read back, store with the leaves.

The signer is never waited for inside a transaction. A crash between two steps loses nothing: the
reserved status position waits for the next attempt, and an unsigned or unstored token was never
delivered. A portion of certificates takes each step together.
"""

from __future__ import annotations

import os
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from registry.bodies.domain import Body, BodyKey
from registry.bodies.service import co_signing_key, get_body, signing_key
from registry.certificates import repository
from registry.certificates.domain import State
from registry.certificates.errors import WrongStateError
from registry.certificates.packing import SEED_BYTES, expand_salts, marks
from registry.certificates.positions import Choose, reserve_positions
from registry.certificates.reverification import (
    Expected,
    reverify_certificate,
    reverify_co_signature,
    reverify_summary,
)
from registry.certificates.service import get_certificates
from registry.certificates.storing import Issued, Making, Order, Signed, store
from registry.kit.clock import Clock, system_clock
from registry.kit.database import Database
from registry.kit.json_bytes import checked_text, read_stored
from registry.signing.client import SignerClient
from registry.signing.description import SigningContext, SigningRequest
from registry.signing.reading_back import needed_sm2
from verifier.checks.facts import KeyPurpose
from verifier.core.certificate import (
    IssuedCertificate,
    IssuerInfo,
    UnsignedCertificate,
    payload_text,
    prepare_certificate,
)
from verifier.core.cosignature import CoSignature, co_sign
from verifier.core.document import accepted_document
from verifier.core.encoding import b64u
from verifier.core.field_policy import DocumentKind
from verifier.core.ids import StatusEntry
from verifier.core.keys import PublicKey
from verifier.core.offline_code import Summary, prepare_summary
from verifier.core.payload_shapes import NO_CO_SIGNATURE
from verifier.core.summary import summary_of
from verifier.core.views import ResolvedCertificate

PORTION: Final = 100  # certificates stored in one transaction: seconds of signing, lost by a crash

_PURPOSES: Final[Mapping[DocumentKind, KeyPurpose]] = {
    DocumentKind.TEST_CERTIFICATE: KeyPurpose.CERTIFICATE,
    DocumentKind.INSPECTION_RECORD: KeyPurpose.RECORD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Issues approved certificates.

    Attributes:
        database: Where they are stored.
        signer: Holder of the keys.
        clock: Time of signing.
        random: Source of the seeds of salts; takes a number of bytes.
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
        signed = self._sign(orders)
        with self.database.begin() as session:
            return store(session, signed)

    def _prepare(self, session: Session, identifiers: Sequence[str]) -> list[Order]:
        rows = get_certificates(session, identifiers, for_update=True)
        for row in rows:
            if row.state is not State.APPROVED:
                raise WrongStateError(f"{row.number} is {row.state}, only approved ones are signed")
        approvals = repository.approvals_of(session, identifiers)
        by_body: defaultdict[bytes, list[str]] = defaultdict(list)
        for row in rows:
            if repository.document_digest(row.document.encode()) != row.document_sha256:
                raise WrongStateError(f"{row.number} is not the document that was approved")
            by_body[row.body_id].append(row.id)
        bodies = {body: get_body(session, body).body for body in by_body}
        issuers = {body: issuer_info(each) for body, each in bodies.items()}
        positions: dict[str, StatusEntry] = {}
        for body, ids in by_body.items():
            positions |= reserve_positions(session, body, ids, choose=self.choose)
        keys = _Keys(session, self.clock())
        return [
            Order(
                row=row,
                approval=approvals[row.id],
                issuer=issuers[row.body_id],
                status=positions[row.id],
                key=keys.get(row.body_id, _PURPOSES[row.kind]).public_key,
                summary_key=keys.get(row.body_id, KeyPurpose.SUMMARY).public_key,
                co_key=keys.co_key(row.body_id, _PURPOSES[row.kind]),
            )
            for row in rows
        ]

    def _sign(self, orders: Sequence[Order]) -> list[Signed]:
        """Sign a portion, first all certificates, then what follows from them."""
        at = self.clock().replace(microsecond=0)
        drafted = [self._draft(order, issued_at=int(at.timestamp())) for order in orders]
        signatures = self.signer.sign_many(
            [
                SigningRequest(order.key.thumbprint(), draft.unsigned.message, _people(order))
                for order, draft in zip(orders, drafted, strict=True)
            ]
        )
        tokens = [
            draft.unsigned.signed(signature)
            for draft, signature in zip(drafted, signatures, strict=True)
        ]
        read_back = [
            reverify_certificate(token.compact, token.leaf, draft.expected)
            for draft, token in zip(drafted, tokens, strict=True)
        ]
        summaries = self._summarise(orders, read_back, issued_at=int(at.timestamp()))
        return [
            Signed(
                order=order,
                making=draft.making,
                token=token,
                summary=summary,
                co_signature=self._co_sign(order, token, resolved),
                body_alias=draft.expected.body_alias,
                at=at,
            )
            for order, draft, token, resolved, summary in zip(
                orders, drafted, tokens, read_back, summaries, strict=True
            )
        ]

    def _draft(self, order: Order, *, issued_at: int) -> _Draft:
        # The digest has told that this is the document that was checked when it came in.
        document = accepted_document(read_stored(order.row.document), write=checked_text)
        credential_id = f"urn:uuid:{order.row.id}"
        seed = self.random(SEED_BYTES)
        template = document.template
        write = partial(
            payload_text,
            document,
            issuer=order.issuer,
            status=order.status,
            credential_id=credential_id,
            issued_at=issued_at,
            co_signature=order.co_key.algorithm if order.co_key else NO_CO_SIGNATURE,
        )
        unsigned = prepare_certificate(
            document,
            write,
            salts=expand_salts(seed, template.salt_bytes),
            algorithm=order.key.algorithm,
            thumbprint=order.key.thumbprint(),
        )
        marked = write(digests=marks(len(template.paths) + template.decoys))
        expected = Expected(
            document=order.row.document.encode(),
            body_alias=document.body,
            issuer=order.issuer,
            status=order.status,
            credential_id=credential_id,
            issued_at=issued_at,
            key=order.key,
        )
        return _Draft(Making(seed=seed, template=template, payload=marked), unsigned, expected)

    def _summarise(
        self,
        orders: Sequence[Order],
        certificates: Sequence[ResolvedCertificate],
        *,
        issued_at: int,
    ) -> list[Summary]:
        unsigned = [
            prepare_summary(
                summary_of(resolved, issued_at=issued_at),
                algorithm=order.summary_key.algorithm,
                thumbprint=order.summary_key.thumbprint(),
            )
            for order, resolved in zip(orders, certificates, strict=True)
        ]
        signatures = self.signer.sign_many(
            [
                SigningRequest(order.summary_key.thumbprint(), each.message, SigningContext())
                for order, each in zip(orders, unsigned, strict=True)
            ]
        )
        summaries = [
            each.signed(signature) for each, signature in zip(unsigned, signatures, strict=True)
        ]
        for order, summary, resolved in zip(orders, summaries, certificates, strict=True):
            reverify_summary(
                b64u(summary.entry()), summary.leaf(), of=resolved, key=order.summary_key
            )
        return summaries

    def _co_sign(
        self, order: Order, token: IssuedCertificate, resolved: ResolvedCertificate
    ) -> CoSignature | None:
        if order.co_key is None:
            return None
        sm2 = needed_sm2()
        co_signature = co_sign(token.jwt, self.signer.signer(order.co_key, _people(order)))
        reverify_co_signature(co_signature.text, of=resolved, key=order.co_key, sm2=sm2)
        return co_signature


@dataclass(frozen=True, slots=True)
class _Draft:
    """A certificate before its signature, and what its reader must find."""

    making: Making
    unsigned: UnsignedCertificate
    expected: Expected


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


def _people(order: Order) -> SigningContext:
    return SigningContext(
        maker=order.approval.maker_person, approver=order.approval.approver_person
    )

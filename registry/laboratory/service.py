"""Every act of a person or machine on certificates: asks for permission, then does it.

Acts take a transaction of the caller, so that an answer can be remembered with its effect. Those
that wait for the signer open their own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from registry.access.domain import Action, Tenant
from registry.access.principal import Principal, require
from registry.anchoring.trees import TreeShelf
from registry.bodies.errors import BodyNotFoundError
from registry.bodies.service import get_body
from registry.certificates import listing, service
from registry.certificates.delivery import Delivery, deliver, note_delivery
from registry.certificates.domain import Draft, State, StatusAct
from registry.certificates.errors import CertificateNotFoundError
from registry.certificates.intake import Intake
from registry.certificates.issuing import PORTION, Issuer
from registry.certificates.listing import Listed, Place, Wanted
from registry.certificates.models import ReleaseStatementRow
from registry.certificates.releasing import Release, Releaser
from registry.certificates.service import ImportOutcome
from registry.certificates.storing import Issued
from registry.kit.chunks import chunks
from registry.kit.clock import Clock, system_clock
from registry.kit.database import Database
from registry.kit.errors import PreconditionFailedError
from registry.kit.identifiers import is_id
from registry.laboratory.errors import SignerNotConfiguredError, ViewNotFoundError
from registry.reviews import service as reviews
from registry.safeguards.orders import order_few
from registry.signing.client import SignerClient
from verifier.checks.facts import RevocationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Laboratory:
    """The acts on certificates of one installation.

    Attributes:
        database: Where they are stored.
        trees: The stored trees, for deliveries.
        verifier_host: Host that codes show.
        signer: Holder of the keys, None where this process reaches none.
        clock: Time of each act.
    """

    database: Database
    trees: TreeShelf
    verifier_host: str
    signer: SignerClient | None = None
    clock: Clock = field(default=system_clock)

    def page(
        self, principal: Principal, wanted: Wanted, *, after: Place | None, limit: int
    ) -> list[Listed]:
        """Return certificates that the principal may read, the newest first."""
        reach = principal.reach(Action.CERTIFICATES_READ)
        with self.database.read() as session:
            return listing.page_of(session, reach, wanted, after=after, limit=limit)

    def find(
        self, session: Session, principal: Principal, identifier: str, action: Action
    ) -> Listed:
        """Return a certificate with which the principal may do something.

        Raises:
            CertificateNotFoundError: There is none, or it is foreign.
            NotPermittedError: He may not do this with it.
        """
        missing = CertificateNotFoundError("there is no such certificate")
        found = listing.find(session, [identifier]) if is_id(identifier) else []
        if not found:
            raise missing
        require(principal, action, found[0].tenant, missing=missing)
        return found[0]

    def check_files(self, principal: Principal, files: Sequence[tuple[str, bytes]]) -> list[Draft]:
        """Return the drafts of files in which nothing is wrong.

        Raises:
            ImportRefusedError: With every problem of every file.
            BodyNotFoundError: A document is that of a foreign body.
            NotPermittedError: The principal makes no drafts for a body.
        """
        drafts = Intake(database=self.database, maker=principal.actor, clock=self.clock).check(
            files
        )
        self._require_for_bodies(principal, {draft.body for draft in drafts})
        return drafts

    def store(
        self, session: Session, principal: Principal, drafts: Sequence[Draft]
    ) -> ImportOutcome:
        """Store checked drafts, all of them or none."""
        return service.import_drafts(session, drafts, maker=principal.actor, at=self.clock())

    def approve(
        self, session: Session, principal: Principal, versions: Mapping[str, str | None]
    ) -> None:
        """Approve drafts, all of them or none.

        Args:
            session: A writing transaction.
            principal: Who approves.
            versions: Ids with the version that he saw, None where that does not matter.

        Raises:
            PreconditionFailedError: One of them is not what he saw.
            RegistryError: See `service.approve` and `reviews.check_not_returned`.
        """
        self._seen(session, principal, versions, Action.CERTIFICATES_APPROVE)
        reviews.check_not_returned(session, list(versions))
        service.approve(session, list(versions), approver=principal.actor, at=self.clock())

    def return_draft(
        self, session: Session, principal: Principal, identifier: str, version: str | None,
        remarks: str,
    ) -> None:  # fmt: skip
        """Send a draft back to its maker with remarks."""
        [seen] = self._seen(session, principal, {identifier: version}, Action.CERTIFICATES_APPROVE)
        reviews.return_draft(
            session, seen.row, remarks=remarks, actor=principal.actor, at=self.clock()
        )

    def submit_again(
        self, session: Session, principal: Principal, identifier: str, version: str | None,
        remarks: str,
    ) -> None:  # fmt: skip
        """Hand a returned draft in again with an answer."""
        [seen] = self._seen(session, principal, {identifier: version}, Action.CERTIFICATES_DRAFT)
        reviews.submit_again(
            session, seen.row, remarks=remarks, actor=principal.actor, at=self.clock()
        )

    def discard(
        self, session: Session, principal: Principal, identifier: str, version: str | None
    ) -> None:
        """Delete a draft."""
        [seen] = self._seen(session, principal, {identifier: version}, Action.CERTIFICATES_DRAFT)
        reviews.discard(session, seen.row, actor=principal.actor, at=self.clock())

    def withdraw(
        self, session: Session, principal: Principal, identifier: str, version: str | None,
        remarks: str,
    ) -> None:  # fmt: skip
        """Take an approval back before anything is signed; the maker may do that, too."""
        action = Action.CERTIFICATES_APPROVE
        found = self.find(session, principal, identifier, Action.CERTIFICATES_READ)
        if found.row.maker_person == principal.person:
            action = Action.CERTIFICATES_DRAFT
        [seen] = self._seen(session, principal, {identifier: version}, action)
        reviews.withdraw_approval(
            session, seen.row, remarks=remarks, actor=principal.actor, at=self.clock()
        )

    def sign(self, principal: Principal, identifiers: Collection[str]) -> list[Issued]:
        """Sign approved certificates in portions; those signed before a failure stay signed.

        Raises:
            CertificateNotFoundError: One of them does not exist or is foreign.
            NotPermittedError: The principal has nothing signed for its body.
            SignerNotConfiguredError: This process reaches no signer.
            RegistryError: See `Issuer.issue`.
        """
        with self.database.read() as session:
            for identifier in identifiers:
                self.find(session, principal, identifier, Action.CERTIFICATES_SIGN)
        issuer = Issuer(database=self.database, signer=self._signer(), clock=self.clock)
        issued: list[Issued] = []
        for part in chunks(list(identifiers), PORTION):
            issued += issuer.issue(part)
        return issued

    def order(
        self,
        session: Session,
        principal: Principal,
        identifier: str,
        act: StatusAct,
        reason: RevocationReason,
    ) -> None:
        """Order a change of status; the ledger carries it out in its own time.

        Raises:
            RegistryError: See `order_few`.
        """
        self.find(session, principal, identifier, Action.STATUS_ORDER)
        order_few(session, [identifier], act, reason=reason, actor=principal.actor, at=self.clock())

    def release(self, principal: Principal, release: Release) -> bytes:
        """Make a view for a destination and return the leaf of its statement.

        The same decision made again returns the same leaf.
        """
        with self.database.read() as session:
            self.find(session, principal, release.certificate_id, Action.CERTIFICATES_RELEASE)
        releaser = Releaser(database=self.database, signer=self._signer(), clock=self.clock)
        return releaser.release(release, actor=principal.actor)

    def deliver(
        self, principal: Principal, identifier: str, release_leaf: bytes | None = None
    ) -> Delivery:
        """Return what the holder of a view receives, and record that it was handed out.

        Raises:
            CertificateNotFoundError: There is none, or it is foreign.
            ViewNotFoundError: The certificate has no such view.
            WrongStateError: It is not signed yet.
        """
        with self.database.read() as session:
            self.find(session, principal, identifier, Action.CERTIFICATES_DELIVER)
            if release_leaf is not None:
                release = session.get(ReleaseStatementRow, release_leaf)
                if release is None or release.certificate_id != identifier:
                    raise ViewNotFoundError("the certificate has no such view")
            delivery = deliver(
                session,
                identifier,
                trees=self.trees,
                verifier_host=self.verifier_host,
                release_leaf=release_leaf,
            )
        with self.database.begin() as session:
            note_delivery(session, delivery, actor=principal.actor, at=self.clock())
        return delivery

    def _seen(
        self,
        session: Session,
        principal: Principal,
        versions: Mapping[str, str | None],
        action: Action,
    ) -> list[Listed]:
        """Lock certificates and compare them with what the principal saw."""
        found = [self.find(session, principal, each, action) for each in versions]
        service.get_certificates(session, list(versions), for_update=True)
        for listed in found:
            seen = versions[listed.row.id]
            if seen is not None and seen != version_of(listed):
                raise PreconditionFailedError(f"{listed.row.number} was changed meanwhile")
        return found

    def _require_for_bodies(self, principal: Principal, bodies: Collection[bytes]) -> None:
        with self.database.read() as session:
            for body in bodies:
                tenant = Tenant.of_body(body, party=get_body(session, body).body.party)
                require(
                    principal,
                    Action.CERTIFICATES_DRAFT,
                    tenant,
                    missing=BodyNotFoundError("there is no such body"),
                )

    def _signer(self) -> SignerClient:
        if self.signer is None:
            raise SignerNotConfiguredError("this process reaches no signer")
        return self.signer


def version_of(listed: Listed) -> str:
    """Return what changes whenever the certificate does; the content of its ETag."""
    word = "revoked" if listed.revoked else listed.row.state.value
    return f"{word}-{listed.row.document_sha256.hex()[:24]}"


def place_text(listed: Listed) -> str:
    """Return the cursor after a certificate."""
    return f"{listed.row.created_at.isoformat()}~{listed.row.id}"


def waits_for_signature(listed: Listed) -> bool:
    """Tell whether a certificate was approved and not signed."""
    return listed.row.state is State.APPROVED


def parse_place(text: str) -> Place:
    """Read a cursor.

    Raises:
        ValueError: It is none.
    """
    moment, _, identifier = text.partition("~")
    at = datetime.fromisoformat(moment)
    if at.tzinfo is None or not is_id(identifier):
        raise ValueError("a cursor names a moment and an id")
    try:
        return Place(at.astimezone(UTC), identifier)
    except OverflowError as error:
        raise ValueError("no calendar has this moment") from error

"""Views for a destination: some disclosures dropped, and the issuer's signed word on which.

Which fields to withhold is decided elsewhere; here the decision is carried out and signed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.anchoring.domain import LeafKind
from registry.anchoring.queue import enqueue
from registry.audit.service import body_tenant, record
from registry.bodies.service import signing_key
from registry.certificates.delivery import whole_certificate
from registry.certificates.errors import DeliveryMismatchError, NothingToWithholdError
from registry.certificates.models import ReleaseStatementRow, SummaryRow
from registry.certificates.reverification import reverify_summary
from registry.kit.actor import Actor
from registry.kit.clock import Clock, system_clock
from registry.kit.database import Database
from registry.signing.client import SignerClient
from verifier.checks.facts import KeyPurpose
from verifier.core.certificate import parse_certificate
from verifier.core.encoding import b64u
from verifier.core.ids import check_party
from verifier.core.keys import PublicKey
from verifier.core.offline_code import Summary, issue_summary
from verifier.core.release import (
    ReleaseClaims,
    ReleaseStatement,
    issue_release,
    parse_release,
    release_mismatch,
)
from verifier.core.strict_json import JsonValue, canonical_json
from verifier.core.subject_template import CONTENTS
from verifier.core.summary import summary_of
from verifier.core.views import ResolvedCertificate, View, make_view, resolve_certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A decision to hand a certificate out with some fields withheld.

    Attributes:
        certificate_id: The certificate.
        destination: Party id of the destination.
        withhold: Dotted paths; a container such as "customer" stands for all of its fields.
        grounds: Codes of the rules behind the decision, at least one.
    """

    certificate_id: str
    destination: str
    withhold: Collection[str]
    grounds: Collection[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    whole: ResolvedCertificate
    view: View
    key: PublicKey
    summary_key: PublicKey
    existing: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Releaser:
    """Makes views.

    Attributes:
        database: Where they are stored.
        signer: Holder of the keys.
        clock: Time of signing.
    """

    database: Database
    signer: SignerClient
    clock: Clock = field(default=system_clock)

    def release(self, release: Release, *, actor: Actor) -> bytes:
        """Sign and store the release statement of a view and its summary; queue both leaves.

        The same decision again gives the view that exists already.

        Returns:
            Leaf of the release statement, 32 bytes.

        Raises:
            CertificateNotFoundError: There is no such certificate.
            WrongStateError: It is not signed yet.
            ContentErasedError: Its disclosures were erased.
            MalformedEvidenceError: The destination is no party id.
            NothingToWithholdError: A path names no field that can be withheld, or no ground is
                given.
            NoSigningKeyError: The body has no key on chain for statements or summaries.
            SigningRefusedError: The signer refuses.
            SignerUnavailableError: The signer does not answer.
        """
        at = self.clock().replace(microsecond=0)
        with self.database.read() as session:
            prepared = _prepare(session, release, at=at)
        if prepared.existing is not None:
            return prepared.existing
        view = resolve_certificate(parse_certificate(prepared.view.compact))
        statement = self._sign_statement(release, prepared, view, at=at)
        summary = self._sign_summary(release, prepared, view, at=at)
        with self.database.begin() as session:
            existing = _find(session, release, prepared.view)
            if existing is None:
                _store(session, release, statement, summary, actor=actor, at=at)
                record(
                    session,
                    "certificate.release",
                    actor=actor,
                    object_=f"certificate:{release.certificate_id}",
                    tenant=body_tenant(statement.claims.body),
                    at=at,
                    details={
                        "destination": release.destination,
                        "grounds": [*statement.claims.grounds],
                        "leaf": statement.leaf.hex(),
                        "withheld": [*statement.claims.withheld],
                    },
                )
        return existing or statement.leaf

    def _sign_statement(
        self, release: Release, prepared: _Prepared, view: ResolvedCertificate, *, at: datetime
    ) -> ReleaseStatement:
        credential = view.parsed.credential
        claims = ReleaseClaims(
            issued_at=int(at.timestamp()),
            party=credential.party,
            body=credential.body,
            leaf=view.parsed.leaf,
            destination=release.destination,
            withheld=prepared.view.withheld,
            grounds=tuple(sorted(set(release.grounds))),
            released=prepared.view.released,
        )
        issued = issue_release(claims, self.signer.signer(prepared.key))
        # Read back from the text that will be delivered.
        statement = parse_release(issued.jws.text)
        mismatch = release_mismatch(statement.claims, view)
        if mismatch or statement.claims != claims or not statement.jws.signed_by(prepared.key):
            raise DeliveryMismatchError(f"the new release statement differs ({mismatch})")
        return statement

    def _sign_summary(
        self, release: Release, prepared: _Prepared, view: ResolvedCertificate, *, at: datetime
    ) -> Summary:
        claims = summary_of(view, issued_at=int(at.timestamp()), destination=release.destination)
        summary = issue_summary(claims, self.signer.signer(prepared.summary_key))
        return reverify_summary(
            b64u(summary.entry()), summary.leaf(), of=view, key=prepared.summary_key
        )


def expand_paths(certificate: ResolvedCertificate, withhold: Collection[str]) -> list[str]:
    """Return the disclosures that paths stand for.

    Raises:
        NothingToWithholdError: A path stands for none. Every such path is named.
    """
    existing = [path for path in certificate.digests if path != CONTENTS]
    found: dict[str, list[str]] = {
        asked: [path for path in existing if path == asked or path.startswith(f"{asked}.")]
        for asked in withhold
    }
    if missing := sorted(asked for asked, paths in found.items() if not paths):
        raise NothingToWithholdError(f"no field can be withheld under {', '.join(missing)}")
    return sorted({path for paths in found.values() for path in paths})


def _prepare(session: Session, release: Release, *, at: datetime) -> _Prepared:
    check_party(release.destination)
    if not release.withhold or not release.grounds:
        raise NothingToWithholdError("a view names at least one field and one ground")
    _, whole = whole_certificate(session, release.certificate_id)
    view = make_view(whole, expand_paths(whole, release.withhold))
    body = whole.parsed.credential.body
    return _Prepared(
        whole=whole,
        view=view,
        key=signing_key(session, body, KeyPurpose.STATEMENT, at=at).public_key,
        summary_key=signing_key(session, body, KeyPurpose.SUMMARY, at=at).public_key,
        existing=_find(session, release, view),
    )


def _find(session: Session, release: Release, view: View) -> bytes | None:
    """Return the leaf of the statement that records this decision already."""
    statement = select(ReleaseStatementRow.leaf).where(
        ReleaseStatementRow.certificate_id == release.certificate_id,
        ReleaseStatementRow.destination == release.destination,
        ReleaseStatementRow.withheld == _json_array(view.withheld),
        ReleaseStatementRow.grounds == _json_array(sorted(set(release.grounds))),
    )
    return session.scalars(statement.order_by(ReleaseStatementRow.issued_at)).first()


def _store(
    session: Session,
    release: Release,
    statement: ReleaseStatement,
    summary: Summary,
    *,
    actor: Actor,
    at: datetime,
) -> None:
    session.add(
        ReleaseStatementRow(
            leaf=statement.leaf,
            certificate_id=release.certificate_id,
            destination=release.destination,
            withheld=_json_array(statement.claims.withheld),
            grounds=_json_array(statement.claims.grounds),
            token=statement.jws.text,
            key_thumbprint=statement.jws.thumbprint,
            issued_at=at,
            requested_by=actor.name,
        )
    )
    session.flush()  # no relationship tells the session which row must come first
    session.add(
        SummaryRow(
            leaf=summary.leaf(),
            certificate_id=release.certificate_id,
            release_leaf=statement.leaf,
            entry=summary.entry(),
            key_thumbprint=summary.thumbprint,
            issued_at=at,
        )
    )
    for leaf, kind, entry in (
        (statement.leaf, LeafKind.RELEASE_STATEMENT, statement.jws.text.encode("ascii")),
        (summary.leaf(), LeafKind.SUMMARY, summary.entry()),
    ):
        enqueue(
            session,
            leaf,
            kind=kind,
            entry=entry,
            certificate_id=release.certificate_id,
            clock=lambda: at,
        )


def _json_array(texts: Sequence[str]) -> str:
    values: list[JsonValue] = [*texts]
    return canonical_json(values).decode()

"""Tables of requests to change the status of many certificates, and of erasures.

What the tables themselves refuse: more than `domain.ALONE` orders of one kind for one body within
a day that no second person approved, an approval by who asked, a change of a request once it is
approved, an approval of a refused request and the reverse, and the deletion of disclosures or of
a document without a record of the erasure.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from registry.certificates.domain import StatusAct
from registry.kit.actor import MAX_PERSON_CHARS
from registry.kit.database import Base, Number, RandomId
from verifier.checks.facts import RevocationReason


class BulkRevocationRow(Base):
    """A request to revoke, suspend or resume many certificates for one reason. Never edited."""

    __tablename__ = "bulk_revocations"
    __table_args__ = (UniqueConstraint("id", "requester_person"),)

    id: Mapped[RandomId] = mapped_column(primary_key=True)
    reason: Mapped[RevocationReason] = mapped_column(Number(RevocationReason))
    remark: Mapped[str] = mapped_column(Text)
    requester: Mapped[str] = mapped_column(String(100))
    requester_person: Mapped[str] = mapped_column(String(MAX_PERSON_CHARS))
    requested_at: Mapped[datetime]
    act: Mapped[StatusAct] = mapped_column(server_default=StatusAct.REVOKE.value)


class BulkRevocationItemRow(Base):
    """A certificate of a request. Never edited."""

    __tablename__ = "bulk_revocation_items"

    request_id: Mapped[RandomId] = mapped_column(
        ForeignKey("bulk_revocations.id"), primary_key=True
    )
    certificate_id: Mapped[RandomId] = mapped_column(
        ForeignKey("issued_tokens.certificate_id"), primary_key=True, index=True
    )


class BulkRevocationApprovalRow(Base):
    """The approval of a request by somebody else. Never edited."""

    __tablename__ = "bulk_revocation_approvals"
    __table_args__ = (
        ForeignKeyConstraint(
            ["request_id", "requester_person"],
            ["bulk_revocations.id", "bulk_revocations.requester_person"],
            name="fk_bulk_revocation_approvals_request",
        ),
        CheckConstraint("approver_person <> requester_person", name="second_person"),
    )

    request_id: Mapped[RandomId] = mapped_column(primary_key=True)
    requester_person: Mapped[str] = mapped_column(String(MAX_PERSON_CHARS))
    approver: Mapped[str] = mapped_column(String(100))
    approver_person: Mapped[str] = mapped_column(String(MAX_PERSON_CHARS))
    approved_at: Mapped[datetime]


class BulkRevocationRefusalRow(Base):
    """That a request will not be carried out. Never edited."""

    __tablename__ = "bulk_revocation_refusals"

    request_id: Mapped[RandomId] = mapped_column(
        ForeignKey("bulk_revocations.id"), primary_key=True
    )
    refuser: Mapped[str] = mapped_column(String(100))
    refuser_person: Mapped[str] = mapped_column(String(MAX_PERSON_CHARS))
    remark: Mapped[str] = mapped_column(Text)
    refused_at: Mapped[datetime]


class ErasureRow(Base):
    """That the content of a certificate was erased, and why. Never edited.

    Token, leaf, status and proofs stay; what they disclose is gone.
    """

    __tablename__ = "erasures"

    certificate_id: Mapped[RandomId] = mapped_column(
        ForeignKey("issued_tokens.certificate_id"), primary_key=True
    )
    ground: Mapped[str] = mapped_column(Text)
    erased_by: Mapped[str] = mapped_column(String(100))
    erased_person: Mapped[str] = mapped_column(String(MAX_PERSON_CHARS))
    erased_at: Mapped[datetime]

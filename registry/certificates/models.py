"""Tables of certificates and inspection records, from draft to revocation.

What the tables themselves refuse, whatever the program does (constraints and triggers of the
migrations):

- an approval by the maker of the draft, or of another content than the stored one;
- an issued token without an approval; a state that is not backed by its row;
- any change of a document that left the state draft, of an approval, of anything signed;
- the same number and revision of one body twice, the same status position twice, a second
  revocation of one certificate;
- a second data key of a certificate, a data key for erased content, the destruction of one without
  a record of the erasure;
- the deletion of content that is neither erased nor recorded as kept in the object store, and a
  record of the latter where no store has it or the way back is lost.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from registry.certificates.domain import State, StatusAct
from registry.kit.actor import MAX_PERSON_CHARS
from registry.kit.database import Base, Digest, Number, RandomId
from registry.kit.objects.key_ring import KEY_ID_BYTES, WRAPPED_BYTES
from verifier.checks.facts import RevocationReason
from verifier.core.field_policy import DocumentKind


class CertificateRow(Base):
    """A certificate or record.

    `document` is the canonical JSON of what its maker entered; empty when it follows from the
    packed record (see `registry.certificates.signed_contents`), `{}` when it was erased.
    """

    __tablename__ = "certificates"
    __table_args__ = (
        UniqueConstraint("body_id", "number", "revision"),
        UniqueConstraint("id", "maker_person", "document_sha256"),  # target of approvals
        UniqueConstraint("replaces_id"),
        CheckConstraint("revision >= 1", name="revision"),
        CheckConstraint("replaces_id IS NULL OR replaces_id <> id", name="replaces"),
        CheckConstraint("length(document_sha256) = 32", name="document_sha256_bytes"),
        Index(None, "state", "id"),
    )

    id: Mapped[RandomId] = mapped_column(primary_key=True)
    body_id: Mapped[Digest] = mapped_column(ForeignKey("bodies.id"))
    kind: Mapped[DocumentKind]
    number: Mapped[str] = mapped_column(String(128))
    revision: Mapped[int]
    replaces_id: Mapped[RandomId | None] = mapped_column(ForeignKey("certificates.id"))
    demonstration: Mapped[bool]
    state: Mapped[State]
    document: Mapped[str] = mapped_column(Text)
    document_sha256: Mapped[Digest]
    maker: Mapped[str] = mapped_column(String(100))
    maker_person: Mapped[str] = mapped_column(String(MAX_PERSON_CHARS))
    created_at: Mapped[datetime]
    valid_until: Mapped[datetime | None] = mapped_column(index=True)  # for warnings; see dates


class ApprovalRow(Base):
    """Approval of one exact document by somebody who did not make it. Never edited."""

    __tablename__ = "approvals"
    __table_args__ = (
        # Ties maker and content to the certificate, so that the next constraint cannot be fooled.
        ForeignKeyConstraint(
            ["certificate_id", "maker_person", "document_sha256"],
            ["certificates.id", "certificates.maker_person", "certificates.document_sha256"],
            name="fk_approvals_certificate",  # the derived name is too long for PostgreSQL
        ),
        CheckConstraint("approver_person <> maker_person", name="second_person"),
    )

    certificate_id: Mapped[RandomId] = mapped_column(primary_key=True)
    maker_person: Mapped[str] = mapped_column(String(MAX_PERSON_CHARS))
    document_sha256: Mapped[Digest]
    approver: Mapped[str] = mapped_column(String(100))
    approver_person: Mapped[str] = mapped_column(String(MAX_PERSON_CHARS))
    approved_at: Mapped[datetime]


class StatusBlockRow(Base):
    """A block of positions of a status list, one bit for each that has been drawn."""

    __tablename__ = "status_blocks"
    __table_args__ = (CheckConstraint("free >= 0", name="free"),)

    body_id: Mapped[Digest] = mapped_column(ForeignKey("bodies.id"), primary_key=True)
    list_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    block: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    drawn: Mapped[bytes] = mapped_column(LargeBinary)
    free: Mapped[int]


class StatusEntryRow(Base):
    """The status position of one certificate, reserved before it is signed. Never edited."""

    __tablename__ = "status_entries"

    body_id: Mapped[Digest] = mapped_column(ForeignKey("bodies.id"), primary_key=True)
    list_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    certificate_id: Mapped[RandomId] = mapped_column(ForeignKey("certificates.id"), unique=True)


class IssuedTokenRow(Base):
    """The signed token without its disclosures. Never edited.

    `jwt` is empty while the token follows from the packed record beside its disclosures; it is
    filled once, before those are erased.
    """

    __tablename__ = "issued_tokens"

    certificate_id: Mapped[RandomId] = mapped_column(
        ForeignKey("approvals.certificate_id"), primary_key=True
    )
    jwt: Mapped[str] = mapped_column(Text)
    leaf: Mapped[Digest] = mapped_column(unique=True)
    key_thumbprint: Mapped[Digest] = mapped_column(ForeignKey("body_keys.thumbprint"))
    issued_at: Mapped[datetime]


class DisclosuresRow(Base):
    """Content of a certificate: what a holder of the whole has and others may not have.

    `packed` is everything that was signed, see `registry.certificates.packing`; then `disclosures`
    is empty, and so is the document. Without it `disclosures` are those of the token, joined by
    "~" in the order of delivery. Deleting this row (and the document) is the erasure that leaves
    the anchored evidence intact.
    """

    __tablename__ = "disclosures"

    certificate_id: Mapped[RandomId] = mapped_column(
        ForeignKey("issued_tokens.certificate_id"), primary_key=True
    )
    disclosures: Mapped[str] = mapped_column(Text)
    packed: Mapped[bytes | None]


class CoSignatureRow(Base):
    """The co-signature of a token, by another key of the same body. Never edited."""

    __tablename__ = "co_signatures"

    certificate_id: Mapped[RandomId] = mapped_column(
        ForeignKey("issued_tokens.certificate_id"), primary_key=True
    )
    token: Mapped[str] = mapped_column(Text)
    leaf: Mapped[Digest] = mapped_column(unique=True)
    key_thumbprint: Mapped[Digest] = mapped_column(ForeignKey("body_keys.thumbprint"))
    issued_at: Mapped[datetime]


class ReleaseStatementRow(Base):
    """A signed statement of what a view for one destination withholds, and why. Never edited."""

    __tablename__ = "release_statements"
    __table_args__ = (Index(None, "certificate_id", "destination"),)

    leaf: Mapped[Digest] = mapped_column(primary_key=True)
    certificate_id: Mapped[RandomId] = mapped_column(ForeignKey("issued_tokens.certificate_id"))
    destination: Mapped[str] = mapped_column(String(32))  # a party id
    withheld: Mapped[str] = mapped_column(Text)  # JSON array of paths, sorted
    grounds: Mapped[str] = mapped_column(Text)  # JSON array of codes
    token: Mapped[str] = mapped_column(Text)
    key_thumbprint: Mapped[Digest] = mapped_column(ForeignKey("body_keys.thumbprint"))
    issued_at: Mapped[datetime]
    requested_by: Mapped[str] = mapped_column(String(100))


class SummaryRow(Base):
    """The signed content of an offline code, for one view of a certificate, or for the whole.

    That of the whole certificate lies in its packed record until its content is erased.
    """

    __tablename__ = "summaries"

    leaf: Mapped[Digest] = mapped_column(primary_key=True)
    certificate_id: Mapped[RandomId] = mapped_column(
        ForeignKey("issued_tokens.certificate_id"), index=True
    )
    release_leaf: Mapped[Digest | None] = mapped_column(ForeignKey("release_statements.leaf"))
    entry: Mapped[bytes]  # deterministic CBOR of the COSE_Sign1, unprotected header empty
    key_thumbprint: Mapped[Digest] = mapped_column(ForeignKey("body_keys.thumbprint"))
    issued_at: Mapped[datetime]


class StatusOrderRow(Base):
    """An order to change the status of a certificate, and the ledger write that carries it out.

    `reason` is that of the contract. Several orders may share one ledger write, whose id is filled
    in once; it is None while the order waits to be gathered.
    """

    __tablename__ = "status_orders"
    __table_args__ = (
        Index(
            "uq_status_orders_revoked",
            "certificate_id",
            unique=True,
            sqlite_where=text("act = 'revoke'"),
            postgresql_where=text("act = 'revoke'"),
        ),
        Index(None, "ledger_write_id", "id"),
        Index(None, "ordered_at"),  # counted by the day, see registry.safeguards
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    certificate_id: Mapped[RandomId] = mapped_column(ForeignKey("issued_tokens.certificate_id"))
    act: Mapped[StatusAct]
    reason: Mapped[RevocationReason] = mapped_column(Number(RevocationReason))
    ordered_by: Mapped[str] = mapped_column(String(100))
    ordered_at: Mapped[datetime]
    ledger_write_id: Mapped[int | None]


class ContentKeyRow(Base):
    """The data key of one certificate, wrapped. Deleting the row erases every copy of the content.

    Attributes:
        key_id: Of the key that wraps it; both change when it is wrapped anew.
    """

    __tablename__ = "content_keys"
    __table_args__ = (
        CheckConstraint(f"length(wrapped) = {WRAPPED_BYTES}", name="wrapped_bytes"),
        CheckConstraint(f"length(key_id) = {KEY_ID_BYTES}", name="key_id_bytes"),
        {"sqlite_with_rowid": False},  # a row id would cost as much again as the row
    )

    certificate_id: Mapped[RandomId] = mapped_column(
        ForeignKey("issued_tokens.certificate_id"), primary_key=True
    )
    key_id: Mapped[bytes] = mapped_column(LargeBinary(KEY_ID_BYTES))
    wrapped: Mapped[bytes] = mapped_column(LargeBinary(WRAPPED_BYTES))


class ContentPackRow(Base):
    """Where the contents behind a 1024-leaf subtree of a batch are kept. Never edited."""

    __tablename__ = "content_packs"

    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"), primary_key=True)
    subtree: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    object: Mapped[Digest]


class CooledContentRow(Base):
    """That the packed record of a certificate is in the object store alone. Never edited.

    It names the place of the leaf whose parcel was read back. The row goes when the record is
    brought back, or when the content is erased.
    """

    __tablename__ = "cooled_contents"
    __table_args__ = ({"sqlite_with_rowid": False},)

    certificate_id: Mapped[RandomId] = mapped_column(
        ForeignKey("issued_tokens.certificate_id"), primary_key=True
    )
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"))
    position: Mapped[int]

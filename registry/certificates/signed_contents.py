"""What was signed, read from its packed record or, where it could not be packed, from plain rows.

A signed certificate lies in the database once, packed: token, disclosures, the summary of its
offline code, and the document that follows from them. Of old ones the packed record is in the
object store alone, see `registry.certificates.cooling`; whoever reads here need not know. Before
its content is erased, token and summary go back into rows of their own, because they stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from registry.certificates.cold_contents import Kept, cold_ids, read_cold
from registry.certificates.models import (
    CertificateRow,
    DisclosuresRow,
    IssuedTokenRow,
    SummaryRow,
)
from registry.certificates.packing import Known, PackDamagedError, unpack
from registry.certificates.packing_dictionaries import dictionaries
from registry.certificates.repository import document_digest
from registry.certificates.reverification import rebuild_document
from registry.kit.bulk_insert import insert_rows
from registry.kit.chunks import chunks
from registry.kit.json_bytes import checked_bytes
from verifier.core.certificate import join_compact, parse_certificate
from verifier.core.hashing import leaf_digest, token_leaf
from verifier.core.views import resolve_certificate

PACKED: Final = ""  # what stands where a text follows from the packed record
_IN_ONE_STATEMENT: Final = 500  # far below the number of parameters that any database takes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredContent:
    """What was signed for a whole certificate, whose content was not erased.

    Attributes:
        certificate_id: Its id.
        jwt: `header.payload.signature`.
        disclosures: In the order of delivery.
        summary: The signed entry of its offline code.
        summary_key: Thumbprint of the key that signed that, 32 bytes.
        issued_at: When both were signed.
        document: Canonical JSON of the approved document; None where it follows from the rest.
        document_sha256: Its digest, 32 bytes.
        body_alias: How the document names its body; needed where it follows from the rest.
    """

    certificate_id: str
    jwt: str
    disclosures: tuple[str, ...]
    summary: bytes
    summary_key: bytes
    issued_at: datetime
    document: str | None
    document_sha256: bytes
    body_alias: str

    @property
    def compact(self) -> str:
        """The complete certificate."""
        return join_compact(self.jwt, self.disclosures)

    def rebuilt_document(self) -> str:
        """Return the approved document.

        Raises:
            PackDamagedError: What is stored does not give the document that was approved.
        """
        if self.document is not None:
            return self.document
        resolved = resolve_certificate(parse_certificate(self.compact))
        document = checked_bytes(rebuild_document(resolved, self.body_alias))
        if document_digest(document) != self.document_sha256:
            raise PackDamagedError(f"the document of {self.certificate_id} does not come back")
        return document.decode()


def read_contents(session: Session, identifiers: Iterable[str]) -> dict[str, StoredContent]:
    """Return what was signed for certificates by their ids; erased and unsigned ones are left out.

    Args:
        session: A transaction.
        identifiers: At most some thousand.

    Raises:
        PackDamagedError: A record does not give the token whose leaf is stored.
        ObjectStoreUnavailableError: One of them is cold, and the object store cannot be read.
        DamagedObjectError: One of them is cold, and the object store has not what it was given.
    """
    wanted = list(identifiers)
    statement = (
        select(
            DisclosuresRow.certificate_id,
            DisclosuresRow.packed,
            DisclosuresRow.disclosures,
            IssuedTokenRow.jwt,
            IssuedTokenRow.leaf,
            IssuedTokenRow.key_thumbprint,
            IssuedTokenRow.issued_at,
            CertificateRow.body_id,
            CertificateRow.document,
            CertificateRow.document_sha256,
            SummaryRow.entry,
            SummaryRow.key_thumbprint.label("summary_key"),
        )
        .join(IssuedTokenRow, IssuedTokenRow.certificate_id == DisclosuresRow.certificate_id)
        .join(CertificateRow, CertificateRow.id == DisclosuresRow.certificate_id)
        .outerjoin(
            SummaryRow,
            (SummaryRow.certificate_id == DisclosuresRow.certificate_id)
            & SummaryRow.release_leaf.is_(None),
        )
    )
    found: dict[str, StoredContent] = {}
    for part in chunks(wanted, _IN_ONE_STATEMENT):
        for row in session.execute(statement.where(DisclosuresRow.certificate_id.in_(part))):
            found[row.certificate_id] = _content_of(row)
    for kept, record in read_cold(session, [each for each in wanted if each not in found]):
        found[kept.certificate_id] = unpacked(kept, record)
    return found


def read_content(session: Session, certificate_id: str) -> StoredContent | None:
    """Return what was signed for a certificate, None where it is erased or not signed."""
    return read_contents(session, [certificate_id]).get(certificate_id)


def token_of(session: Session, issued: IssuedTokenRow) -> str:
    """Return the token of a certificate without its disclosures, also of an erased one."""
    if issued.jwt != PACKED:
        return issued.jwt
    content = read_content(session, issued.certificate_id)
    if content is None:
        raise PackDamagedError(f"the token of {issued.certificate_id} is gone")
    return content.jwt


def document_of(session: Session, row: CertificateRow) -> str:
    """Return the document of a certificate in any state; of an erased one what is left of it."""
    if row.document != PACKED:
        return row.document
    content = read_content(session, row.id)
    if content is None:
        raise PackDamagedError(f"the document of {row.id} is gone")
    return content.rebuilt_document()


def summary_entry_of(session: Session, certificate_id: str) -> bytes:
    """Return the signed entry of the offline code of a whole certificate, also of an erased one."""
    statement = select(SummaryRow.entry).where(
        SummaryRow.certificate_id == certificate_id, SummaryRow.release_leaf.is_(None)
    )
    entry = session.scalars(statement).one_or_none()
    content = None if entry is not None else read_content(session, certificate_id)
    if content is not None:
        return content.summary
    if entry is None:
        raise PackDamagedError(f"the summary of {certificate_id} is gone")
    return entry


def spread(session: Session, identifiers: Sequence[str]) -> None:
    """Put tokens and summaries of packed certificates into rows of their own, before an erasure."""
    for part in chunks(identifiers, _IN_ONE_STATEMENT):
        packed = session.scalars(
            select(DisclosuresRow.certificate_id).where(
                DisclosuresRow.certificate_id.in_(part), DisclosuresRow.packed.is_not(None)
            )
        )
        contents = read_contents(session, {*packed, *cold_ids(session, part)})
        for each in contents.values():
            session.execute(
                update(IssuedTokenRow)
                .where(IssuedTokenRow.certificate_id == each.certificate_id)
                .values(jwt=each.jwt)
            )
        rows = [
            {
                "leaf": leaf_digest(each.summary),
                "certificate_id": each.certificate_id,
                "release_leaf": None,
                "entry": each.summary,
                "key_thumbprint": each.summary_key,
                "issued_at": each.issued_at,
            }
            for each in contents.values()
        ]
        insert_rows(session, SummaryRow, rows)


def _content_of(row: Any) -> StoredContent:  # noqa: ANN401  (a row of `read_contents`)
    if row.packed is None:
        return StoredContent(
            certificate_id=row.certificate_id,
            jwt=row.jwt,
            disclosures=tuple(row.disclosures.split("~")),
            summary=row.entry,
            summary_key=row.summary_key,
            issued_at=row.issued_at,
            document=row.document,
            document_sha256=row.document_sha256,
            body_alias="",
        )
    return unpacked(row, row.packed)


def unpacked(row: Kept | Any, record: bytes) -> StoredContent:  # noqa: ANN401  (likewise)
    """Return what a packed record holds, compared with the leaf.

    Args:
        row: What the database knows of the certificate.
        record: See `registry.certificates.packing`.

    Raises:
        PackDamagedError: It does not give the token whose leaf is stored.
    """
    known = Known(certificate_id=row.certificate_id, body=row.body_id, key=row.key_thumbprint)
    content = unpack(record, known, dictionaries=dictionaries())
    if token_leaf(content.jwt) != row.leaf or content.summary is None:
        message = f"the packed certificate {row.certificate_id} is not what was signed"
        raise PackDamagedError(message)
    return StoredContent(
        certificate_id=row.certificate_id,
        jwt=content.jwt,
        disclosures=content.disclosures,
        summary=content.summary.encode(),
        summary_key=content.summary.thumbprint,
        issued_at=row.issued_at,
        document=None,
        document_sha256=row.document_sha256,
        body_alias=content.body_alias,
    )

"""Signed certificates packed: token, disclosures, summary and document in one record.

Revision: 20261121_0015_packed, after 20261121_0014_key_rotation. Made on 2026-11-21.

What was signed before is packed here, a portion at a time, and read back before its plain form
goes; what does not come back byte for byte stays as it is. Space on disk is given back by VACUUM.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from registry.certificates.packing import (
    Known,
    NotPackableError,
    SignedContent,
    pack,
    unpack,
)
from registry.certificates.packing_dictionaries import dictionaries
from registry.certificates.reverification import rebuild_document
from registry.kit.database import UtcDateTime
from registry.kit.json_bytes import checked_bytes
from registry.migrations.guards import append_only, drop_append_only, drop_guard, guard
from verifier.core.certificate import parse_certificate
from verifier.core.cose import parse_sign1
from verifier.core.errors import VerifierError
from verifier.core.hashing import leaf_digest
from verifier.core.offline_code import SUMMARY_TYP
from verifier.core.strict_json import parse_json_object
from verifier.core.views import resolve_certificate

revision = "20261121_0015_packed"
down_revision = "20261121_0014_key_rotation"
branch_labels = None
depends_on = None

_PORTION = 200
_DICTIONARY = 1
_ID = sa.Uuid(as_uuid=False)
_TOKEN = ["certificate_id", "leaf", "key_thumbprint", "issued_at"]
_SUMMARY = ["leaf", "certificate_id", "release_leaf", "entry", "key_thumbprint", "issued_at"]
_FROZEN = ("kind", "number", "revision", "replaces_id", "demonstration", "document_sha256")
_IS_PACKED = "EXISTS (SELECT 1 FROM disclosures d WHERE d.certificate_id = {id}{packed})"
_ERASED = "NEW.document = '{{}}' AND EXISTS (SELECT 1 FROM erasures WHERE certificate_id = NEW.id)"
_FOLLOWS = (
    "NEW.document = '' AND NEW.state = 'signed' AND "
    + _IS_PACKED.format(id="NEW.id", packed=" AND d.packed IS NOT NULL")
)  # fmt: skip

_certificates = sa.table(
    "certificates",
    sa.column("id", _ID),
    sa.column("body_id", sa.LargeBinary),
    sa.column("document", sa.Text),
)
_tokens = sa.table(
    "issued_tokens",
    sa.column("certificate_id", _ID),
    sa.column("jwt", sa.Text),
    sa.column("key_thumbprint", sa.LargeBinary),
    sa.column("issued_at", UtcDateTime()),
)
_disclosures = sa.table(
    "disclosures",
    sa.column("certificate_id", _ID),
    sa.column("disclosures", sa.Text),
    sa.column("packed", sa.LargeBinary),
)
_summaries = sa.table(
    "summaries",
    sa.column("leaf", sa.LargeBinary),
    sa.column("certificate_id", _ID),
    sa.column("release_leaf", sa.LargeBinary),
    sa.column("entry", sa.LargeBinary),
    sa.column("key_thumbprint", sa.LargeBinary),
    sa.column("issued_at", UtcDateTime()),
)


def upgrade() -> None:
    _drop_guards()
    op.add_column("disclosures", sa.Column("packed", sa.LargeBinary(), nullable=True))
    for row in _rows(_disclosures.c.packed.is_(None)):
        _pack(row)
    append_only("disclosures", ["certificate_id", "disclosures", "packed"], erasable=True)
    _guard_content(f"({_ERASED}) OR ({_FOLLOWS})")
    changed = " OR ".join(f"OLD.{column} {{differs}} NEW.{column}" for column in _TOKEN)
    guard(
        "issued_tokens",
        "UPDATE",
        "issued_tokens_no_update",
        f"({changed} OR (OLD.jwt {{differs}} NEW.jwt"  # noqa: S608  (constants)
        " AND NOT (OLD.jwt = '' AND EXISTS"
        " (SELECT 1 FROM erasures e WHERE e.certificate_id = OLD.certificate_id))))",
        "issued_tokens: rows are never edited",
    )
    guard("issued_tokens", "DELETE", "issued_tokens_no_delete", "TRUE", _never("issued_tokens"))
    guard(
        "disclosures",
        "DELETE",
        "disclosures_spread",
        "EXISTS (SELECT 1 FROM issued_tokens WHERE certificate_id = OLD.certificate_id"
        " AND jwt = '')",
        "disclosures: the token goes into a row of its own first",
    )
    append_only("summaries", _SUMMARY)


def downgrade() -> None:
    drop_guard("disclosures", "disclosures_spread")
    _drop_guards()
    for row in _rows(_disclosures.c.packed.is_not(None)):
        _unpack(row)
    op.drop_column("disclosures", "packed")
    append_only("disclosures", ["certificate_id", "disclosures"], erasable=True)
    _guard_content(_ERASED)
    append_only("issued_tokens", ["certificate_id", "jwt", "leaf", "key_thumbprint", "issued_at"])
    append_only("summaries", _SUMMARY)


def _drop_guards() -> None:
    drop_append_only("disclosures", erasable=True)
    drop_append_only("issued_tokens")
    drop_append_only("summaries")
    drop_guard("certificates", "certificates_content")


def _guard_content(allowed: str) -> None:
    changed = " OR ".join(f"OLD.{column} {{differs}} NEW.{column}" for column in _FROZEN)
    guard(
        "certificates",
        "UPDATE",
        "certificates_content",
        f"OLD.state <> 'draft' AND ({changed} OR "
        f"(OLD.document {{differs}} NEW.document AND NOT ({allowed})))",
        "certificates: an approved document is never edited",
    )


def _never(table: str) -> str:
    return f"{table}: rows are never deleted"


def _rows(wanted: sa.ColumnElement[bool]) -> Iterator[Any]:
    """Yield what is stored of every certificate whose content is here, a portion at a time."""
    connection = op.get_bind()
    own = _disclosures.c.certificate_id
    statement = (
        sa.select(
            own,
            _disclosures.c.disclosures,
            _disclosures.c.packed,
            _tokens.c.jwt,
            _tokens.c.key_thumbprint,
            _tokens.c.issued_at,
            _certificates.c.body_id,
            _certificates.c.document,
            _summaries.c.entry,
        )
        .select_from(_disclosures)
        .join(_tokens, _tokens.c.certificate_id == own)
        .join(_certificates, _certificates.c.id == own)
        .outerjoin(
            _summaries,
            (_summaries.c.certificate_id == own) & _summaries.c.release_leaf.is_(None),
        )
        .where(wanted)
        .order_by(own)
        .limit(_PORTION)
    )
    rows = connection.execute(statement).all()
    while rows:
        yield from rows
        rows = connection.execute(statement.where(own > rows[-1].certificate_id)).all()


def _pack(row: Any) -> None:  # noqa: ANN401  (a row)
    record = _record_of(row)
    if record is None:
        return
    _set(_disclosures, row.certificate_id, disclosures="", packed=record)
    _set(_tokens, row.certificate_id, jwt="")
    _set_document(row.certificate_id, "")
    op.get_bind().execute(
        sa.delete(_summaries).where(
            _summaries.c.certificate_id == row.certificate_id, _summaries.c.release_leaf.is_(None)
        )
    )


def _record_of(row: Any) -> bytes | None:  # noqa: ANN401  (a row)
    """Return the packed record, None where something does not come back from it."""
    known = Known(certificate_id=row.certificate_id, body=row.body_id, key=row.key_thumbprint)
    try:
        issuer = parse_json_object(row.document, what="stored document")["issuer"]
        content = SignedContent(
            jwt=row.jwt,
            disclosures=tuple(row.disclosures.split("~")),
            body_alias=str(issuer["body"]) if isinstance(issuer, dict) else "",
            summary=parse_sign1(row.entry, typ=SUMMARY_TYP, what="summary"),
        )
        if content.summary is None or content.summary.encode() != row.entry:
            return None
        if _document_of(content) != row.document:
            return None
        return pack(content, known, dictionary=dictionaries()[_DICTIONARY], seed=None)
    except (NotPackableError, VerifierError, KeyError, TypeError):
        return None


def _unpack(row: Any) -> None:  # noqa: ANN401  (a row)
    known = Known(certificate_id=row.certificate_id, body=row.body_id, key=row.key_thumbprint)
    content = unpack(row.packed, known, dictionaries=dictionaries())
    _set(_disclosures, row.certificate_id, disclosures="~".join(content.disclosures), packed=None)
    _set(_tokens, row.certificate_id, jwt=content.jwt)
    _set_document(row.certificate_id, _document_of(content))
    if content.summary is None:
        return
    entry = content.summary.encode()
    op.get_bind().execute(
        sa.insert(_summaries).values(
            leaf=leaf_digest(entry),
            certificate_id=row.certificate_id,
            release_leaf=None,
            entry=entry,
            key_thumbprint=content.summary.thumbprint,
            issued_at=row.issued_at,
        )
    )


def _document_of(content: SignedContent) -> str:
    resolved = resolve_certificate(parse_certificate(content.compact))
    return checked_bytes(rebuild_document(resolved, content.body_alias)).decode()


def _set(table: sa.TableClause, certificate_id: str, **values: object) -> None:
    statement = sa.update(table).where(table.c.certificate_id == certificate_id).values(**values)
    op.get_bind().execute(statement)


def _set_document(certificate_id: str, document: str) -> None:
    statement = sa.update(_certificates).where(_certificates.c.id == certificate_id)
    op.get_bind().execute(statement.values(document=document))

"""`lancang history`: everything that happened to a certificate."""

from __future__ import annotations

import json
from datetime import datetime

import click
from sqlalchemy.orm import Session

from registry.certificates.errors import CertificateNotFoundError
from registry.certificates.listing import Happening, find, history_of
from registry.certificates.repository import revisions_of
from registry.console import Application, pass_application, plain
from registry.reviews.service import reviews_of
from registry.safeguards.retention import erasure_of


@click.command("history")
@click.argument("certificate_id", metavar="ID", type=click.UUID)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@pass_application
def command(app: Application, certificate_id: object, *, as_json: bool) -> None:
    """List what happened to the certificate ID, the oldest first."""
    with app.database.read() as session:
        happenings = full_history(session, str(certificate_id))
    for each in happenings:
        if as_json:
            record = {"at": _text(each.at), "act": each.code, "by": each.by, "detail": each.detail}
            click.echo(json.dumps(record, ensure_ascii=False, sort_keys=True))
        else:
            parts = (_text(each.at), each.code, each.by and f"by {each.by}", each.detail)
            app.out.print(plain("  ".join(part for part in parts if part)))


def full_history(session: Session, certificate_id: str) -> list[Happening]:
    """Return what happened to a certificate, with reviews, replacements and erasure.

    Raises:
        CertificateNotFoundError: There is no such certificate.
    """
    found = find(session, [certificate_id])
    if not found:
        raise CertificateNotFoundError(f"there is no certificate {certificate_id}")
    row = found[0].row
    happenings = history_of(session, found[0])
    happenings += [
        Happening(at=each.at, code=f"draft_{each.act}", by=each.person_name, detail=each.remarks)
        for each in reviews_of(session, certificate_id)
    ]
    happenings += [
        Happening(at=later.created_at, code="amended", by=later.maker, detail=later.id)
        for later, _ in revisions_of(session, row.body_id, row.number)
        if later.replaces_id == row.id
    ]
    erasure = erasure_of(session, certificate_id)
    if erasure is not None:
        happenings.append(
            Happening(
                at=erasure.erased_at, code="erased", by=erasure.erased_by, detail=erasure.ground
            )
        )
    return sorted(happenings, key=lambda each: each.at)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")

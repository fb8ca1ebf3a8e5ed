"""`lancang history`: everything that happened to a certificate."""

from __future__ import annotations

import json
from datetime import datetime

import click

from registry.certificates.errors import CertificateNotFoundError
from registry.certificates.listing import find
from registry.console import Application, pass_application, plain
from registry.laboratory.history import full_history


@click.command("history")
@click.argument("certificate_id", metavar="ID", type=click.UUID)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@pass_application
def command(app: Application, certificate_id: object, *, as_json: bool) -> None:
    """List what happened to the certificate ID, the oldest first."""
    with app.database.read() as session:
        found = find(session, [str(certificate_id)])
        if not found:
            raise CertificateNotFoundError(f"there is no certificate {certificate_id}")
        happenings = full_history(session, found[0])
    for each in happenings:
        if as_json:
            record = {"at": _text(each.at), "act": each.code, "by": each.by, "detail": each.detail}
            click.echo(json.dumps(record, ensure_ascii=False, sort_keys=True))
        else:
            parts = (_text(each.at), each.code, each.by and f"by {each.by}", each.detail)
            app.out.print(plain("  ".join(part for part in parts if part)))


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")

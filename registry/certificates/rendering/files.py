"""The files of a holder: evidence, codes as text and pictures, and the printed page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from registry.bodies.domain import Body
from registry.certificates.delivery import Delivery
from registry.certificates.rendering.codes import code_png, code_svg
from registry.certificates.rendering.letterhead import NO_LETTERHEAD, Letterhead
from registry.certificates.rendering.paper import Sheet, render_pdf
from registry.certificates.reverification import rebuild_document
from verifier.core.encoding import b64u


def files_of(
    delivery: Delivery,
    body: Body,
    *,
    fonts: Sequence[Path],
    letterhead: Letterhead = NO_LETTERHEAD,
) -> Mapping[str, bytes]:
    """Return what a holder of one view receives, by file name.

    While a batch is not sealed nothing is printed: a page keeps its codes for good, and the
    offline code has no proof yet (docs/evidence-format.md, section "QR codes").

    Args:
        delivery: The view with its receipt and codes.
        body: The issuing body as registered; its name and numbers head the page.
        fonts: Folders from `font_directories`.
        letterhead: What the body prints above the title.
    """
    stem = delivery.stem
    files = {
        f"{stem}.sdjwt": delivery.compact.encode("ascii"),
        f"{stem}.receipt.json": delivery.receipt,
    }
    if not delivery.sealed:
        return files
    for name, text in (("link", delivery.link_code), ("offline", delivery.offline_code)):
        files[f"{stem}.{name}.txt"] = f"{text}\n".encode("ascii")
        files[f"{stem}.{name}.png"] = code_png(text)
        files[f"{stem}.{name}.svg"] = code_svg(text)
    files[f"{stem}.pdf"] = render_pdf(sheet_of(delivery, body, letterhead), fonts=fonts)
    return files


def sheet_of(delivery: Delivery, body: Body, letterhead: Letterhead = NO_LETTERHEAD) -> Sheet:
    """Return what the page of one view shows."""
    credential = delivery.certificate.parsed.credential
    document: dict[str, object] = {**rebuild_document(delivery.certificate, body.alias)}
    stated = document.get("conclusion")
    more = stated if isinstance(stated, dict) else {}
    document["conclusion"] = {"overall": credential.conclusion.value, **more}
    return Sheet(
        document=document,
        issuer_name=body.name,
        identifiers=body.identifiers,
        withheld=delivery.certificate.withheld,
        destination=delivery.destination,
        link_code=delivery.link_code,
        offline_code=delivery.offline_code,
        sdjwt=delivery.compact.encode("ascii"),
        receipt=delivery.receipt,
        signed_at=datetime.fromtimestamp(credential.issued_at, UTC),
        leaf=b64u(delivery.certificate.parsed.leaf),
        letterhead=letterhead,
    )

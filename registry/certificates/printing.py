"""Printing many certificates: chosen by state and time, one file after the other, with progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import select

from registry.access.domain import Reach
from registry.anchoring.trees import TreeShelf
from registry.bodies.domain import Body
from registry.bodies.models import BodyRow
from registry.bodies.service import get_body
from registry.certificates.cold_contents import is_here
from registry.certificates.delivery import Delivery, deliver
from registry.certificates.domain import StatusAct
from registry.certificates.listing import within
from registry.certificates.models import (
    CertificateRow,
    IssuedTokenRow,
    StatusOrderRow,
)
from registry.certificates.rendering.files import files_of, sheet_of
from registry.certificates.rendering.letterhead import Letterhead, load_letterhead
from registry.certificates.rendering.paper import render_pdf
from registry.kit.database import Database
from registry.kit.files import write_atomically


class Standing(StrEnum):
    """Which signed certificates are meant."""

    IN_FORCE = "in_force"
    REVOKED = "revoked"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which certificates are printed.

    Attributes:
        standing: Whether their revocation was ordered.
        since: First moment of signing, None for no limit.
        until: First moment that is too late, None for no limit.
        body: Id of the issuing body, None for every body.
        within: Tenants to which the bodies must belong; None for whoever owns the machine.
    """

    standing: Standing = Standing.IN_FORCE
    since: datetime | None = None
    until: datetime | None = None
    body: bytes | None = None
    within: Reach | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What a run did.

    Attributes:
        written: How many certificates were written.
        waiting: Numbers of those whose batch is not sealed yet; nothing of them is printed.
    """

    written: int
    waiting: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintRun:
    """Writes the pages of certificates into a folder.

    Attributes:
        database: Where they are stored.
        trees: The stored trees.
        fonts: Folders from `font_directories`.
        home: Folder of the installation, which holds the letterheads.
        verifier_host: Host that the codes show.
        everything: Write tokens, receipts and codes beside the pages.
        progress: Told how many are done and how many there are.
    """

    database: Database
    trees: TreeShelf
    fonts: Sequence[Path]
    home: Path
    verifier_host: str
    everything: bool = False
    progress: Callable[[int, int], object] = field(default=lambda _done, _total: None)
    _issuers: dict[bytes, tuple[Body, Letterhead]] = field(default_factory=dict, init=False)

    def run(self, selection: Selection, folder: Path) -> Printed:
        """Write the chosen certificates, in the order of their signing.

        A file appears complete or not at all; running it again writes the same bytes.

        Raises:
            OSError: The folder cannot be written.
        """
        identifiers = self.chosen(selection)
        folder.mkdir(parents=True, exist_ok=True)
        waiting: list[str] = []
        self.progress(0, len(identifiers))
        for done, identifier in enumerate(identifiers, start=1):
            delivery, body, letterhead = self.deliver(identifier)
            if delivery.sealed:
                self._write(delivery, body, letterhead, folder)
            else:
                waiting.append(delivery.number)
            self.progress(done, len(identifiers))
        return Printed(written=len(identifiers) - len(waiting), waiting=tuple(waiting))

    def deliver(self, identifier: str) -> tuple[Delivery, Body, Letterhead]:
        """Return what is printed of a certificate, in a transaction of its own.

        A run of minutes must not hold one state of the database.

        Raises:
            ContentErasedError: Its content was erased since it was chosen.
        """
        with self.database.read() as session:
            delivery = deliver(
                session, identifier, trees=self.trees, verifier_host=self.verifier_host
            )
            body_id = delivery.certificate.parsed.credential.body
            if body_id not in self._issuers:
                body = get_body(session, body_id).body
                self._issuers[body_id] = body, load_letterhead(self.home, body.alias)
        return delivery, *self._issuers[body_id]

    def page(self, delivery: Delivery, body: Body, letterhead: Letterhead) -> bytes:
        """Return the PDF of what `deliver` returned."""
        return render_pdf(sheet_of(delivery, body, letterhead), fonts=self.fonts)

    def chosen(self, selection: Selection) -> list[str]:
        """Return the ids of the chosen certificates whose content is still here."""
        statement = (
            select(CertificateRow.id)
            .join(IssuedTokenRow, IssuedTokenRow.certificate_id == CertificateRow.id)
            .where(is_here(CertificateRow.id))
            .order_by(IssuedTokenRow.issued_at, CertificateRow.number, CertificateRow.revision)
        )
        revoked = select(StatusOrderRow.certificate_id).where(
            StatusOrderRow.act == StatusAct.REVOKE
        )
        if selection.standing is Standing.IN_FORCE:
            statement = statement.where(CertificateRow.id.not_in(revoked))
        elif selection.standing is Standing.REVOKED:
            statement = statement.where(CertificateRow.id.in_(revoked))
        if selection.since is not None:
            statement = statement.where(IssuedTokenRow.issued_at >= selection.since)
        if selection.until is not None:
            statement = statement.where(IssuedTokenRow.issued_at < selection.until)
        if selection.body is not None:
            statement = statement.where(CertificateRow.body_id == selection.body)
        if selection.within is not None:
            statement = statement.join(BodyRow, BodyRow.id == CertificateRow.body_id)
            statement = statement.where(within(selection.within))
        with self.database.read() as session:
            return list(session.scalars(statement))

    def _write(self, delivery: Delivery, body: Body, letterhead: Letterhead, folder: Path) -> None:
        if self.everything:
            files = dict(files_of(delivery, body, fonts=self.fonts, letterhead=letterhead))
        else:
            files = {f"{delivery.stem}.pdf": self.page(delivery, body, letterhead)}
        for name, content in files.items():
            write_atomically(folder / body.alias / name, content)

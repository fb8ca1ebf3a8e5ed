"""A registry in which everything has happened, so that every table holds rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from registry.access.domain import Role
from registry.access.gate import Gate
from registry.access.secrets_at_rest import AccessKey
from registry.anchoring.models import LedgerWriteRow
from registry.audit_heads import queue_audit_head
from registry.bodies import service as bodies
from registry.bodies.models import BodyKeyRow
from registry.certificates.contents import Contents
from registry.certificates.cooling import cold_in, cool, warm
from registry.certificates.domain import StatusAct
from registry.certificates.service import get_certificates
from registry.certificates.status_orders import order_status
from registry.founding import make_missing_keys
from registry.idempotency.service import Answer, Repeatable, once
from registry.kit.database import Base, Database
from registry.kit.identifiers import new_id
from registry.kit.objects import FolderObjectStore
from registry.kit.objects.key_ring import KeyRing
from registry.reviews import service as reviews
from registry.safeguards.orders import approve_request, refuse_request, request_orders
from registry.safeguards.retention import erase
from registry.settings import CoSigning
from registry.standards.service import publish_release
from registry.status_writes import carry_orders
from tests.support.access_world import CHEAP, PASSWORD, AccessWorld
from tests.support.desk import tenant
from tests.support.fake_chain import CHAIN_ID, LEDGER
from tests.support.registry_world import LI, REGISTERED, WANG, World, samples
from tests.support.standards import store_seed
from verifier.checks.facts import RevocationReason

ERROR = RevocationReason.ERROR


def fill(world: World) -> None:
    """Let everything happen."""
    world.installation.contents = contents = contents_of(world.database, world.folder)
    _keys(world)
    _certificates(world)
    _people(world)
    store_seed(world.database)
    with world.database.begin() as session:
        at = world.clock()
        publish_release(session, effective_on=at.date(), actor=LI, at=at)
        queue_audit_head(session, at=at)
    world.anchor()
    carry_orders(
        world.database,
        accounts={f"body-{alias}": f"0x{n:040x}" for n, alias in enumerate(world.bodies, start=1)},
        chain_id=CHAIN_ID,
        ledger=LEDGER,
        now=world.clock(),
    )
    with world.database.begin() as session:
        _rare(session, world.clock())
    _make_cold(contents, world.clock().year)


def contents_of(database: Database, folder: Path) -> Contents:
    """Return the contents of a filled registry, whose store is in a folder."""
    return Contents(
        database=database, objects=FolderObjectStore(folder / "objects"), ring=KeyRing(bytes(32))
    )


def bring_back(contents: Contents, year: int) -> None:
    """Let nothing be cold, as a migration to an earlier revision demands."""
    with contents.database.read() as session:
        cold = cold_in(session, year)
    warm(contents, cold, actor=LI)


def _make_cold(contents: Contents, year: int) -> None:
    """Let one certificate be in the store alone, once the year is over."""
    later = datetime(year + 1, 1, 1, tzinfo=UTC)
    cool(contents, year, actor=LI, clock=lambda: later)
    with contents.database.read() as session:
        cold = cold_in(session, year)
    warm(contents, cold[1:], actor=LI, clock=lambda: later)


def _keys(world: World) -> None:
    """Let laboratories co-sign where the signer can."""
    make_missing_keys(
        world.database, world.signer, actor=LI, at=REGISTERED, co_signing=CoSigning.WHERE_POSSIBLE
    )
    with world.database.begin() as session:
        waiting = select(BodyKeyRow.thumbprint).where(BodyKeyRow.on_chain_since.is_(None))
        for thumbprint in session.scalars(waiting).all():
            bodies.mark_key_on_chain(session, thumbprint, REGISTERED)


def _certificates(world: World) -> None:
    document = samples()["documents"][0]
    issued = world.issue(*({**document, "number": f"N-{at}"} for at in range(5)))
    first, second, third, erased, _ = (each.certificate_id for each in issued)
    world.release(first, "customer")
    [returned, withdrawn] = world.draft(
        *({**document, "number": number} for number in ("N-returned", "N-withdrawn"))
    )
    world.approve([withdrawn])
    with world.database.begin() as session:
        at = world.clock()
        [row] = get_certificates(session, [returned])
        reviews.return_draft(session, row, remarks="which lot?", actor=WANG, at=at)
        [row] = get_certificates(session, [withdrawn])
        reviews.withdraw_approval(session, row, remarks="wrong lot", actor=WANG, at=at)
        order_status(session, second, StatusAct.SUSPEND, reason=ERROR, actor=LI, at=at)
        asked = {"reason": ERROR, "remark": "oven 3", "actor": LI, "at": at}
        request = request_orders(session, [second, third], **asked)
        approve_request(session, request, approver=WANG, at=at)
        request = request_orders(session, [first], **asked)
        refuse_request(session, request, remark="not that one", refuser=WANG, at=at)
        later = at + timedelta(seconds=1)
        erase(session, [erased], issued_before=later, ground="six years", actor=LI, at=at)


def _people(world: World) -> None:
    gate = Gate(
        database=world.database, key=AccessKey(b"k" * 32), passwords=CHEAP, clock=world.clock
    )
    people = AccessWorld(world.database, world.folder, world.clock, gate)  # type: ignore[arg-type]
    clerk = people.person("Li Na", (Role.CLERK, tenant(world, "demo-km")))
    people.login(clerk, "lina")
    people.token(clerk)
    gate.sign_in("lina", PASSWORD)
    asked = Repeatable(principal=clerk.id, key="import-0001", digest=bytes(32))
    once(world.database, asked, lambda _session: Answer(201, b"{}"), clock=world.clock)


def _rare(session: Session, at: datetime) -> None:
    """Store what happens only in trouble, without the trouble."""
    write = session.scalars(select(LedgerWriteRow.id)).first()
    key = session.scalars(select(BodyKeyRow.thumbprint)).first()
    report = new_id()
    rows: dict[str, dict[str, Any]] = {
        "quarantine_decisions": {
            "write_id": write, "version": 1, "quarantine": "root_mismatch", "decision": "resend",
            "actor": "Li Na", "person": "li na", "words": "looked at it", "decided_at": at,
        },
        "reconciliations": {
            "is_full": True, "started_at": at, "finished_at": at, "final_block": 1,
            "discrepancies": 0, "report": "{}",
        },
        "key_reports": {
            "id": report, "thumbprint": key, "since": at, "remark": "laptop lost",
            "reporter": "Li Na", "reporter_person": "li na", "reported_at": at,
        },
        "key_report_decisions": {
            "report_id": report, "reporter_person": "li na", "decider": "Wang Fang",
            "decider_person": "wang fang", "decided_at": at, "confirmed": False,
        },
    }  # fmt: skip
    for table, values in rows.items():
        session.execute(insert(Base.metadata.tables[table]), values)

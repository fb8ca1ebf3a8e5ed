"""Old contents leave the database, and whoever asks for them gets the same answers as before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from alembic import command
from click.testing import CliRunner
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import IntegrityError

from registry.anchoring.models import LeafRow
from registry.app import create_app
from registry.audit.repository import Filter
from registry.audit.service import entries, verify
from registry.certificates import cooling
from registry.certificates.cold_contents import ColdContents, attach_cold_contents
from registry.certificates.content_audit import check
from registry.certificates.contents import Contents
from registry.certificates.cooling import Cooled, cold_in, cool, outline_of, warm
from registry.certificates.domain import StatusAct
from registry.certificates.errors import (
    CertificateNotFoundError,
    ContentErasedError,
    YearNotClosedError,
)
from registry.certificates.issuing import Issued
from registry.certificates.models import (
    CertificateRow,
    ContentKeyRow,
    CooledContentRow,
    DisclosuresRow,
    IssuedTokenRow,
    SummaryRow,
)
from registry.certificates.printing import PrintRun, Selection, Standing
from registry.certificates.receipts import public_receipt
from registry.certificates.signed_contents import document_of
from registry.certificates.status_orders import order_status
from registry.cli import main
from registry.kit import schema
from registry.kit.objects import (
    DamagedObjectError,
    FolderObjectStore,
    ObjectStoreUnavailableError,
)
from registry.kit.objects.key_ring import KeyRing
from registry.safeguards.retention import erase, expired
from registry.settings import load_settings
from registry.verifications.service import StoredReceipts
from tests.support.registry_database import NOW as SIGNED
from tests.support.registry_world import LI, World, samples
from tests.support.stores import MoodyStore
from verifier.checks.facts import RevocationReason
from verifier.core.encoding import b64u
from verifier.core.errors import EvidenceUnavailableError

NOW = datetime(2028, 2, 1, 8, tzinfo=UTC)
YEAR = SIGNED.year
KEY = bytes(range(32))


@pytest.fixture
def store(world: World) -> MoodyStore:
    return MoodyStore(FolderObjectStore(world.folder / "objects"))


@pytest.fixture
def contents(world: World, store: MoodyStore, monkeypatch: pytest.MonkeyPatch) -> Contents:
    """The contents of an installation that settings name, as a process finds them."""
    monkeypatch.setenv("LANCANG_HOME", str(world.folder))
    path = world.folder / "keys" / "objects.key"
    path.write_text(KEY.hex() + "\n")
    path.chmod(0o600)
    contents = Contents(database=world.database, objects=store, ring=KeyRing(KEY))
    world.installation.objects = store
    world.installation.contents = contents
    reopen(world, store)
    return contents


def reopen(world: World, store: MoodyStore) -> None:
    """Let a new process read, which has no pack in memory."""
    attach_cold_contents(world.database, ColdContents(lambda: (store, KeyRing(KEY))))


@pytest.fixture
def old(world: World, contents: Contents) -> list[Issued]:
    """Certificates of a year that is over, published, and one of this year."""
    assert contents
    issued = world.issue(*samples()["documents"][:3])
    world.release(issued[0].certificate_id, "customer")
    world.anchor()
    world.clock.now = NOW
    world.issue(samples()["documents"][3])
    world.anchor()
    return issued


def cool_all(contents: Contents) -> Cooled:
    return cool(contents, YEAR, actor=LI, clock=lambda: NOW)


def answers(world: World) -> dict[str, Any]:
    """Return everything that a holder or the public can get."""
    with world.database.read() as session:
        rows = session.scalars(select(CertificateRow).order_by(CertificateRow.id)).all()
        leaves = list(session.scalars(select(LeafRow.leaf).order_by(LeafRow.id)))
        found: dict[str, Any] = {
            b64u(leaf): public_receipt(session, leaf, trees=world.trees) for leaf in leaves
        }
        found |= {row.id: document_of(session, row) for row in rows}
    for row in rows:
        delivery = world.deliver(row.id)
        found[f"{row.id} handed out"] = (delivery.compact, delivery.receipt, delivery.offline_code)
    return found


def count_of(world: World, table: type[Any]) -> int:
    with world.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def erase_all(world: World, identifiers: list[str]) -> None:
    with world.database.begin() as session:
        erase(
            session,
            identifiers,
            issued_before=SIGNED + timedelta(seconds=1),
            ground="six years after issue",
            actor=LI,
            at=NOW,
        )


def test_every_answer_is_the_same_without_the_records(
    world: World, contents: Contents, old: list[Issued]
) -> None:
    before = answers(world)
    with world.database.read() as session:
        planned = outline_of(session, YEAR)
    assert (planned.ready, planned.waiting, planned.cold) == (3, 0, 0)

    done = cool_all(contents)

    assert (done.certificates, done.stayed) == (3, [])
    assert done.record_bytes == planned.ready_bytes > 3 * 400
    assert count_of(world, DisclosuresRow) == 1  # that of this year
    assert answers(world) == before
    with world.database.read() as session:
        after = outline_of(session, YEAR)
        assert (after.ready, after.ready_bytes, after.cold) == (0, 0, 3)
        assert outline_of(session, NOW.year).ready == 1
        assert cold_in(session, YEAR) == [item.certificate_id for item in old]
        [act] = entries(session, Filter(action="contents.cool"))
        assert (act.entry.actor, act.entry.details["certificates"]) == ("Li Na", 3)
        assert act.entry.details["bytes"] == done.record_bytes
        verify(session)
    assert check(contents).findings == []
    assert cool_all(contents) == Cooled()


def test_a_year_that_is_not_over_stays(world: World, contents: Contents, old: list[Issued]) -> None:
    assert old
    with pytest.raises(YearNotClosedError):
        cool(contents, NOW.year, actor=LI, clock=lambda: NOW)
    assert count_of(world, DisclosuresRow) == 4


def test_what_is_not_published_stays(world: World, contents: Contents) -> None:
    world.issue(samples()["documents"][0])
    with world.database.read() as session:
        planned = outline_of(session, YEAR)
    assert (planned.ready, planned.waiting) == (0, 1)
    assert cool_all(contents).certificates == 0
    assert count_of(world, DisclosuresRow) == 1


def test_a_store_that_is_away_gives_no_answer_instead_of_a_wrong_one(
    world: World, contents: Contents, old: list[Issued], store: MoodyStore
) -> None:
    cool_all(contents)
    first = old[0].certificate_id
    held = world.deliver(first).compact
    store.away = True
    assert world.deliver(first).compact == held  # its pack is in memory
    reopen(world, store)
    receipts = StoredReceipts(world.database, world.trees)
    with pytest.raises(ObjectStoreUnavailableError):
        world.deliver(first)
    for leaf in (old[0].leaf, old[0].summary_leaf):
        with (
            world.database.read() as session,
            pytest.raises(ObjectStoreUnavailableError),
        ):
            public_receipt(session, leaf, trees=world.trees)
        with pytest.raises(EvidenceUnavailableError) as caught:
            receipts.fetch_receipt(leaf)
        assert caught.value.reason == "registry_unreachable"
    store.away = False
    assert world.deliver(first).compact == held


def test_a_process_that_was_told_of_no_store_says_so(
    world: World, contents: Contents, old: list[Issued]
) -> None:
    cool_all(contents)
    world.database.info.clear()
    with pytest.raises(ObjectStoreUnavailableError):
        world.deliver(old[0].certificate_id)


def test_a_pack_that_is_lost_is_damage_and_not_absence(
    world: World, contents: Contents, old: list[Issued]
) -> None:
    cool_all(contents)
    for path in (world.folder / "objects" / "contents").rglob("*"):
        if path.is_file():
            path.unlink()
    with world.database.read() as session, pytest.raises(DamagedObjectError):
        public_receipt(session, old[0].leaf, trees=world.trees)


def get(path: str) -> httpx.Response:
    """Ask a new process, without a network."""
    app = create_app(load_settings())

    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://registry.example") as client,
        ):
            return await client.get(path)

    return asyncio.run(call())


def test_the_api_answers_503_while_the_store_is_away(
    world: World, contents: Contents, old: list[Issued]
) -> None:
    cool_all(contents)
    path = f"/v1/receipts/{b64u(old[0].leaf)}"
    before = get(path)
    assert before.status_code == 200
    assert before.json()["token"].startswith("ey")
    packs, aside = (world.folder / "objects" / name for name in ("contents", "aside"))
    packs.rename(aside)
    packs.write_bytes(b"in the place of a disk that is not mounted")
    answer = get(path)
    assert (answer.status_code, answer.json()["code"]) == (503, "object_store_unavailable")
    packs.unlink()
    aside.rename(packs)
    assert get(path).content == before.content


def test_nothing_leaves_that_the_store_has_not(
    world: World, contents: Contents, old: list[Issued], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = cooling.record_in

    def differs(pack: Any, kept: Any, ring: Any) -> bytes | None:
        record = honest(pack, kept, ring)
        is_first = kept.certificate_id == old[0].certificate_id
        return record[:-1] + b"\x00" if is_first and record is not None else record

    monkeypatch.setattr(cooling, "record_in", differs)
    done = cool_all(contents)
    assert done.stayed == [(old[0].certificate_id, "record_differs")]
    assert done.certificates == 2
    with world.database.read() as session:
        assert session.get(DisclosuresRow, old[0].certificate_id) is not None


def test_a_damaged_pack_lets_nothing_leave(
    world: World, contents: Contents, old: list[Issued]
) -> None:
    for path in (world.folder / "objects" / "contents").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    done = cool_all(contents)
    assert done.certificates == 0
    assert sorted(done.stayed) == sorted((each.certificate_id, "damaged_object") for each in old)
    assert count_of(world, DisclosuresRow) == 4


def test_an_interrupted_run_goes_on(
    world: World, contents: Contents, old: list[Issued], store: MoodyStore
) -> None:
    assert old
    world.clock.now = SIGNED
    world.issue(samples()["documents"][0] | {"number": "N-4"})
    world.anchor()
    before = answers(world)
    gone: list[int] = []

    def goes_away(done: int) -> None:
        gone.append(done)
        store.away = True

    with pytest.raises(ObjectStoreUnavailableError):
        cool(contents, YEAR, actor=LI, clock=lambda: NOW, progress=goes_away)
    assert gone == [3]
    assert count_of(world, CooledContentRow) == 3
    store.away = False
    assert cool_all(contents).certificates == 1
    assert answers(world) == before


def test_an_erased_certificate_is_not_noted_as_cold(
    world: World, contents: Contents, old: list[Issued], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is erased by another process between the comparison and the deletion."""
    compared = cooling._same  # the seam between the two

    def same(*args: Any) -> Any:
        found = list(compared(*args))
        erase_all(world, [old[0].certificate_id])
        return found

    monkeypatch.setattr(cooling, "_same", same)
    assert cool_all(contents).certificates == 2
    assert count_of(world, CooledContentRow) == 2
    with pytest.raises(ContentErasedError):
        world.deliver(old[0].certificate_id)


def test_erasing_a_cold_certificate_destroys_its_key_and_leaves_the_evidence(
    world: World, contents: Contents, old: list[Issued], store: MoodyStore
) -> None:
    item = old[0]
    with world.database.read() as session:
        public = public_receipt(session, item.leaf, trees=world.trees)
        summary = public_receipt(session, item.summary_leaf, trees=world.trees)
    cool_all(contents)
    with world.database.read() as session:
        found = expired(session, issued_before=SIGNED + timedelta(seconds=1), limit=9)
    assert sorted(found) == sorted(each.certificate_id for each in old)

    reopen(world, store)
    store.away = True
    with pytest.raises(ObjectStoreUnavailableError):
        erase_all(world, [item.certificate_id])
    store.away = False
    world.deliver(item.certificate_id)  # nothing was erased
    erase_all(world, [item.certificate_id])

    with world.database.read() as session:
        assert session.get(ContentKeyRow, item.certificate_id) is None
        assert session.get(CooledContentRow, item.certificate_id) is None
        assert session.get_one(CertificateRow, item.certificate_id).document == "{}"
        assert session.get_one(IssuedTokenRow, item.certificate_id).jwt.count(".") == 2
        assert session.get(SummaryRow, item.summary_leaf) is not None
    with pytest.raises(ContentErasedError):
        world.deliver(item.certificate_id)
    with pytest.raises(ContentErasedError):
        contents.read(item.certificate_id)
    with pytest.raises(ContentErasedError):
        warm(contents, [item.certificate_id], actor=LI)
    store.away = True  # what is left needs no store of contents
    with world.database.read() as session:
        assert public_receipt(session, item.leaf, trees=world.trees) == public
        assert public_receipt(session, item.summary_leaf, trees=world.trees) == summary
    store.away = False
    assert check(contents).findings == []
    assert world.deliver(old[1].certificate_id).compact


def test_a_cold_certificate_is_shown_amended_revoked_and_printed(
    world: World, contents: Contents, old: list[Issued]
) -> None:
    first, second, third = (item.certificate_id for item in old)
    cool_all(contents)
    kept = check(contents).checked["parcels read"]
    document = samples()["documents"][0]
    replaces = {"number": document["number"], "revision": document.get("revision", 1)}
    customer = document["customer"] | {"name": "Another customer"}
    amended = document | {
        "revision": replaces["revision"] + 1,
        "replaces": replaces | {"reason": {"en": "customer"}},
        "customer": customer,
    }
    [item] = world.issue(amended)
    with world.database.read() as session:
        row = session.get_one(CertificateRow, item.certificate_id)
        assert '"changed":["customer.name"]' in document_of(session, row)
    with world.database.begin() as session:
        order_status(
            session, second, StatusAct.REVOKE, reason=RevocationReason.ERROR, actor=LI, at=NOW
        )
    release = world.release(third, "customer.name")
    world.anchor()
    assert world.deliver(third, release).sealed
    # The amendment, and both parts of the view of a cold certificate, are kept like all others.
    report = check(contents)
    assert report.findings == []
    assert report.checked["parcels read"] == kept + 1 + 2
    run = PrintRun(
        database=world.database, trees=world.trees, fonts=(), home=world.folder,
        verifier_host="verify.lancang.example",
    )  # fmt: skip
    assert {first, second, third} <= set(run.chosen(Selection(standing=Standing.ALL)))


def test_records_are_brought_back(
    world: World, contents: Contents, old: list[Issued], store: MoodyStore
) -> None:
    first, second = old[0].certificate_id, old[1].certificate_id
    with world.database.read() as session:
        record = session.get_one(DisclosuresRow, first).packed
    before = answers(world)
    cool_all(contents)
    assert warm(contents, [first, second], actor=LI, clock=lambda: NOW) == 2
    assert warm(contents, [first], actor=LI) == 0
    with world.database.read() as session:
        assert session.get_one(DisclosuresRow, first).packed == record
        assert cold_in(session, YEAR) == [old[2].certificate_id]
        [act] = entries(session, Filter(action="contents.warm"))
        assert act.entry.details["certificates"] == 2
    with pytest.raises(CertificateNotFoundError):
        warm(contents, ["00000000-0000-4000-8000-000000000000"], actor=LI)
    assert answers(world) == before
    store.away = True
    reopen(world, store)
    assert world.deliver(first).compact
    store.away = False
    assert cool_all(contents).certificates == 2


def delete_record(_item: Issued) -> str:
    return "DELETE FROM disclosures"


def forget_place(_item: Issued) -> str:
    return "DELETE FROM cooled_contents"


def move_place(_item: Issued) -> str:
    return "UPDATE cooled_contents SET position = position + 1"


def destroy_key(_item: Issued) -> str:
    return (
        "DELETE FROM content_keys WHERE certificate_id IN"
        " (SELECT certificate_id FROM cooled_contents)"
    )


def note_twin(_item: Issued) -> str:
    """Note as cold what is not in the store at that place."""
    return (
        "INSERT INTO cooled_contents (certificate_id, batch_id, position)"
        " SELECT d.certificate_id, l.batch_id, l.position + 1 FROM disclosures d"
        " JOIN issued_tokens t ON t.certificate_id = d.certificate_id"
        " JOIN leaves l ON l.leaf = t.leaf"
    )


@pytest.mark.parametrize(
    "statement", [delete_record, forget_place, move_place, destroy_key, note_twin]
)
def test_the_tables_refuse_what_would_lose_content(
    world: World, contents: Contents, old: list[Issued], statement: Callable[[Issued], str]
) -> None:
    cool_all(contents)
    with pytest.raises(IntegrityError), world.database.begin() as session:
        session.execute(text(statement(old[0])))


def test_nothing_is_noted_as_cold_before_it_is_published(world: World, contents: Contents) -> None:
    assert contents
    world.issue(samples()["documents"][0])
    with world.installation.worker() as worker:
        worker.round(flush=True)
    noted = text(
        "INSERT INTO cooled_contents (certificate_id, batch_id, position)"
        " SELECT t.certificate_id, l.batch_id, l.position FROM issued_tokens t"
        " JOIN leaves l ON l.leaf = t.leaf"
    )
    with world.database.read() as session:
        assert session.scalar(select(LeafRow.batch_id)) is not None
    with pytest.raises(IntegrityError), world.database.begin() as session:
        session.execute(noted)


@pytest.mark.parametrize("table", [CooledContentRow, ContentKeyRow])
def test_an_erasure_alone_does_not_make_a_cold_token_go(
    world: World, contents: Contents, old: list[Issued], table: type[Any]
) -> None:
    """The token stays, so it comes into its row before anything goes that leads to it."""
    assert old
    cool_all(contents)
    recorded = text(
        "INSERT INTO erasures (certificate_id, ground, erased_by, erased_person, erased_at)"
        " SELECT certificate_id, 'x', 'x', 'x', issued_at FROM issued_tokens"
    )

    def erase_too_early() -> None:
        with world.database.begin() as session:
            session.execute(recorded)
            session.execute(delete(table))

    with pytest.raises(IntegrityError):
        erase_too_early()


def test_the_migration_is_not_undone_while_something_is_cold(
    world: World, contents: Contents, old: list[Issued]
) -> None:
    cool_all(contents)
    config = schema.alembic_config()

    def downgrade() -> None:
        with world.database.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "20261121_0016_validity")

    with pytest.raises(RuntimeError, match="3 certificates are cold"):
        downgrade()
    schema.check(world.database)
    warm(contents, [item.certificate_id for item in old], actor=LI)
    before = answers(world)
    downgrade()
    schema.upgrade(world.database)
    assert answers(world) == before


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["retention", *arguments])


def test_the_commands(
    world: World, contents: Contents, old: list[Issued], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert contents
    monkeypatch.setattr("registry.commands.retention.system_clock", lambda: NOW)
    planned = run("cool", "--year", "2026", "--dry-run")
    assert planned.exit_code == 0, planned.output
    assert "3 certificates of 2026" in planned.output
    assert count_of(world, DisclosuresRow) == 4
    assert run("cool", "--year", "2026").exit_code == 2
    assert run("--yes", "cool", "--year", "2026", "--by", "Li Na").exit_code == 2
    early = run("cool", "--year", "2028", "--by", "Li Na")
    assert (early.exit_code, "year_not_closed" in early.output) == (1, True)
    done = run("cool", "--year", "2026", "--by", "Li Na")
    assert done.exit_code == 0, done.output
    assert "3 certificates of 2026" in done.output
    assert count_of(world, DisclosuresRow) == 1
    assert run("warm", "--by", "Li Na").exit_code == 2
    back = run("warm", old[0].certificate_id, "--by", "Li Na")
    assert "1 certificates were brought back" in back.output
    back = run("warm", "--year", "2026", "--by", "Li Na")
    assert "2 certificates were brought back" in back.output
    assert count_of(world, DisclosuresRow) == 4
    assert run("--ground", "x").exit_code == 2

"""Contents of certificates in the store: kept before sending, read back, erased, recovered."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from registry.anchoring.domain import QuarantineReason, WriteState
from registry.certificates import contents as module
from registry.certificates.content_audit import ContentReport, check, read_keys, recover
from registry.certificates.contents import Contents, rewrap
from registry.certificates.errors import CertificateNotFoundError, ContentErasedError
from registry.certificates.issuing import Issued
from registry.certificates.models import CertificateRow, ContentKeyRow, ContentPackRow
from registry.certificates.signed_contents import document_of
from registry.kit.errors import NotFoundError
from registry.kit.objects import (
    DamagedObjectError,
    FolderObjectStore,
    ObjectStore,
    ObjectStoreUnavailableError,
)
from registry.kit.objects.key_ring import KeyRing, UnknownObjectKeyError
from registry.kit.objects.s3 import S3ObjectStore
from registry.safeguards.retention import erase
from tests.support.registry_world import LI, World, samples
from tests.support.s3_server import FaultyProxy, pass_on, silent, wrong_bytes
from tests.support.stores import MoodyStore
from verifier.core.hashing import leaf_digest
from verifier.core.merkle import root_from_path

OLD, NEW = b"\x01" * 32, b"\x02" * 32


def keep_in(world: World, store: ObjectStore, ring: KeyRing | None = None) -> Contents:
    """Let the world's anchoring keep contents in a store."""
    contents = Contents(database=world.database, objects=store, ring=ring or KeyRing(OLD))
    world.installation.objects = store
    world.installation.contents = contents
    return contents


@pytest.fixture
def folder(world: World) -> Path:
    return world.folder / "objects"


@pytest.fixture
def contents(world: World, folder: Path) -> Contents:
    return keep_in(world, FolderObjectStore(folder))


def issue(world: World, count: int = 2) -> list[Issued]:
    return [world.issue(document)[0] for document in samples()["documents"][:count]]


def erase_all(world: World, items: list[Issued]) -> None:
    with world.database.begin() as session:
        erase(
            session,
            [item.certificate_id for item in items],
            issued_before=world.clock.now + timedelta(seconds=1),
            ground="six years after issue",
            actor=LI,
            at=world.clock.now,
        )


def count_of(world: World, table: type[Any]) -> int:
    with world.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def path_of(folder: Path, kind: str) -> Path:
    [path] = [path for path in (folder / kind).rglob("*") if path.is_file()]
    return path


def test_a_certificate_is_read_back_from_the_store(world: World, contents: Contents) -> None:
    items = issue(world)
    world.anchor()
    for item in items:
        content = contents.read(item.certificate_id)
        assert content.compact == world.deliver(item.certificate_id).compact
        assert content.leaf == item.leaf
        assert leaf_digest(content.summary) == item.summary_leaf
        with world.database.read() as session:
            row = session.get_one(CertificateRow, item.certificate_id)
            assert content.rebuilt_document() == document_of(session, row)
    report = check(contents)
    assert report.findings == []
    assert report.checked["parcels read"] == 2
    assert count_of(world, ContentKeyRow) == 2


def test_nothing_of_a_certificate_is_readable_in_the_store(
    world: World, contents: Contents, folder: Path
) -> None:
    [item] = issue(world, 1)
    world.anchor()
    stored = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    [disclosure] = contents.read(item.certificate_id).disclosures.split("~")[:1]
    for secret in (samples()["documents"][0]["number"], item.certificate_id, disclosure):
        assert secret.encode() not in stored


def test_what_is_not_anchored_yet_is_not_in_the_store(world: World, contents: Contents) -> None:
    [item] = issue(world, 1)
    with pytest.raises(NotFoundError):
        contents.read(item.certificate_id)
    with pytest.raises(CertificateNotFoundError):
        contents.read("00000000-0000-4000-8000-000000000000")


def test_views_made_later_are_kept_under_the_same_key(world: World, contents: Contents) -> None:
    [item] = issue(world, 1)
    world.anchor()
    world.release(item.certificate_id, "customer.name")
    world.anchor()
    assert count_of(world, ContentKeyRow) == 1
    assert count_of(world, ContentPackRow) == 2
    assert check(contents).findings == []


def test_nothing_is_sent_while_the_store_is_away_and_nothing_is_lost(
    world: World, folder: Path
) -> None:
    store = MoodyStore(FolderObjectStore(folder), away=True)
    contents = keep_in(world, store)
    items = issue(world)
    with world.installation.worker() as worker:
        done = worker.round(flush=True)
        assert isinstance(done.problem, ObjectStoreUnavailableError)
    items += [world.issue(samples()["documents"][2])[0]]  # issuing goes on
    [(state, _, _)] = world.installation.batches()
    assert state is WriteState.SEALED
    assert world.installation.chain.events == []
    store.away = False
    world.anchor()
    assert {state for state, _, _ in world.installation.batches()} == {WriteState.PUBLISHED}
    assert [contents.read(item.certificate_id).leaf for item in items] == [i.leaf for i in items]


@pytest.mark.parametrize("puts", [0, 1])
def test_killed_between_tree_and_contents_it_goes_on(world: World, folder: Path, puts: int) -> None:
    store = MoodyStore(FolderObjectStore(folder), puts_left=puts)
    contents = keep_in(world, store)
    [item] = issue(world, 1)
    with world.installation.worker() as worker:
        worker.round(flush=True)
    assert world.installation.chain.events == []
    store.away, store.puts_left = False, None
    world.anchor()
    assert contents.read(item.certificate_id).leaf == item.leaf
    assert count_of(world, ContentKeyRow) == 1
    assert check(contents).findings == []


def test_a_store_that_keeps_other_bytes_stops_the_batch(
    world: World, faulty: S3ObjectStore, proxy: FaultyProxy
) -> None:
    keep_in(world, faulty)
    [item] = issue(world, 1)
    faulty.probe()
    proxy.always = True
    proxy.fail("GET", wrong_bytes)
    with world.installation.worker() as worker:
        worker.round(flush=True)
    [(state, _, _)] = world.installation.batches()
    assert state is WriteState.QUARANTINED
    assert world.installation.write(1).quarantine is QuarantineReason.OBJECT_MISMATCH
    assert world.installation.chain.events == []
    assert world.deliver(item.certificate_id).sealed is False


def test_contents_in_a_bucket_outlive_its_outages(
    world: World, faulty: S3ObjectStore, proxy: FaultyProxy
) -> None:
    contents = keep_in(world, faulty)
    items = issue(world)
    proxy.fail("GET", pass_on)
    proxy.fail("PUT", silent, silent, silent)
    with world.installation.worker() as worker:
        assert isinstance(worker.round(flush=True).problem, ObjectStoreUnavailableError)
    assert world.installation.chain.events == []
    world.anchor()
    assert [contents.read(item.certificate_id).leaf for item in items] == [i.leaf for i in items]
    assert check(contents).findings == []


def test_erasing_destroys_the_key_and_every_copy_with_it(
    world: World, contents: Contents, folder: Path
) -> None:
    kept, gone = issue(world)
    world.anchor()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    erase_all(world, [gone])
    with pytest.raises(ContentErasedError):
        contents.read(gone.certificate_id)
    assert contents.read(kept.certificate_id).leaf == kept.leaf
    assert {path: path.read_bytes() for path in before} == before  # the store is not asked
    report = check(contents)
    assert report.findings == []
    assert report.checked["erased parcels"] == 1
    found = recover(contents.objects, contents.ring, dict(read_keys(world.database)), report)
    assert [each.content.certificate_id for each in found] == [kept.certificate_id]


def test_what_is_erased_before_its_batch_is_never_written(world: World, contents: Contents) -> None:
    kept, gone = issue(world)
    erase_all(world, [gone])
    world.anchor()
    with pytest.raises(ContentErasedError):
        contents.read(gone.certificate_id)
    report = check(contents)
    assert (report.findings, "erased parcels" in report.checked) == ([], False)
    assert contents.read(kept.certificate_id).leaf == kept.leaf


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM content_keys",
        "UPDATE content_keys SET wrapped = key_id",
        "UPDATE content_packs SET object = (SELECT root FROM batches)",
        "DELETE FROM content_packs",
    ],
)
def test_no_key_is_destroyed_without_a_record(
    world: World, contents: Contents, statement: str
) -> None:
    issue(world, 1)
    world.anchor()
    with pytest.raises(IntegrityError), world.database.begin() as session:
        session.execute(text(statement))


def test_erased_content_gets_no_key_again(world: World, contents: Contents) -> None:
    [item] = issue(world, 1)
    world.anchor()
    with world.database.read() as session:
        kept = session.get_one(ContentKeyRow, item.certificate_id)
        key_id, wrapped = kept.key_id, kept.wrapped
    erase_all(world, [item])
    with pytest.raises(IntegrityError), world.database.begin() as session:
        session.add(
            ContentKeyRow(certificate_id=item.certificate_id, key_id=key_id, wrapped=wrapped)
        )


def test_the_object_key_is_changed_while_both_are_read(world: World, contents: Contents) -> None:
    items = issue(world, 3)
    world.anchor()
    both = KeyRing(NEW, earlier=[OLD])
    assert rewrap(world.database, both, limit=2) == 2
    changing = Contents(database=world.database, objects=contents.objects, ring=both)
    for item in items:
        assert changing.read(item.certificate_id).leaf == item.leaf
    with pytest.raises(UnknownObjectKeyError):
        rewrap(world.database, KeyRing(NEW), limit=9)
    assert (rewrap(world.database, both, limit=2), rewrap(world.database, both, limit=2)) == (1, 0)
    changed = Contents(database=world.database, objects=contents.objects, ring=KeyRing(NEW))
    assert check(changed).findings == []
    assert {code for code, _ in check(contents).findings} == {"key_unknown"}


def test_the_store_and_its_keys_alone_give_everything_back(
    world: World, contents: Contents, folder: Path
) -> None:
    items = issue(world, 3)
    world.anchor()
    keys = dict(read_keys(world.database))
    report = ContentReport()
    found = list(recover(FolderObjectStore(folder), KeyRing(OLD), keys, report))
    assert {each.content.certificate_id for each in found} == {i.certificate_id for i in items}
    for each in found:
        assert each.content.compact == world.deliver(each.content.certificate_id).compact
        way = each.tree.way(each.position)
        path = (*way.below, *way.above)
        size = each.tree.size
        root = root_from_path(each.content.leaf, index=each.position, size=size, path=path)
        assert root in {root for root, _ in world.installation.chain.events}
    none = list(recover(FolderObjectStore(folder), KeyRing(OLD), {}, report))
    assert (none, report.checked["certificates without a key"]) == ([], 3)


def test_damage_and_loss_in_the_store_are_found(
    world: World, contents: Contents, folder: Path
) -> None:
    [item] = issue(world, 1)
    world.anchor()
    pack, tree = path_of(folder, "contents"), path_of(folder, "trees")
    content = pack.read_bytes()
    pack.write_bytes(content[:-1])
    assert [code for code, _ in check(contents).findings] == ["object_damaged"]
    with pytest.raises(DamagedObjectError):
        contents.read(item.certificate_id)
    pack.unlink()
    assert [code for code, _ in check(contents).findings] == ["pack_missing"]
    with pytest.raises(NotFoundError):
        contents.read(item.certificate_id)
    pack.write_bytes(content)
    tree.unlink()
    assert [code for code, _ in check(contents).findings] == ["tree_missing"]


def test_batches_of_earlier_releases_are_kept_afterwards(world: World, folder: Path) -> None:
    items = issue(world)
    world.anchor()  # without contents
    contents = keep_in(world, FolderObjectStore(folder))
    assert [code for code, _ in check(contents).findings] == ["contents_not_kept"]
    assert contents.keep_all() == 1
    assert check(contents).findings == []
    assert contents.read(items[0].certificate_id).leaf == items[0].leaf
    assert contents.keep_all() == 0


def waits_for_a_lock(world: World) -> bool:
    with world.database.read() as session:
        return bool(
            session.scalar(
                text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            )
        )


def test_an_erasure_in_the_same_moment_leaves_no_key(
    world: World, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is made and not committed yet when the erasure begins: it must still find it."""
    [item] = issue(world, 1)
    eraser = threading.Thread(target=erase_all, args=(world, [item]))
    make_keys = module._data_keys

    def with_an_erasure(session: Session, owners: set[str], ring: KeyRing) -> Any:
        made = make_keys(session, owners, ring)
        if eraser.ident is None:
            eraser.start()
            while world.database.engine.dialect.name == "postgresql":
                if waits_for_a_lock(world):
                    break
                eraser.join(0.02)
                assert eraser.is_alive(), "the erasure did not wait for the keys"
        return made

    monkeypatch.setattr(module, "_data_keys", with_an_erasure)
    world.anchor()
    eraser.join()
    assert count_of(world, ContentKeyRow) == 0
    with pytest.raises(ContentErasedError):
        contents.read(item.certificate_id)
    report = check(contents)
    assert report.findings == []
    assert "parcels read" not in report.checked

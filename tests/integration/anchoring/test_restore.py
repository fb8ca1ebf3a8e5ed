"""A database restored to an earlier time: reconciliation finds exactly what it lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.anchoring.domain import BatchPolicy, LedgerAct
from registry.anchoring.findings import Reconciliation
from registry.anchoring.inspection import Inspector
from registry.anchoring.reconciliation import reconcile
from registry.anchoring.root_audit import RootOutcome, audit_database, audit_store
from registry.anchoring.status import Controller, StatusOrder, enqueue_status
from registry.anchoring.trees import TreeShelf
from registry.kit import schema
from registry.kit.database import Database
from tests.support.anchoring import Installation
from tests.support.fake_chain import CHAIN_ID, LEDGER
from tests.support.postgres import PostgresServer, postgres_server
from tests.support.registry_database import NOW
from tests.support.registry_world import World, build_world, samples
from verifier.checks.facts import RevocationReason

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server(archiving=True) as running:
        yield running


def migrated(server: PostgresServer) -> str:
    name = server.create()
    database = Database(server.url(name))
    schema.upgrade(database)
    database.dispose()
    return name


def issue(world: World, first: int, count: int) -> None:
    """Issue and anchor certificates, ten to a batch."""
    documents = []
    for number in range(first, first + count):
        document = json.loads(json.dumps(samples()["documents"][0]))
        document["number"] = f"DEMO-RESTORE-{number:04}"
        documents.append(document)
    world.issue(*documents)
    world.anchor()


def revoke(home: Installation, index: int) -> None:
    order = StatusOrder(
        id=index,
        body_id=b"\x0b" * 32,
        list_number=0,
        index=index,
        act=LedgerAct.REVOKE,
        reason=RevocationReason.ERROR,
    )
    controller = Controller(
        account=home.signer.address, by_party=False, chain_id=CHAIN_ID, contract=LEDGER
    )
    with home.database.begin() as session:
        enqueue_status(session, [order], controller, now=home.now)
    home.finish()


def roots(home: Installation) -> set[str]:
    return {root.hex() for _, root, _ in home.batches() if root is not None}


def examine(home: Installation) -> Reconciliation:
    return reconcile(home.database, home.chain, TreeShelf(home.objects), now=home.now)


def restored_to(home: Installation, url: str) -> Installation:
    """Return the installation with another database; chain and store are as they are."""
    twin = Installation(
        home.folder, url, chain=home.chain, signer=home.signer, policy=home.policy, now=home.now
    )
    twin.objects = home.objects
    return twin


def assert_exactly_lost(report: Reconciliation, lost: set[str], *, revocations: int) -> None:
    found = [(each.code, each.data.get("root")) for each in report.discrepancies]
    expected = [(code, root) for root in lost for code in ("orphan_anchor", "orphan_tree")]
    expected += [("revocation_not_ordered", None)] * revocations
    assert sorted(found, key=str) == sorted(expected, key=str)
    anchors = [each for each in report.discrepancies if each.code == "orphan_anchor"]
    assert all(each.data["tree_object"] for each in anchors)  # the leaves are in the store


def test_recovered_to_a_moment(tmp_path: Path) -> None:
    """Base backup, archived log, disaster after twenty more certificates."""
    with postgres_server(archiving=True) as server:
        name = migrated(server)
        home = Installation(tmp_path, server.url(name), policy=BatchPolicy(max_leaves=10), now=NOW)
        world = build_world(home)
        issue(world, 0, 3)
        backup = server.back_up()
        issue(world, 3, 3)  # only in the log that is replayed
        revoke(home, 4)
        assert examine(home).discrepancies == []
        kept, signed = roots(home), home.signer.signed
        server.mark("before")

        issue(world, 6, 20)
        revoke(home, 300)
        lost = roots(home) - kept
        assert len(lost) >= 2
        assert examine(home).discrepancies == []
        home.database.dispose()
        server.stop()

        with server.recovered(backup, at="before") as second:
            twin = restored_to(home, second.url(name))
            assert roots(twin) == kept
            assert_exactly_lost(examine(twin), lost, revocations=1)
            inspector = Inspector(
                database=twin.database,
                chain=twin.chain,
                trees=TreeShelf(twin.objects),
                lock_folder=tmp_path / "locks",
                clock=lambda: twin.now,
            )
            assert inspector.compare(full=True).discrepancies  # read only: nothing was recorded
            outcomes = {check.outcome for check in audit_store(TreeShelf(twin.objects), twin.chain)}
            assert outcomes == {RootOutcome.ANCHORED}  # nothing is lost to a verifier

            # Work goes on where the chain is, not where the restored counter was.
            leaves = twin.queue(b"after the restore")
            twin.finish()
            assert twin.proof(leaves[0]) is not None
            assert twin.attempts()[-1].nonce == signed + len(lost) + 1
            assert_exactly_lost(examine(twin), lost, revocations=1)
            unknown = [
                check.root.hex()
                for check in audit_database(twin.database, twin.chain)
                if check.outcome is RootOutcome.LEAVES_UNKNOWN
            ]
            assert set(unknown) == lost
            twin.database.dispose()


def test_restored_from_a_dump(server: PostgresServer, tmp_path: Path) -> None:
    name = migrated(server)
    home = Installation(tmp_path, server.url(name), policy=BatchPolicy(max_leaves=5))
    home.queue(*(b"before %d" % number for number in range(7)))
    home.finish()
    kept = roots(home)
    address = ["-h", "127.0.0.1", "-p", str(server.port), "-U", "lancang"]
    dump = tmp_path / "lancang.dump"
    server.tool("pg_dump", *address, "-Fc", "-f", str(dump), name)
    home.queue(*(b"after %d" % number for number in range(20)))
    home.finish()
    lost = roots(home) - kept
    assert len(lost) == 4
    home.database.dispose()

    other = server.create()
    server.tool("pg_restore", *address, "--exit-on-error", "-d", other, str(dump))
    twin = restored_to(home, server.url(other))
    schema.check(twin.database)  # triggers and constraints came along
    assert_exactly_lost(examine(twin), lost, revocations=0)
    twin.database.dispose()

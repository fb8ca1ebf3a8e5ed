"""Signing: what leaves is what was approved, stored with its leaves or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from registry.anchoring.domain import LeafKind
from registry.anchoring.models import LeafRow
from registry.bodies.errors import NoSigningKeyError
from registry.certificates import issuing
from registry.certificates.domain import STATUS_BLOCK, STATUS_LIST
from registry.certificates.errors import (
    CertificateNotFoundError,
    DeliveryMismatchError,
    WrongStateError,
)
from registry.certificates.models import (
    CertificateRow,
    IssuedTokenRow,
    StatusBlockRow,
    StatusEntryRow,
    SummaryRow,
)
from registry.certificates.positions import reserve_positions
from registry.kit.import_problems import ImportRefusedError
from registry.safeguards.retention import erase
from registry.signing.description import SigningRequest
from registry.signing.errors import SigningRefusedError
from tests.support.registry_world import LI, REGISTERED, World, samples
from verifier.checks.facts import KeyPurpose
from verifier.core.certificate import parse_certificate
from verifier.core.encoding import b64u
from verifier.core.ids import StatusEntry
from verifier.core.views import make_view, resolve_certificate


def numbered(number: str, position: int = 0) -> dict[str, Any]:
    document: dict[str, Any] = samples()["documents"][position]
    document["number"] = number
    return document


def count(world: World, table: type[Any]) -> int:
    with world.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_every_sample_is_issued_as_approved(world: World) -> None:
    documents = samples()["documents"]
    issued = world.issue(*documents)
    assert [item.number for item in issued] == [each["number"] for each in documents]
    for item, document in zip(issued, documents, strict=True):
        delivery = world.deliver(item.certificate_id)
        resolved = resolve_certificate(parse_certificate(delivery.compact))
        credential = resolved.parsed.credential
        purpose = (
            KeyPurpose.CERTIFICATE if document["kind"] == "TestCertificate" else KeyPurpose.RECORD
        )
        key = world.key(document["issuer"]["body"], purpose)
        assert resolved.parsed.jws.signed_by(key.public_key)
        assert resolved.complete
        assert credential.credential_id == f"urn:uuid:{item.certificate_id}"
        assert credential.issued_at == int(world.clock.now.timestamp())
        assert resolved.parsed.leaf == item.leaf


def test_both_leaves_are_queued_with_the_certificate(world: World) -> None:
    [item] = world.issue(samples()["documents"][3])
    with world.database.read() as session:
        leaves = {row.leaf: row.kind for row in session.scalars(select(LeafRow))}
        owners = set(session.scalars(select(LeafRow.certificate_id)))
    assert leaves == {item.leaf: LeafKind.RECORD, item.summary_leaf: LeafKind.SUMMARY}
    assert owners == {item.certificate_id}


def test_salts_are_never_repeated(world: World) -> None:
    issued = world.issue(*(numbered(f"N-{at}") for at in range(5)))
    seen: set[str] = set()
    total = 0
    for item in issued:
        disclosures = world.deliver(item.certificate_id).certificate.parsed.disclosures
        total += len(disclosures)
        seen |= {disclosure[:24] for disclosure in disclosures}  # '["' and the salt in base64url
    assert len(seen) == total


def test_what_is_signed_never_changes_in_the_database(world: World) -> None:
    [item] = world.issue(samples()["documents"][0])
    world.release(item.certificate_id, "customer")
    changes: dict[str, dict[str, object]] = {
        "issued_tokens": {"jwt": "x", "leaf": bytes(32), "issued_at": REGISTERED},
        "disclosures": {"disclosures": "x", "packed": b"x"},
        "summaries": {"entry": b"x", "leaf": bytes(32), "release_leaf": None},
        "release_statements": {"token": "x", "withheld": "[]", "leaf": bytes(32)},
        "status_entries": {"position": -1, "list_number": 9},
        "certificates": {"state": "draft", "document": "{}", "revision": 7},
    }
    for table, columns in changes.items():
        for column, value in columns.items():
            statement = text(f"UPDATE {table} SET {column} = :value")  # noqa: S608
            with pytest.raises(IntegrityError), world.database.begin() as session:
                session.execute(statement, {"value": value})
        if table != "disclosures":
            with pytest.raises(IntegrityError), world.database.begin() as session:
                session.execute(text(f"DELETE FROM {table}"))  # noqa: S608
    assert world.deliver(item.certificate_id).compact


def test_only_approved_certificates_are_signed(world: World) -> None:
    [draft] = world.draft(samples()["documents"][0])
    with pytest.raises(WrongStateError):
        world.issuer().issue([draft])
    world.approve([draft])
    world.issuer().issue([draft])
    with pytest.raises(WrongStateError):
        world.issuer().issue([draft])
    with pytest.raises(CertificateNotFoundError):
        world.issuer().issue(["00000000-0000-0000-0000-000000000000"])
    assert count(world, IssuedTokenRow) == 1


def test_a_body_without_a_key_on_chain_signs_nothing(world: World) -> None:
    identifiers = world.draft(samples()["documents"][0])
    world.approve(identifiers)
    with world.database.begin() as session:
        session.execute(text("UPDATE body_keys SET sign_until = '2026-11-01 00:00:00.000000'"))
    with pytest.raises(NoSigningKeyError):
        world.issuer().issue(identifiers)
    assert count(world, StatusEntryRow) == 0


def test_a_signer_with_another_clock_signs_nothing(world: World) -> None:
    identifiers = world.draft(samples()["documents"][0])
    world.approve(identifiers)
    issuer = issuing.Issuer(
        database=world.database,
        signer=world.signer,
        clock=lambda: world.clock.now.replace(day=22),
    )
    with pytest.raises(SigningRefusedError) as caught:
        issuer.issue(identifiers)
    assert caught.value.reason == "wrong_time"


def test_an_interrupted_signing_keeps_its_position_and_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    identifiers = world.draft(samples()["documents"][0])
    world.approve(identifiers)

    def dies(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(issuing, "store", dies)
        with pytest.raises(ConnectionError):
            world.issuer().issue(identifiers)
    assert (count(world, StatusEntryRow), count(world, IssuedTokenRow)) == (1, 0)
    with world.database.read() as session:
        reserved = session.scalars(select(StatusEntryRow.position)).one()
    [item] = world.issuer().issue(identifiers)
    status = world.deliver(item.certificate_id).certificate.parsed.credential.status
    assert status.index == reserved


def test_a_portion_is_stored_as_a_whole_or_not_at_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    identifiers = world.draft(*(numbered(f"N-{at}") for at in range(3)))
    world.approve(identifiers)
    honest, calls = world.signer.sign_many, 0

    def refuses_the_summaries(requests: Sequence[SigningRequest]) -> list[bytes]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise SigningRefusedError("test", "no")
        return honest(requests)

    monkeypatch.setattr(world.signer, "sign_many", refuses_the_summaries)
    with pytest.raises(SigningRefusedError):
        world.issuer().issue(identifiers)
    monkeypatch.undo()
    assert (count(world, IssuedTokenRow), count(world, LeafRow)) == (0, 0)
    assert len(world.issuer().issue(identifiers)) == 3


def test_two_workers_sign_one_certificate_once(world: World) -> None:
    identifiers = world.draft(samples()["documents"][0])
    world.approve(identifiers)
    ready = threading.Barrier(2, timeout=10)
    outcomes: list[str] = []

    def sign() -> None:
        ready.wait()
        try:
            world.issuer().issue(identifiers)
        except (WrongStateError, IntegrityError):
            outcomes.append("late")
        else:
            outcomes.append("signed")

    threads = [threading.Thread(target=sign) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["late", "signed"]
    assert (count(world, IssuedTokenRow), count(world, LeafRow)) == (1, 2)


@pytest.mark.parametrize("position", range(4))
def test_a_token_that_differs_from_the_draft_never_leaves(
    world: World, monkeypatch: pytest.MonkeyPatch, position: int
) -> None:
    """The issuing code is made to sign another document than the approved one."""
    document = samples()["documents"][position]
    identifiers = world.draft(document)
    world.approve(identifiers)
    honest: Callable[..., Any] = issuing.accepted_document

    def tampers(value: Any, **how: Any) -> object:
        value["consignment"]["container_no"] = "EVIL1234567"
        return honest(value, **how)

    monkeypatch.setattr(issuing, "accepted_document", tampers)
    with pytest.raises(DeliveryMismatchError, match="content"):
        world.issuer().issue(identifiers)
    assert (count(world, IssuedTokenRow), count(world, SummaryRow)) == (0, 0)


@pytest.mark.parametrize(("spoiled", "what"), [(1, "certificate"), (2, "summary")])
def test_a_signature_by_another_key_never_leaves(
    world: World, monkeypatch: pytest.MonkeyPatch, spoiled: int, what: str
) -> None:
    identifiers = world.draft(*(numbered(f"N-{at}") for at in range(2)))
    world.approve(identifiers)
    honest, calls = world.signer.sign_many, 0

    def spoils_one(requests: Sequence[SigningRequest]) -> list[bytes]:
        nonlocal calls
        calls += 1
        signatures = honest(requests)
        return signatures if calls != spoiled else [signatures[0], bytes(64)]

    monkeypatch.setattr(world.signer, "sign_many", spoils_one)
    with pytest.raises(DeliveryMismatchError, match=f"new {what} differs in signature"):
        world.issuer().issue(identifiers)
    assert count(world, IssuedTokenRow) == 0


class TestAmendments:
    def original(self) -> dict[str, Any]:
        document = samples()["documents"][2]
        document |= {
            "number": "DEMO-YN-2026-8001100-000008",
            "revision": 1,
            "replaces": None,
        }
        return document

    def test_the_new_one_names_the_leaf_of_the_old_one_and_revokes_it(self, world: World) -> None:
        [old] = world.issue(self.original())
        [new] = world.issue(samples()["documents"][2])
        subject = world.deliver(new.certificate_id).certificate.claims["credentialSubject"]
        assert isinstance(subject, dict)
        replaces = subject["replaces"]
        assert isinstance(replaces, dict)
        assert replaces["leaf"] == b64u(old.leaf)
        assert replaces["changed"] == []
        with world.database.read() as session:
            row = session.get_one(CertificateRow, new.certificate_id)
            orders = session.execute(text("SELECT act, reason FROM status_orders")).all()
        assert row.replaces_id == old.certificate_id
        assert orders == [("revoke", 2)]

    def test_the_new_one_names_every_changed_field_and_nobody_types_that(
        self, world: World
    ) -> None:
        world.issue(self.original())
        amended = samples()["documents"][2]
        amended["consignment"]["lot_no"] = "SN-26-0912"
        amended["results"][1]["remark"] = "measured again"
        amended["results"].append({**amended["results"][0], "sample_id": "S-9"})
        added = f"results.{len(amended['results'])}"
        changed = sorted(["consignment.lot_no", "results.2.remark", added])

        stated = {**amended["replaces"], "changed": ["consignment.lot_no"]}
        with pytest.raises(ImportRefusedError) as refused:
            world.draft(amended | {"replaces": stated})
        assert [(each.pointer, each.code) for each in refused.value.problems] == [
            ("/0/replaces/changed", "changed_differs")
        ]
        [new] = world.issue(amended)

        delivery = world.deliver(new.certificate_id)
        assert delivery.certificate.report_document()["disclosed"]["replaces.changed"] == changed
        withheld = make_view(delivery.certificate, ["consignment.lot_no"])
        subject = parse_certificate(withheld.compact).credential.subject
        assert subject["replaces"]["changed"] == changed  # a view says it too
        same = amended | {"replaces": {**amended["replaces"], "changed": changed[::-1]}}
        assert world.draft(same) == [new.certificate_id]

    def test_an_amendment_of_an_unknown_certificate_revokes_nothing(self, world: World) -> None:
        [new] = world.issue(samples()["documents"][2])
        with world.database.read() as session:
            assert session.get_one(CertificateRow, new.certificate_id).replaces_id is None
            assert session.execute(text("SELECT count(*) FROM status_orders")).scalar() == 0


class TestPositions:
    def reserve(
        self, world: World, identifiers: list[str], choose: Callable[[int], int]
    ) -> dict[str, StatusEntry]:
        body = world.bodies["demo-km"].id
        with world.database.begin() as session:
            return reserve_positions(session, body, identifiers, choose=choose)

    def test_positions_of_a_body_differ_and_stay(self, world: World) -> None:
        identifiers = world.draft(*(numbered(f"N-{at}") for at in range(20)))
        first = self.reserve(world, identifiers[:10], lambda _: 0)
        both = self.reserve(world, identifiers, lambda below: below - 1)
        assert {both[each] for each in identifiers[:10]} == set(first.values())
        assert len(set(both.values())) == 20

    def test_blocks_are_opened_at_random_places(self, world: World) -> None:
        identifiers = world.draft(numbered("N"))
        entry = self.reserve(world, identifiers, lambda below: below - 1)[identifiers[0]]
        assert entry == StatusEntry(list_number=0, index=STATUS_LIST - 1)

    def test_a_full_block_is_followed_by_another_and_a_full_list_by_the_next(
        self, world: World
    ) -> None:
        body = world.bodies["demo-km"].id
        with world.database.begin() as session:
            for block in range(STATUS_LIST // STATUS_BLOCK - 1):
                session.add(
                    StatusBlockRow(
                        body_id=body,
                        list_number=0,
                        block=block,
                        drawn=b"\xff" * (STATUS_BLOCK // 8),
                        free=0,
                    )
                )
            session.add(
                StatusBlockRow(
                    body_id=body,
                    list_number=0,
                    block=STATUS_LIST // STATUS_BLOCK - 1,
                    drawn=b"\xff" * (STATUS_BLOCK // 8 - 1) + b"\xfe",
                    free=1,
                )
            )
        identifiers = world.draft(numbered("A"), numbered("B"))
        entries = self.reserve(world, identifiers, lambda _: 0)
        assert entries[identifiers[0]] == StatusEntry(list_number=0, index=STATUS_LIST - 1)
        assert entries[identifiers[1]] == StatusEntry(list_number=1, index=0)

    def test_the_database_refuses_one_position_twice(self, world: World) -> None:
        one, other = world.draft(numbered("A"), numbered("B"))
        entry = self.reserve(world, [one], lambda _: 0)[one]
        with pytest.raises(IntegrityError), world.database.begin() as session:
            session.add(
                StatusEntryRow(
                    body_id=world.bodies["demo-km"].id,
                    list_number=entry.list_number,
                    position=entry.index,
                    certificate_id=other,
                )
            )

    def test_many_workers_draw_different_positions(self, world: World) -> None:
        identifiers = world.draft(*(numbered(f"N-{at}") for at in range(40)))
        parts = [identifiers[at::4] for at in range(4)]
        drawn: list[StatusEntry] = []
        failures: list[Exception] = []

        def draw(part: list[str]) -> None:
            try:
                drawn.extend(self.reserve(world, part, lambda _: 0).values())
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=draw, args=(part,)) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(set(drawn)) == 40


def test_erasing_the_disclosures_leaves_the_evidence(world: World) -> None:
    [item] = world.issue(samples()["documents"][0])
    with world.database.begin() as session:
        later = world.clock.now + timedelta(seconds=1)
        erase(
            session, [item.certificate_id], issued_before=later, ground="test", actor=LI, at=later
        )
    with world.database.read() as session:
        assert session.get_one(IssuedTokenRow, item.certificate_id).leaf == item.leaf

"""What holders receive, whole and as a view, judged by the verifier."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from registry.anchoring.models import LeafRow
from registry.bodies.importers import scope_rows_of
from registry.bodies.service import mark_scope_on_chain, publish_scope
from registry.certificates.errors import (
    ContentErasedError,
    NothingToWithholdError,
    ReceiptNotFoundError,
    WrongStateError,
)
from registry.certificates.receipts import public_receipt
from registry.safeguards.retention import erase
from registry.verifications.service import StoredReceipts
from tests.support.evidence_builders import trust_profile
from tests.support.registry_world import LI, World, samples
from verifier.checks.verdict import Overall
from verifier.core.certificate import parse_certificate
from verifier.core.errors import MalformedEvidenceError
from verifier.core.link_code import parse_link_code
from verifier.core.offline_code import parse_offline_code
from verifier.core.receipt import parse_receipt
from verifier.core.views import resolve_certificate
from verifier.report import Report
from verifier.service import Question, Submission, verify


def check(world: World, submission: Submission, *, online: bool = False) -> Report:
    registry = StoredReceipts(world.database, world.trees) if online else None
    return verify(
        submission,
        Question(checked_at=int(world.clock.now.timestamp())),
        profile=trust_profile(),
        source=world.trust_source(),
        registry=registry,
    )


def codes(report: Report) -> dict[str, str]:
    return {finding.line.value: finding.code for finding in report.findings}


@pytest.mark.parametrize("position", range(4))
def test_every_sample_is_confirmed_in_every_form(world: World, position: int) -> None:
    [item] = world.issue(samples()["documents"][position])
    world.anchor()
    delivery = world.deliver(item.certificate_id)
    assert delivery.sealed
    forms = {
        "receipt": check(world, Submission(receipts=(delivery.receipt,))),
        "token and receipt": check(
            world, Submission(token=delivery.compact, receipts=(delivery.receipt,))
        ),
        "token": check(world, Submission(token=delivery.compact), online=True),
        "link": check(world, Submission(codes=(delivery.link_code,)), online=True),
        "offline": check(world, Submission(codes=(delivery.offline_code,)), online=True),
        "page": check(
            world,
            Submission(
                token=delivery.compact,
                receipts=(delivery.receipt,),
                codes=(delivery.link_code, delivery.offline_code),
            ),
        ),
    }
    for form, report in forms.items():
        assert report.overall is Overall.VALID_WITH_NOTES, (form, codes(report))
        assert codes(report)["signed"] == "ok", form
        assert report.document is not None, form


def test_before_the_batch_is_sealed_the_answer_is_pending(world: World) -> None:
    [item] = world.issue(samples()["documents"][0])
    delivery = world.deliver(item.certificate_id)
    assert not delivery.sealed
    report = check(world, Submission(receipts=(delivery.receipt,)))
    assert codes(report)["time_stamped"] == "pending"
    assert report.overall is Overall.VALID_WITH_NOTES


class TestViews:
    def test_a_view_shows_what_is_left_and_says_why(self, world: World) -> None:
        [item] = world.issue(samples()["documents"][0])
        leaf = world.release(item.certificate_id, "customer", "results.4", "consignment.lot_no")
        world.anchor()
        whole = world.deliver(item.certificate_id)
        view = world.deliver(item.certificate_id, leaf)
        assert view.compact.startswith(whole.compact.split("~")[0])
        assert "Demo Fruit" not in str(view.certificate.claims)
        assert "MT-2026-0210" not in str(view.certificate.claims)
        assert view.destination == "LA"
        assert view.stem == "DEMO-KM-2026-0081060-000123.LA"
        report = check(world, Submission(receipts=(view.receipt,)))
        assert codes(report)["complete"] == "released_view"
        assert report.overall is Overall.VALID_WITH_NOTES
        assert report.document is not None
        assert report.document["view"] == {"destination": "LA", "grounds": ["PD1"]}

    def test_the_codes_of_a_view_do_not_tell_what_it_withholds(self, world: World) -> None:
        [item] = world.issue(samples()["documents"][0])
        leaf = world.release(item.certificate_id, "consignment.container_no")
        world.anchor()
        goods = parse_offline_code(world.deliver(item.certificate_id, leaf).offline_code).claims
        assert "container_no" not in goods.goods
        assert goods.destination == "LA"
        whole = parse_offline_code(world.deliver(item.certificate_id).offline_code).claims
        assert "container_no" in whole.goods
        assert whole.destination is None

    def test_without_its_statement_a_view_was_cut_by_its_holder(self, world: World) -> None:
        [item] = world.issue(samples()["documents"][0])
        leaf = world.release(item.certificate_id, "customer")
        world.anchor()
        view = world.deliver(item.certificate_id, leaf)
        report = check(world, Submission(token=view.compact), online=True)
        assert codes(report)["complete"] == "withheld_by_holder"

    def test_the_same_decision_gives_the_same_view(self, world: World) -> None:
        [item] = world.issue(samples()["documents"][0])
        first = world.release(item.certificate_id, "customer")
        assert world.release(item.certificate_id, "customer.name", "customer.address") == first
        assert world.release(item.certificate_id, "customer", destination="TH") != first
        assert world.release(item.certificate_id, "customer", grounds=("PD2",)) != first
        with world.database.read() as session:
            queued = len(session.scalars(select(LeafRow)).all())
        assert queued == 2 + 3 * 2

    @pytest.mark.parametrize(
        "paths",
        [["nothing"], ["customer", "no.such"], ["contents"], ["number"], ["dates.issued"],
         ["results.1.conclusion"], ["custom"], []],
    )  # fmt: skip
    def test_what_cannot_be_withheld_is_refused(self, world: World, paths: list[str]) -> None:
        [item] = world.issue(samples()["documents"][0])
        with pytest.raises(NothingToWithholdError):
            world.release(item.certificate_id, *paths)

    def test_a_view_needs_a_ground_and_a_destination(self, world: World) -> None:
        [item] = world.issue(samples()["documents"][0])
        with pytest.raises(NothingToWithholdError):
            world.release(item.certificate_id, "customer", grounds=())
        with pytest.raises(MalformedEvidenceError):
            world.release(item.certificate_id, "customer", destination="Laos")

    def test_a_draft_has_no_view(self, world: World) -> None:
        [draft] = world.draft(samples()["documents"][0])
        with pytest.raises(WrongStateError):
            world.release(draft, "customer")

    def test_results_cannot_be_hidden_only_their_inside(self, world: World) -> None:
        [item] = world.issue(samples()["documents"][3])
        leaf = world.release(item.certificate_id, "results")
        stubs = world.deliver(item.certificate_id, leaf).certificate.parsed.credential.results
        assert [stub.conclusion.value for stub in stubs] == ["pass"] * 4 + ["fail", "suspect"]


class TestPublicReceipts:
    def test_they_carry_no_disclosure(self, world: World) -> None:
        [item] = world.issue(samples()["documents"][0])
        world.anchor()
        with world.database.read() as session:
            receipt = public_receipt(session, item.leaf, trees=world.trees)
        assert receipt.token is not None
        assert parse_certificate(receipt.token).disclosures == ()
        assert [proof.leaf for proof in receipt.proofs] == [item.leaf]
        assert receipt.proofs[0].anchor is not None
        assert len(receipt.documents) == 1

    def test_summaries_and_statements_have_their_own(self, world: World) -> None:
        [item] = world.issue(samples()["documents"][0])
        statement = world.release(item.certificate_id, "customer")
        world.anchor()
        for leaf in (item.summary_leaf, statement):
            with world.database.read() as session:
                receipt = public_receipt(session, leaf, trees=world.trees)
            assert receipt.token is None
            assert [proof.leaf for proof in receipt.proofs] == [leaf]
            assert len(receipt.heads) == 1
            assert len(receipt.keys) == 2

    def test_they_carry_the_published_scopes_alone(self, world: World) -> None:
        [item] = world.issue(samples()["documents"][0])
        rows = scope_rows_of(samples()["bodies"][0])[:1]
        with world.database.begin() as session:
            later = publish_scope(
                session, world.bodies["demo-km"], rows, actor=LI, at=world.clock.now
            )
        for expected in (1, 2):
            with world.database.read() as session:
                receipt = public_receipt(session, item.leaf, trees=world.trees)
            assert len(receipt.documents) == expected
            with world.database.begin() as session:
                mark_scope_on_chain(session, later.sha256, world.clock.now)

    def test_unknown_leaves_have_none(self, world: World) -> None:
        with world.database.read() as session, pytest.raises(ReceiptNotFoundError):
            public_receipt(session, bytes(32), trees=world.trees)
        assert StoredReceipts(world.database, world.trees).fetch_receipt(bytes(32)) is None


def test_files_of_a_holder_read_back(world: World) -> None:
    [item] = world.issue(samples()["documents"][1])
    world.anchor()
    delivery = world.deliver(item.certificate_id)
    receipt = parse_receipt(delivery.receipt)
    assert receipt.token == delivery.compact
    assert {proof.leaf for proof in receipt.proofs} == {item.leaf, item.summary_leaf}
    assert resolve_certificate(parse_certificate(delivery.compact)).complete
    link = parse_link_code(delivery.link_code)
    assert (link.leaf, link.certificate_id) == (item.leaf, f"urn:uuid:{item.certificate_id}")
    offline = parse_offline_code(delivery.offline_code)
    assert offline.head() == receipt.heads[0].head


def test_later_revisions_have_their_own_files(world: World) -> None:
    [item] = world.issue(samples()["documents"][2])
    assert world.deliver(item.certificate_id).stem == "DEMO-YN-2026-8001100-000009.r2"


@pytest.mark.parametrize("number", ["../../etc/passwd", "..", "a/b\\c", "证书 7"])
def test_no_number_names_a_path(world: World, number: str) -> None:
    [item] = world.issue(samples()["documents"][0] | {"number": number})
    stem = world.deliver(item.certificate_id).stem
    assert stem
    assert not stem.startswith(".")
    assert "/" not in stem
    assert "\\" not in stem


def test_erased_content_is_not_delivered(world: World) -> None:
    [item] = world.issue(samples()["documents"][0])
    with world.database.begin() as session:
        later = world.clock.now + timedelta(seconds=1)
        erase(
            session, [item.certificate_id], issued_before=later, ground="test", actor=LI, at=later
        )
    with pytest.raises(ContentErasedError):
        world.deliver(item.certificate_id)

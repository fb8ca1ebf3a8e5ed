"""Whole verifications of real evidence against an in-memory world."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from tests.support.certificates import sample_documents
from tests.support.evidence_builders import (
    ANCHORED,
    DAY,
    HOUR,
    NOW,
    SIGNED,
    World,
    body_of,
    cement,
    durian,
    inspection,
    trust_profile,
)
from verifier.checks.facts import BodyState, BodyStatusFact, KeyPurpose, StatusEvent
from verifier.checks.finding import Line, Status
from verifier.checks.verdict import Overall
from verifier.core.certificate import join_compact
from verifier.core.hashing import leaf_digest
from verifier.core.keys import TOKEN_ALGORITHMS, Algorithm
from verifier.core.merkle import InclusionProof
from verifier.core.views import make_view
from verifier.report import Report
from verifier.service import Question, Submission, verify

DEMONSTRATION = trust_profile(demonstration=True)
PRODUCTION = trust_profile()


def check(
    world: World,
    submission: Submission,
    *,
    profile: Any = DEMONSTRATION,
    online: bool = False,
    **question: Any,
) -> Report:
    return verify(
        submission,
        world.question(**question),
        profile=profile,
        source=world.source,
        registry=world.registry if online else None,
    )


def codes(report: Report) -> dict[str, str]:
    return {finding.line.value: finding.code for finding in report.findings}


def code(report: Report, line: Line) -> str:
    return codes(report)[line]


def notes(report: Report) -> set[str]:
    """Every note in a report, also those that are only listed in the data of another."""
    found = set()
    for finding in report.findings:
        if finding.status is Status.NOTE:
            listed = finding.data.get("notes", [finding.code])
            assert isinstance(listed, list)
            found.update(listed)
    return found


class TestSamples:
    CLAIMED = frozenset({"demonstration_chain", "issue_date_claimed"})

    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            pytest.param(0, {*CLAIMED, "partly_accredited", "recorded_later"}, id="durian"),
            pytest.param(1, {*CLAIMED, "recorded_later"}, id="cement"),
            pytest.param(2, {*CLAIMED, "recorded_later"}, id="tin"),
            pytest.param(3, {*CLAIMED, "recorded_later"}, id="inspection record"),
        ],
    )
    @pytest.mark.parametrize("algorithm", TOKEN_ALGORITHMS)
    def test_are_genuine_with_no_other_notes_than_expected(
        self, number: int, expected: set[str], algorithm: Algorithm
    ) -> None:
        world = World(registered_at=SIGNED - HOUR, algorithm=algorithm)
        evidence = world.issue(sample_documents()[number])

        report = check(world, evidence.submission(), online=True)

        assert report.overall is Overall.VALID_WITH_NOTES
        assert notes(report) == expected
        statuses = {finding.status for finding in report.findings}
        assert Status.FAIL not in statuses

    @pytest.mark.parametrize("number", range(4))
    def test_codes_alone_are_genuine_too(self, number: int) -> None:
        world = World(registered_at=SIGNED - HOUR)
        evidence = world.issue(sample_documents()[number])

        link = check(world, Submission(codes=(evidence.link_code,)), online=True)
        offline = check(world, Submission(codes=(evidence.offline_code,)), online=True)

        assert link.overall is offline.overall is Overall.VALID_WITH_NOTES
        assert code(link, Line.COMPLETE) == "public_receipt"
        assert code(offline, Line.COMPLETE) == "summary_only"

    def test_nothing_to_note_is_simply_valid(self) -> None:
        world = World()
        record = inspection() | {"demonstration": False}

        report = check(world, world.issue(record).submission(), profile=PRODUCTION)

        assert report.overall is Overall.VALID
        assert code(report, Line.ACCREDITED) == "designated_office"


class TestReport:
    def test_has_the_ten_lines_in_order(self) -> None:
        world = World()

        report = check(world, world.issue(durian()).submission())

        assert [finding.line for finding in report.findings] == list(Line)

    def test_shows_the_document_with_the_registered_name(self) -> None:
        world = World()
        evidence = world.issue(durian())

        shown = check(world, evidence.submission()).as_json()["document"]

        assert isinstance(shown, dict)
        assert shown["issuer_name"] == "Demo Customs Technology Centre / 示例海关技术中心（演示）"
        assert shown["number"] == "DEMO-KM-2026-0081060-000123"
        assert shown["withheld"] == []
        assert shown["summary_only"] is False
        results = shown["results"]
        assert isinstance(results, list)
        assert isinstance(results[0], dict)
        assert results[0]["parameter"] == {
            "code": "CD",
            "cas": "7440-43-9",
            "name": {"zh": "镉", "en": "Cadmium (as Cd)"},
        }

    def test_never_shows_the_name_that_the_token_gives_itself(self) -> None:
        world = World()
        evidence = world.issue(durian())

        shown = check(world, Submission(token=evidence.sdjwt)).as_json()["document"]

        assert isinstance(shown, dict)
        assert shown["issuer_name"] is None

    def test_is_the_same_for_the_same_inputs(self) -> None:
        world = World()
        submission = world.issue(cement()).submission()

        assert check(world, submission).canonical() == check(world, submission).canonical()

    def test_names_anchor_status_and_profile(self) -> None:
        world = World()

        value = check(world, world.issue(durian()).submission()).as_json()

        assert isinstance(value["anchor"], dict)
        assert value["anchor"]["time"] == "2026-11-19T12:10:00Z"
        assert value["status"] == {"block": 200, "time": "2026-11-21T11:59:30Z"}
        assert value["profile"] == {
            "name": "Test profile",
            "kind": "demonstration",
            "fingerprint": DEMONSTRATION.fingerprint(),
        }
        assert value["bundle"] is None


class TestTrust:
    def test_without_a_profile_nothing_is_confirmed_or_shown(self) -> None:
        world = World()

        report = check(world, world.issue(durian()).submission(), profile=None)

        assert report.overall is Overall.CANNOT_CONFIRM
        value = report.as_json()
        assert value["document"] is value["profile"] is value["anchor"] is None

    def test_without_a_profile_a_broken_document_is_still_broken(self) -> None:
        world = World()
        evidence = world.issue(durian())
        strange = join_compact(evidence.issued.jwt, ["WyJzYWx0IiwibmFtZSIsMV0"])

        report = check(world, Submission(token=strange), profile=None)

        assert report.overall is Overall.NOT_VALID
        assert code(report, Line.UNCHANGED) == "undisclosed_digest"

    def test_a_receipt_that_brings_its_own_key_is_not_believed(self) -> None:
        genuine, forger = World(), World(algorithm=Algorithm.EDDSA)
        forged = forger.issue(durian())
        genuine.source.anchors.update(forger.source.anchors)

        report = check(genuine, forged.submission())

        assert report.overall is Overall.NOT_VALID
        assert code(report, Line.SIGNED) == "unknown_key"

    def test_a_receipt_that_brings_its_own_anchor_is_not_believed(self) -> None:
        world = World()
        evidence = world.issue(durian())
        world.source.anchors.clear()

        report = check(world, evidence.submission())

        assert report.overall is Overall.CANNOT_CONFIRM
        assert code(report, Line.TIME_STAMPED) == "anchor_overdue"

    def test_a_receipt_that_brings_its_own_scope_is_not_believed(self) -> None:
        world = World()
        evidence = world.issue(cement())
        world.change_body(body_of(cement()), scopes=())

        assert code(check(world, evidence.submission()), Line.ACCREDITED) == "false_claim"

    @pytest.mark.parametrize(
        "reason", ["chain_unreachable", "chain_disagrees", "chain_mismatch", "head_too_old"]
    )
    def test_dead_is_not_forged(self, reason: str) -> None:
        world = World()
        evidence = world.issue(durian())
        world.source.silence = reason

        report = check(world, evidence.submission())

        assert report.overall is Overall.CANNOT_CONFIRM
        assert code(report, Line.SIGNED) == reason
        assert code(report, Line.UNCHANGED) == "ok"  # the receipt's key shows that much

    def test_a_dead_chain_does_not_hide_that_the_content_was_changed(self) -> None:
        world = World()
        evidence = world.issue(durian())
        world.source.silence = "chain_unreachable"
        head, payload, _ = evidence.issued.jwt.split(".")
        other = world.issue(cement()).issued.jwt.split(".")[2]
        forged = join_compact(f"{head}.{payload}.{other}", evidence.issued.disclosures)

        report = check(world, Submission(token=forged, receipts=(evidence.receipt_bytes(),)))

        assert report.overall is Overall.NOT_VALID

    def test_times_that_no_clock_can_show_are_a_fault_of_the_chain(self) -> None:
        world = World()
        evidence = world.issue(durian())
        world.source.anchors = {
            place: replace(facts, time=2**64 - 1) for place, facts in world.source.anchors.items()
        }
        world.source.block = replace(world.source.block, time=2**64 - 1)

        report = check(world, evidence.submission())

        assert report.overall is Overall.CANNOT_CONFIRM
        assert report.canonical()


class TestTime:
    def test_fresh_and_not_yet_anchored_is_pending(self) -> None:
        world = World()
        evidence = world.issue(durian(issued=NOW - HOUR), signed=NOW - HOUR, anchored=None)

        for submission in (evidence.submission(), Submission(codes=(evidence.offline_code,))):
            report = check(world, submission)
            assert report.overall is Overall.VALID_WITH_NOTES
            assert code(report, Line.TIME_STAMPED) == "pending"

    def test_a_fresh_bare_token_is_pending_but_its_scope_is_missing(self) -> None:
        world = World()
        evidence = world.issue(durian(issued=NOW - HOUR), signed=NOW - HOUR, anchored=None)

        report = check(world, Submission(token=evidence.sdjwt))

        assert report.overall is Overall.CANNOT_CONFIRM
        assert code(report, Line.TIME_STAMPED) == "pending"
        assert code(report, Line.ACCREDITED) == "scope_not_supplied"

    def test_what_the_chain_holds_has_happened_even_for_a_slow_clock(self) -> None:
        world = World(registered_at=NOW + 60)
        evidence = world.issue(cement(issued=NOW), signed=NOW, anchored=None)
        world.source.block = replace(world.source.block, time=NOW + 90)

        report = check(world, evidence.submission())

        assert code(report, Line.SIGNED) == "ok"
        assert code(report, Line.TIME_STAMPED) == "pending"

    @pytest.mark.parametrize("online", [True, False])
    def test_pending_ends_after_four_hours(self, *, online: bool) -> None:
        world = World()
        evidence = world.issue(durian(), anchored=None)

        report = check(world, Submission(token=evidence.sdjwt), online=online)

        assert report.overall is Overall.CANNOT_CONFIRM
        expected = "anchor_overdue" if online else "proof_not_supplied"
        assert code(report, Line.TIME_STAMPED) == expected

    @pytest.mark.parametrize("online", [True, False])
    def test_unanchored_under_a_revoked_key_is_not_valid(self, *, online: bool) -> None:
        world = World()
        evidence = world.issue(durian(issued=NOW - HOUR), signed=NOW - HOUR, anchored=None)
        world.change_key(body_of(durian()), KeyPurpose.CERTIFICATE, revoked_at=NOW - 60)

        report = check(world, Submission(token=evidence.sdjwt), online=online)

        assert report.overall is Overall.NOT_VALID
        assert code(report, Line.SIGNED) == "key_revoked"

    def test_anchored_before_the_key_was_stolen_stays_genuine(self) -> None:
        world = World()
        evidence = world.issue(durian())
        world.change_key(
            body_of(durian()),
            KeyPurpose.CERTIFICATE,
            revoked_at=NOW - 60,
            compromised_since=ANCHORED + 1,
        )

        report = check(world, evidence.submission())

        assert report.overall is Overall.VALID_WITH_NOTES
        assert code(report, Line.SIGNED) == "key_compromised_later"

    def test_a_registry_that_does_not_answer_proves_nothing(self) -> None:
        world = World()
        evidence = world.issue(durian())
        world.registry.silence = "registry_unreachable"

        bare = check(world, Submission(token=evidence.sdjwt), online=True)
        with_receipt = check(world, evidence.submission(), online=True)

        assert code(bare, Line.TIME_STAMPED) == "registry_unreachable"
        assert bare.overall is Overall.CANNOT_CONFIRM
        assert with_receipt.overall is Overall.VALID_WITH_NOTES
        assert code(with_receipt, Line.QUANTITY_AVAILABLE) == "registry_unreachable"

    def test_a_proof_of_another_leaf_is_none(self) -> None:
        world = World()
        evidence, other = world.issue(durian()), world.issue(cement())

        report = check(world, Submission(token=evidence.sdjwt, receipts=(other.receipt_bytes(),)))

        assert code(report, Line.TIME_STAMPED) == "proof_not_supplied"
        assert ("receipt_of_another", "receipt") in report.warnings

    def test_a_wrong_proof_is_worse_than_none(self) -> None:
        world = World()
        evidence = world.issue(durian())
        proof = evidence.receipt.proofs[0]
        moved = replace(proof, inclusion=replace(proof.inclusion, index=1))
        short = replace(proof, inclusion=InclusionProof(index=0, size=3, path=()))

        for wrong in (moved, short):
            report = check(
                world,
                Submission(
                    token=evidence.sdjwt, receipts=(evidence.receipt_bytes(proofs=(wrong,)),)
                ),
            )
            assert report.overall is Overall.NOT_VALID
            assert code(report, Line.TIME_STAMPED) == "wrong_proof"

    def test_the_earliest_of_several_anchors_counts(self) -> None:
        world = World()
        evidence = world.issue(durian())
        later, _, _ = world.anchor([leaf_digest(b"x"), evidence.issued.leaf], at=NOW - HOUR)
        receipt = evidence.receipt_bytes(proofs=(later[1], *evidence.receipt.proofs))

        report = check(world, Submission(token=evidence.sdjwt, receipts=(receipt,)))

        assert report.anchor is not None
        assert report.anchor.time == ANCHORED


class TestStatus:
    EVENT = StatusEvent(kind="revoked", reason=4, by_party=False, block=150, time=NOW - DAY)

    def test_revocation_now_beats_everything(self) -> None:
        world = World()
        evidence = world.issue(durian())
        world.set_status(body_of(durian()), revoked=True, events=(self.EVENT,))

        report = check(world, evidence.submission(), at=NOW - DAY - 1)

        assert report.overall is Overall.NOT_VALID
        assert report.then is not None
        assert report.then.overall is Overall.VALID_WITH_NOTES

    @pytest.mark.parametrize(
        ("at", "overall"),
        [
            pytest.param(NOW - DAY, Overall.NOT_VALID, id="in that second"),
            pytest.param(NOW - DAY - 1, Overall.VALID_WITH_NOTES, id="the second before"),
            pytest.param(ANCHORED - 1, Overall.VALID_WITH_NOTES, id="pending then"),
            pytest.param(SIGNED - HOUR, Overall.NOT_VALID, id="before it was issued"),
        ],
    )
    def test_then_is_answered_from_history(self, at: int, overall: Overall) -> None:
        world = World()
        evidence = world.issue(durian())
        world.set_status(body_of(durian()), revoked=True, events=(self.EVENT,))

        report = check(world, evidence.submission(), at=at)

        assert report.then is not None
        assert report.then.overall is overall

    @pytest.mark.parametrize(
        ("hours", "overall"),
        [
            (3, Overall.VALID_WITH_NOTES),
            (5, Overall.CANNOT_CONFIRM),
            (10, Overall.VALID_WITH_NOTES),
        ],
    )
    def test_an_anchor_that_came_late_was_none_before(self, hours: int, overall: Overall) -> None:
        world = World()
        evidence = world.issue(durian(), anchored=SIGNED + 10 * HOUR)

        report = check(world, evidence.submission(), at=SIGNED + hours * HOUR)

        assert report.overall is Overall.VALID_WITH_NOTES
        assert report.then is not None
        assert report.then.overall is overall

    def test_a_revoked_leaf_without_its_index(self) -> None:
        world = World()
        evidence = world.issue(durian())
        world.set_status(body_of(durian()))
        clear = next(iter(world.source.statuses.values()))
        world.source.revoked_leaves[evidence.issued.leaf] = replace(clear, revoked=True)

        assert code(check(world, evidence.submission()), Line.NOT_REVOKED) == "revoked"

    def test_a_revoked_summary_does_not_touch_its_certificate(self) -> None:
        world = World()
        evidence = world.issue(durian())
        world.set_status(body_of(durian()))
        clear = next(iter(world.source.statuses.values()))
        world.source.revoked_leaves[evidence.summary.leaf()] = replace(clear, revoked=True)

        summary = check(world, Submission(codes=(evidence.offline_code,)), online=True)

        assert code(summary, Line.NOT_REVOKED) == "revoked"
        assert check(world, evidence.submission()).overall is Overall.VALID_WITH_NOTES

    def test_a_suspended_body_when_anchored(self) -> None:
        world = World()
        evidence = world.issue(cement())
        body = body_of(cement())
        world.change_body(
            body,
            statuses=(
                *world.source.bodies[body].statuses,
                BodyStatusFact(state=BodyState.SUSPENDED, effective_from=ANCHORED, recorded_at=NOW),
            ),
        )

        assert code(check(world, evidence.submission()), Line.ACCREDITED) == "body_suspended"


class TestViews:
    WITHHELD = ("customer.name", "consignment.container_no", "results.1.detail")

    def test_withheld_by_the_holder(self) -> None:
        world = World()
        evidence = world.issue(durian())
        view = make_view(evidence.certificate, self.WITHHELD)

        report = check(
            world,
            Submission(token=view.compact, receipts=(evidence.receipt_bytes(token=view.compact),)),
        )

        assert report.overall is Overall.VALID_WITH_NOTES
        assert code(report, Line.COMPLETE) == "withheld_by_holder"
        shown = report.as_json()["document"]
        assert isinstance(shown, dict)
        assert shown["withheld"] == ["contents", "results.1.detail"]
        assert shown["view"] is None

    def test_released_by_the_issuer(self) -> None:
        world = World()
        evidence = world.issue(durian())
        compact, statement = world.release(evidence, self.WITHHELD)
        receipt = evidence.receipt_bytes(token=compact, release=statement.jws.text)

        report = check(world, Submission(receipts=(receipt,)))

        assert code(report, Line.COMPLETE) == "released_view"
        shown = report.as_json()["document"]
        assert isinstance(shown, dict)
        assert shown["withheld"] == sorted(["contents", *self.WITHHELD])
        assert shown["view"] == {"destination": "LA", "grounds": ["business_secret"]}

    def test_less_than_was_released(self) -> None:
        world = World()
        evidence = world.issue(durian())
        _, statement = world.release(evidence, self.WITHHELD)
        smaller = make_view(evidence.certificate, (*self.WITHHELD, "results.2.detail")).compact
        receipt = evidence.receipt_bytes(token=smaller, release=statement.jws.text)

        assert code(check(world, Submission(receipts=(receipt,))), Line.COMPLETE) == (
            "withheld_by_holder"
        )

    @pytest.mark.parametrize("purpose", [KeyPurpose.CERTIFICATE, KeyPurpose.SUMMARY])
    def test_a_statement_under_a_key_for_something_else(self, purpose: KeyPurpose) -> None:
        world = World()
        evidence = world.issue(durian())
        compact, statement = world.release(evidence, self.WITHHELD, purpose=purpose)
        receipt = evidence.receipt_bytes(token=compact, release=statement.jws.text)

        report = check(world, Submission(receipts=(receipt,)))

        finding = next(each for each in report.findings if each.line is Line.COMPLETE)
        assert finding.code == "withheld_by_holder"
        assert finding.data["statement"] == "key_not_usable"

    def test_a_statement_of_another_body(self) -> None:
        world = World()
        evidence = world.issue(durian())
        compact, statement = world.release(evidence, self.WITHHELD, body=body_of(cement()))
        receipt = evidence.receipt_bytes(token=compact, release=statement.jws.text)

        assert code(check(world, Submission(receipts=(receipt,))), Line.COMPLETE) == (
            "withheld_by_holder"
        )

    def test_dropping_any_combination_never_hides_a_failed_result(self) -> None:
        """Whatever a holder drops, the stub of the failed result and the conclusion stay."""
        world = World()
        document = durian()
        document["results"][2]["conclusion"] = "fail"
        evidence = world.issue(document)
        details = [f"results.{ordinal}.detail" for ordinal in range(1, 8)]

        for size in range(len(details) + 1):
            for dropped in itertools.combinations(details, size):
                compact = make_view(evidence.certificate, dropped).compact
                report = check(world, Submission(token=compact))
                shown = report.as_json()["document"]
                assert isinstance(shown, dict)
                assert shown["conclusion"] == "fail"
                results = shown["results"]
                assert isinstance(results, list)
                assert isinstance(results[2], dict)
                assert results[2]["conclusion"] == "fail"
                assert (code(report, Line.COMPLETE) == "ok") is (not dropped)

    def test_every_single_disclosure_is_missed(self) -> None:
        world = World()
        evidence = world.issue(durian())
        disclosures = evidence.issued.disclosures

        for at in range(len(disclosures)):
            rest = [*disclosures[:at], *disclosures[at + 1 :]]
            compact = join_compact(evidence.issued.jwt, rest)

            report = check(world, Submission(token=compact))

            assert code(report, Line.COMPLETE) == "withheld_by_holder"


class TestCodes:
    def test_a_link_code_alone_needs_a_registry(self) -> None:
        world = World()

        report = check(world, Submission(codes=(world.issue(durian()).link_code,)))

        assert report.overall is Overall.CANNOT_CONFIRM
        assert code(report, Line.SIGNED) == "online_code_needs_registry"

    def test_a_link_code_that_the_registry_does_not_know(self) -> None:
        world = World()
        evidence = world.issue(durian(), known_to_registry=False)

        report = check(world, Submission(codes=(evidence.link_code,)), online=True)

        assert report.overall is Overall.CANNOT_CONFIRM
        assert code(report, Line.UNCHANGED) == "not_known_to_registry"

    @pytest.mark.parametrize("answer", ["another", "garbage", "no token"])
    def test_a_registry_that_answers_something_else(self, answer: str) -> None:
        world = World()
        evidence = world.issue(durian())
        answers = {
            "another": world.issue(cement()).public_receipt(),
            "garbage": b"<html>",
            "no token": evidence.public_receipt(token=None),
        }
        world.registry.receipts[evidence.issued.leaf] = answers[answer]

        report = check(world, Submission(codes=(evidence.link_code,)), online=True)

        assert report.overall is Overall.CANNOT_CONFIRM
        assert code(report, Line.UNCHANGED) == "registry_fault"

    def test_a_link_code_with_another_id(self) -> None:
        world = World()
        evidence = world.issue(durian())
        other = evidence.link_code.replace("i=Pyt-", "i=Pyt_")
        assert other != evidence.link_code

        report = check(world, Submission(codes=(other,)), online=True)

        assert report.overall is Overall.NOT_VALID
        assert code(report, Line.UNCHANGED) == "summary_differs"

    def test_an_offline_code_finds_its_way_through_a_receipt_in_hand(self) -> None:
        """The receipt has no full proof of the summary, only the rest of the way from its head."""
        world = World()
        evidence = world.issue(durian())
        world.registry.receipts[evidence.summary.leaf()] = evidence.public_receipt(proofs=())

        report = check(world, Submission(codes=(evidence.offline_code,)), online=True)

        assert report.overall is Overall.VALID_WITH_NOTES
        assert code(report, Line.TIME_STAMPED) == "demonstration_chain"

    def test_an_offline_code_listed_only_under_its_certificate(self) -> None:
        world = World()
        evidence = world.issue(durian())
        del world.registry.receipts[evidence.summary.leaf()]

        report = check(world, Submission(codes=(evidence.offline_code,)), online=True)

        assert code(report, Line.TIME_STAMPED) == "demonstration_chain"

    def test_an_offline_code_whose_proof_goes_another_way(self) -> None:
        world = World()
        evidence = world.issue(durian())
        path = [bytes([1]) * 32 for _ in evidence.summary.proof.path]  # type: ignore[union-attr]
        forged = evidence.summary.with_proof(1, 3, path).encode_offline_code("verify.example")

        report = check(world, Submission(codes=(forged,)), online=True)

        assert report.overall is Overall.NOT_VALID
        assert code(report, Line.TIME_STAMPED) == "wrong_proof"

    def test_offline_without_network_says_what_it_lacks(self) -> None:
        world = World()
        evidence = world.issue(durian())

        report = check(world, Submission(codes=(evidence.offline_code,)))

        assert report.overall is Overall.CANNOT_CONFIRM
        assert code(report, Line.TIME_STAMPED) == "proof_not_supplied"
        assert code(report, Line.QUANTITY_AVAILABLE) == "offline"

    def test_codes_beside_their_certificate_agree(self) -> None:
        world = World()
        evidence = world.issue(durian())

        report = check(
            world,
            replace(evidence.submission(), codes=(evidence.offline_code, evidence.link_code)),
        )

        assert report.overall is Overall.VALID_WITH_NOTES
        assert report.warnings == (("code_host", "verify.example"),)

    def test_both_codes_of_a_page_in_one_picture(self) -> None:
        world = World()
        evidence, other = world.issue(durian()), world.issue(cement())

        alone = check(world, Submission(codes=(evidence.offline_code,)), online=True)
        agree = Submission(codes=(evidence.offline_code, evidence.link_code))
        differ = Submission(codes=(other.link_code, evidence.offline_code))

        assert check(world, agree, online=True).canonical() == alone.canonical()
        report = check(world, differ, online=True)
        assert report.overall is Overall.NOT_VALID
        assert code(report, Line.UNCHANGED) == "summary_differs"

    @pytest.mark.parametrize("kind", ["offline_code", "link_code"])
    def test_a_code_of_another_certificate_beside_it(self, kind: str) -> None:
        world = World()
        evidence, other = world.issue(durian()), world.issue(cement())

        report = check(world, replace(evidence.submission(), codes=(getattr(other, kind),)))

        assert report.overall is Overall.NOT_VALID
        assert code(report, Line.UNCHANGED) == "summary_differs"

    def test_a_foreign_code_beside_a_certificate_is_worth_a_warning(self) -> None:
        world = World()

        report = check(
            world, replace(world.issue(durian()).submission(), codes=("https://shop.example/",))
        )

        assert report.overall is Overall.VALID_WITH_NOTES
        assert [warning for warning, _ in report.warnings] == ["code_foreign"]

    def test_the_host_of_a_code_decides_nothing(self) -> None:
        world = World()
        evidence = world.issue(durian())
        copied = evidence.offline_code.replace("verify.example", "verify.examp1e.test:8443")

        report = check(world, Submission(codes=(copied,)), online=True)

        assert report.overall is Overall.VALID_WITH_NOTES
        assert report.warnings == (("code_host", "verify.examp1e.test:8443"),)


class TestBeside:
    def test_a_receipt_from_elsewhere_is_proof_for_a_token(self) -> None:
        world = World()
        evidence = world.issue(durian())

        report = check(world, Submission(token=evidence.sdjwt, beside=(evidence.receipt_bytes(),)))

        assert report.overall is Overall.VALID_WITH_NOTES

    def test_it_is_proof_for_a_code_and_never_its_document(self) -> None:
        world = World()
        evidence, other = world.issue(durian()), world.issue(cement())
        receipt = evidence.receipt_bytes()

        own = check(world, Submission(codes=(evidence.offline_code,), beside=(receipt,)))
        foreign = check(world, Submission(codes=(other.offline_code,), beside=(receipt,)))

        assert own.overall is Overall.VALID_WITH_NOTES
        assert code(own, Line.COMPLETE) == "summary_only"
        assert foreign.overall is Overall.CANNOT_CONFIRM
        assert code(foreign, Line.UNCHANGED) == "ok"

    def test_it_makes_no_document_of_foreign_input(self) -> None:
        world = World()
        receipt = world.issue(durian()).receipt_bytes()

        assert check(world, Submission(beside=(receipt,))).overall is Overall.NOT_OURS

    @pytest.mark.parametrize("broken", ["receipt", "release"])
    def test_one_that_cannot_be_read_is_worth_a_warning(self, broken: str) -> None:
        world = World()
        evidence = world.issue(durian())
        texts = {
            "receipt": b"{}",
            "release": evidence.receipt_bytes(release=evidence.issued.jwt),
        }

        report = check(
            world,
            replace(evidence.submission(), beside=(texts[broken],)),
        )

        assert report.overall is Overall.VALID_WITH_NOTES
        assert [warning for warning, _ in report.warnings] == ["receipt_unusable"]


class TestForeignAndBroken:
    @pytest.mark.parametrize(
        "submission",
        [
            Submission(),
            Submission(token="hello"),
            Submission(token="a.b.c~"),
            Submission(codes=("https://example.com/",)),
            Submission(codes=("hello", "https://verify.example/x#1")),
            Submission(receipts=(b'{"hello": 1}',)),
        ],
        ids=["nothing", "text", "some token", "some code", "two codes", "some JSON"],
    )
    def test_foreign_input_is_not_ours(self, submission: Submission) -> None:
        report = check(World(), submission)

        assert report.overall is Overall.NOT_OURS
        assert {finding.code for finding in report.findings} == {"not_ours"}
        assert [finding.line for finding in report.findings] == list(Line)

    def test_a_receipt_without_a_document_is_not_ours(self) -> None:
        world = World()
        receipt = world.issue(durian()).receipt_bytes(token=None)

        assert check(world, Submission(receipts=(receipt,))).overall is Overall.NOT_OURS

    def test_a_damaged_receipt_with_the_document_in_it(self) -> None:
        world = World()
        damaged = world.issue(durian()).receipt_bytes().replace(b'"size":3', b'"size":4', 1)

        report = check(world, Submission(receipts=(damaged,)))

        assert report.overall is Overall.NOT_VALID
        finding = report.findings[0]
        assert (finding.code, finding.data["reason"]) == ("malformed", "checksum")

    def test_a_damaged_receipt_beside_the_document_is_no_proof(self) -> None:
        world = World()
        evidence = world.issue(durian())
        damaged = evidence.receipt_bytes().replace(b'"size":3', b'"size":4', 1)

        report = check(world, Submission(token=evidence.sdjwt, receipts=(damaged,)))

        assert report.overall is Overall.CANNOT_CONFIRM
        assert [warning for warning, _ in report.warnings] == ["receipt_unusable"]

    def test_the_same_disclosure_twice(self) -> None:
        world = World()
        issued = world.issue(durian()).issued
        twice = join_compact(issued.jwt, [*issued.disclosures, issued.disclosures[0]])

        report = check(world, Submission(token=twice))

        assert code(report, Line.UNCHANGED) == "altered"
        assert report.as_json()["document"] is None


class TestUse:
    def test_a_country_that_nobody_can_answer_for(self) -> None:
        world = World()
        record = inspection() | {"demonstration": False}

        report = check(world, world.issue(record).submission(), profile=PRODUCTION, country="LA")

        assert report.overall is Overall.VALID_WITH_NOTES
        assert code(report, Line.RECOGNISED) == "arrangements_not_supplied"

    @pytest.mark.parametrize(
        ("matches", "overall"), [(True, Overall.VALID), (False, Overall.VALID_WITH_NOTES)]
    )
    def test_the_goods_in_front_of_the_person(self, overall: Overall, *, matches: bool) -> None:
        world = World()
        record = inspection() | {"demonstration": False}

        report = check(
            world, world.issue(record).submission(), profile=PRODUCTION, goods_match=matches
        )

        assert report.overall is overall

    def test_a_registry_that_keeps_no_account(self) -> None:
        world = World()

        report = check(world, world.issue(durian()).submission(), online=True)

        assert code(report, Line.QUANTITY_AVAILABLE) == "not_reported"

    def test_the_future_cannot_be_asked_about(self) -> None:
        with pytest.raises(ValueError, match="future"):
            Question(checked_at=NOW, at=NOW + 1)

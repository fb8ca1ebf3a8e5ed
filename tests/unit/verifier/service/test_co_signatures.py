"""What becomes of a co-signature in a whole verification: it may spoil, it never mends."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import sm2_reference as reference
from tests.support.evidence_builders import (
    ANCHORED,
    DAY,
    NOW,
    Evidence,
    World,
    cement,
    durian,
    trust_profile,
)
from tests.support.sm2_reference import FixedSm2Signer
from verifier.checks.facts import KeyPurpose
from verifier.checks.finding import Finding, Line, Status
from verifier.checks.verdict import Overall
from verifier.core.cosignature import CoSignature, co_sign, parse_cosignature
from verifier.core.encoding import b64u
from verifier.core.sm2 import Sm2Verify
from verifier.report import Report
from verifier.service import Question, Submission, verify


def report(
    world: World,
    submission: Submission,
    *,
    sm2: Sm2Verify | None = reference.verify,
    registry: bool = False,
    **profile: Any,
) -> Report:
    return verify(
        submission,
        Question(checked_at=NOW),
        profile=trust_profile(**profile),
        source=world.source,
        registry=world.registry if registry else None,
        sm2=sm2,
    )


def signed(answer: Report) -> Finding:
    return next(each for each in answer.findings if each.line is Line.SIGNED)


def with_co_signature(evidence: Evidence, co_signature: CoSignature | None) -> Submission:
    receipt = evidence.receipt_bytes(co_signature=co_signature)
    return Submission(token=evidence.sdjwt, receipts=(receipt,))


def test_one_that_holds_changes_no_code() -> None:
    world = World()
    finding = signed(answer := report(world, world.issue(cement(), co_signed=True).submission()))

    assert (finding.status, finding.code) == (Status.PASS, "ok")
    assert finding.data == {"co_signature": "co_signature_ok", "co_signature_reason": None}
    assert answer.overall is Overall.VALID_WITH_NOTES  # the quantity is not known offline


def test_a_certificate_without_one_says_nothing_about_it() -> None:
    world = World()
    assert signed(report(world, world.issue(cement()).submission())).data == {}


def test_an_unasked_one_beside_a_certificate_is_passed_over() -> None:
    """The certificate says that there is none; a stranger's claim does not touch it."""
    world = World()
    evidence = world.issue(cement())
    stray = co_sign(evidence.issued.jwt, FixedSm2Signer(9))
    answer = report(world, with_co_signature(evidence, stray))

    assert answer.overall is Overall.VALID_WITH_NOTES  # the quantity is not known offline
    assert signed(answer).data == {}


def test_one_that_did_not_come_along_is_a_note() -> None:
    world = World()
    evidence = world.issue(cement(), co_signed=True)
    answer = report(world, with_co_signature(evidence, None))

    assert signed(answer).code == "co_signature_missing"
    assert signed(answer).status is Status.NOTE
    assert answer.overall is Overall.VALID_WITH_NOTES


def test_a_registry_supplies_it_to_a_bare_token_and_to_a_link_code() -> None:
    world = World()
    evidence = world.issue(cement(), co_signed=True)
    for submission in (
        Submission(token=evidence.sdjwt),
        Submission(codes=(evidence.link_code,)),
    ):
        finding = signed(report(world, submission, registry=True))
        assert (finding.code, finding.data["co_signature"]) == ("ok", "co_signature_ok")


def test_an_offline_code_has_no_co_signature_to_ask_for() -> None:
    world = World()
    evidence = world.issue(cement(), co_signed=True)
    finding = signed(report(world, Submission(codes=(evidence.offline_code,)), registry=True))
    assert (finding.code, finding.data) == ("ok", {})


class TestNotChecked:
    def test_without_an_implementation_on_this_machine(self) -> None:
        world = World()
        answer = report(world, world.issue(cement(), co_signed=True).submission(), sm2=None)

        assert signed(answer).code == "co_signature_not_checked"
        assert signed(answer).data["co_signature_reason"] == "sm2_unavailable"
        assert answer.overall is Overall.VALID_WITH_NOTES

    def test_under_a_profile_that_does_not_accept_the_algorithm(self) -> None:
        world = World()
        submission = world.issue(cement(), co_signed=True).submission()
        answer = report(world, submission, algorithms={"ES256": None})

        assert signed(answer).code == "co_signature_not_checked"
        assert signed(answer).data["co_signature_reason"] == "algorithm_not_accepted"

    def test_it_does_not_hide_a_note_about_the_key(self) -> None:
        world = World()
        evidence = world.issue(cement(), co_signed=True)
        body = evidence.certificate.parsed.credential.body
        world.change_key(body, KeyPurpose.CERTIFICATE, revoked_at=ANCHORED + DAY)
        finding = signed(report(world, evidence.submission(), sm2=None))

        assert finding.code == "key_revoked_later"
        assert finding.data["notes"] == ["key_revoked_later", "co_signature_not_checked"]


class TestBad:
    """Each names this certificate, was tried, and does not hold."""

    def check(self, world: World, submission: Submission, reason: str) -> None:
        answer = report(world, submission)
        finding = signed(answer)
        assert (finding.code, finding.status) == ("co_signature_bad", Status.FAIL)
        assert finding.data["co_signature_reason"] == reason
        assert answer.overall is Overall.NOT_VALID

    def test_a_changed_signature(self) -> None:
        world = World()
        evidence = world.issue(cement(), co_signed=True)
        assert evidence.receipt.co_signature is not None
        text = evidence.receipt.co_signature.text
        changed = parse_cosignature(text[:-2] + ("AA" if text[-2:] != "AA" else "Bg"))
        self.check(world, with_co_signature(evidence, changed), "bad_signature")

    def test_a_payload_of_another_certificate_under_its_name(self) -> None:
        """Properly signed by the body's key, over what this certificate does not say."""
        world = World()
        evidence = world.issue(cement(), co_signed=True)
        other = world.issue(durian(), co_signed=True)
        body = evidence.certificate.parsed.credential.body
        swapped = _co_sign_other(world.co_signer(body), evidence, other.issued.jwt.split(".")[1])
        self.check(world, with_co_signature(evidence, swapped), "bad_signature")

    def test_a_key_of_nobody(self) -> None:
        world = World()
        evidence = world.issue(cement(), co_signed=True)
        foreign = co_sign(evidence.issued.jwt, FixedSm2Signer(99))
        self.check(world, with_co_signature(evidence, foreign), "unknown_key")

    def test_a_key_for_another_purpose(self) -> None:
        world = World()
        evidence = world.issue(cement(), co_signed=True)
        body = evidence.certificate.parsed.credential.body
        world.change_co_key(body, purpose=KeyPurpose.STATEMENT)
        self.check(world, evidence.submission(), "key_not_usable")

    def test_a_key_that_was_revoked_before_the_anchor(self) -> None:
        world = World()
        evidence = world.issue(cement(), co_signed=True)
        world.change_co_key(evidence.certificate.parsed.credential.body, revoked_at=ANCHORED - DAY)
        self.check(world, evidence.submission(), "key_revoked")

    def test_another_user_id(self) -> None:
        world = World()
        evidence = world.issue(cement(), co_signed=True)
        body = evidence.certificate.parsed.credential.body
        world.co_signer(body)
        alice = FixedSm2Signer(1, user_id=b"ALICE123@YAHOO.COM")
        assert alice.thumbprint == world.co_signer(body).thumbprint
        forged = co_sign(evidence.issued.jwt, alice)
        self.check(world, with_co_signature(evidence, forged), "bad_signature")


def _co_sign_other(signer: FixedSm2Signer, evidence: Evidence, payload: str) -> CoSignature:
    named = co_sign(evidence.issued.jwt, signer).text.split(".")[0]
    signing_input = f"{named}.{payload}"
    return parse_cosignature(f"{signing_input}.{b64u(signer.sign(signing_input.encode()))}")


def test_the_co_signature_of_another_certificate_is_none_of_this_one() -> None:
    world = World()
    evidence = world.issue(cement(), co_signed=True)
    other = world.issue(durian(), co_signed=True)
    answer = report(world, with_co_signature(evidence, other.receipt.co_signature))

    assert signed(answer).code == "co_signature_missing"


def test_one_that_holds_is_enough_beside_one_that_does_not() -> None:
    """A holder's damaged receipt does not outweigh what the registry has."""
    world = World()
    evidence = world.issue(cement(), co_signed=True)
    foreign = co_sign(evidence.issued.jwt, FixedSm2Signer(99))
    answer = report(world, with_co_signature(evidence, foreign), registry=True)

    assert signed(answer).data["co_signature"] == "co_signature_ok"


def test_a_good_one_does_not_mend_a_certificate_that_is_not_signed() -> None:
    world = World()
    evidence = world.issue(cement(), co_signed=True)
    header, payload, signature = evidence.issued.jwt.split(".")
    changed = f"{header}.{payload}.{signature[:-2]}{'AA' if signature[-2:] != 'AA' else 'Bg'}"
    token = "~".join([changed, *evidence.issued.disclosures, ""])
    answer = report(world, Submission(token=token, receipts=(evidence.receipt_bytes(),)))

    assert signed(answer).code == "bad_signature"
    assert answer.overall is Overall.NOT_VALID


def test_an_sm2_key_cannot_have_signed_the_certificate_itself() -> None:
    """Not even one that is registered under the thumbprint that the header names."""
    world = World()
    evidence = world.issue(cement(), co_signed=True)
    body = evidence.certificate.parsed.credential.body
    place = (body, evidence.certificate.parsed.jws.thumbprint)
    world.change_key(body, KeyPurpose.CERTIFICATE, public_key=world.co_signer(body).public_key)
    assert place in world.source.keys
    assert signed(report(world, evidence.submission())).code == "bad_signature"


@pytest.mark.parametrize("with_proof", [True, False])
def test_its_own_anchor_counts_for_its_key(*, with_proof: bool) -> None:
    """Revoked after the anchor: without the proof of its own leaf nobody knows that it was."""
    world = World()
    evidence = world.issue(cement(), co_signed=True)
    world.change_co_key(evidence.certificate.parsed.credential.body, revoked_at=ANCHORED + DAY)
    proofs = evidence.receipt.proofs if with_proof else evidence.receipt.proofs[:2]
    receipt = evidence.receipt_bytes(proofs=proofs)
    finding = signed(report(world, Submission(token=evidence.sdjwt, receipts=(receipt,))))

    if with_proof:
        assert (finding.code, finding.data["co_signature_reason"]) == ("ok", "key_revoked_later")
    else:
        assert finding.code == "co_signature_not_checked"
        assert finding.data["co_signature_reason"] == "proof_not_supplied"

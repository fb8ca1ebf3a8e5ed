"""Whole verifications from a bundle alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.bundles import bundle_of
from tests.support.evidence_builders import (
    ANCHORED,
    DAY,
    HOUR,
    NOW,
    Evidence,
    World,
    body_of,
    cement,
    durian,
    inspection,
    trust_profile,
)
from tests.support.summaries import FixedSigner
from verifier.bundle.source import BundleTrustSource
from verifier.checks.facts import KeyPurpose, StatusEvent, TrustSource
from verifier.checks.finding import Line
from verifier.core.hashing import leaf_digest
from verifier.core.keys import Algorithm
from verifier.report import Report
from verifier.service import Submission, verify

PROFILE = trust_profile(demonstration=True)
REVOKED = StatusEvent(kind="revoked", reason=4, by_party=False, block=150, time=NOW - 3 * HOUR)


def offline(
    world: World,
    submission: Submission,
    *,
    now: int = NOW,
    heads: dict[bytes, bytes] | None = None,
    source: TrustSource | None = None,
    **question: Any,
) -> Report:
    """Verify with the bundle of a world and no network."""
    bundle = BundleTrustSource(bundle_of(world, heads=heads), now=now)
    return verify(
        submission,
        world.question(checked_at=now, **question),
        profile=PROFILE,
        source=source or bundle,
        bundle=bundle,
    )


def codes(report: Report) -> dict[Line, str]:
    return {finding.line: finding.code for finding in report.findings}


def forms(evidence: Evidence) -> dict[str, Submission]:
    """Return every form in which a document is verified without a network."""
    receipt = evidence.receipt_bytes()
    return {
        "token and receipt": Submission(token=evidence.sdjwt, receipts=(receipt,)),
        "receipt": Submission(receipts=(receipt,)),
        "receipt without documents": Submission(receipts=(evidence.receipt_bytes(documents={}),)),
        "offline code": Submission(codes=(evidence.offline_code,)),
        "page with both codes": Submission(codes=(evidence.link_code, evidence.offline_code)),
    }


@pytest.mark.parametrize("document", [durian, cement, inspection])
def test_says_what_the_chain_says(document: Any) -> None:
    world = World()
    evidence = world.issue(document())

    for name, submission in forms(evidence).items():
        report = offline(world, submission)
        chain = verify(
            replace(submission, beside=(evidence.receipt_bytes(),)),
            world.question(),
            profile=PROFILE,
            source=world.source,
        )
        assert report.overall == chain.overall, name
        assert codes(report) == codes(chain), name
        assert report.as_json()["bundle"] == {"block": 200, "age_seconds": 30}
        assert report.as_json()["document"] is not None


def test_an_offline_code_of_a_large_batch_needs_nothing_else() -> None:
    world = World()
    evidence = world.issue(durian(), anchored=None)
    leaves = [leaf_digest(number.to_bytes(4)) for number in range(2500)]
    leaves[2400:2402] = [evidence.issued.leaf, evidence.summary.leaf()]
    _, _, tree = world.anchor(leaves, at=ANCHORED)
    own = tree.subtree_proof(2401)
    code = evidence.summary.with_proof(own.index, own.leaves, own.path).encode_offline_code(
        "x.example"
    )
    heads = {tree.root: b"".join(tree.subtree_heads())}

    report = offline(world, Submission(codes=(code,)), heads=heads)

    assert report.anchor is not None
    assert (report.anchor.root, report.anchor.size) == (tree.root, 2500)
    assert codes(report)[Line.TIME_STAMPED] == "demonstration_chain"
    assert str(report.overall) == "valid_with_notes"


def test_a_link_code_alone_needs_a_registry() -> None:
    world = World()
    evidence = world.issue(durian())

    report = offline(world, Submission(codes=(evidence.link_code,)))

    assert codes(report)[Line.UNCHANGED] == "online_code_needs_registry"


class TestAge:
    @pytest.mark.parametrize(
        ("age", "overall", "code"),
        [
            (DAY, "valid_with_notes", "ok"),
            (DAY + 1, "valid_with_notes", "bundle_not_fresh"),
            (7 * DAY, "valid_with_notes", "bundle_not_fresh"),
            (7 * DAY + 1, "cannot_confirm", "bundle_too_old"),
            (-1, "cannot_confirm", "bundle_ahead_of_clock"),
        ],
    )
    def test_of_the_bundle(self, age: int, overall: str, code: str) -> None:
        world = World()
        evidence = world.issue(durian())

        report = offline(world, evidence.submission(), now=world.source.block.time + age)

        assert (str(report.overall), codes(report)[Line.NOT_REVOKED]) == (overall, code)
        assert report.bundle is not None
        assert report.bundle.age_seconds == age

    def test_does_not_make_a_revocation_milder(self) -> None:
        world = World()
        evidence = world.issue(durian())
        world.set_status(body_of(durian()), revoked=True, events=(REVOKED,))

        report = offline(world, evidence.submission(), now=NOW + 3 * DAY)

        assert str(report.overall) == "not_valid"
        assert codes(report)[Line.NOT_REVOKED] == "revoked"


class TestThenAndNow:
    def question(self, at: int, *, now: int = NOW) -> Report:
        world = World()
        evidence = world.issue(durian())
        world.set_status(body_of(durian()), revoked=True, events=(REVOKED,))
        return offline(world, evidence.submission(), now=now, at=at)

    def test_before_the_revocation_it_was_good(self) -> None:
        report = self.question(REVOKED.time - 1)

        assert report.then is not None
        assert (str(report.then.overall), str(report.overall)) == ("valid_with_notes", "not_valid")

    def test_from_its_moment_on_it_was_not(self) -> None:
        report = self.question(REVOKED.time)

        assert report.then is not None
        assert str(report.then.overall) == "not_valid"

    def test_a_moment_after_the_bundle_is_as_uncertain_as_now(self) -> None:
        world = World()
        evidence = world.issue(durian())
        now = NOW + 6 * DAY

        report = offline(world, evidence.submission(), now=now, at=NOW + 2 * DAY)

        assert report.then is not None
        assert str(report.then.overall) == "valid_with_notes"


class TestWhatTheBundleDoesNotKnow:
    def test_a_later_anchor_is_unknown(self) -> None:
        world = World()
        bundle = bundle_of(world)
        evidence = world.issue(durian())
        source = BundleTrustSource(bundle, now=NOW)

        for submission in forms(evidence).values():
            report = verify(
                submission, world.question(), profile=PROFILE, source=source, bundle=source
            )
            assert codes(report)[Line.TIME_STAMPED] == "not_in_bundle"
            assert str(report.overall) == "cannot_confirm"

    def test_a_later_key_is_unknown(self) -> None:
        world = World()
        body = body_of(durian())
        world.signers[body, KeyPurpose.CERTIFICATE] = FixedSigner(Algorithm.ES256, number=900)
        evidence = world.issue(durian(), anchored=None)

        report = offline(world, evidence.submission())

        assert codes(report)[Line.SIGNED] == "not_in_bundle"
        assert str(report.overall) == "cannot_confirm"

    def test_a_key_unknown_when_the_token_was_anchored_was_never_registered(self) -> None:
        world = World()
        body = body_of(durian())
        world.signers[body, KeyPurpose.CERTIFICATE] = FixedSigner(Algorithm.ES256, number=900)
        evidence = world.issue(durian(), anchored=ANCHORED)

        report = offline(world, evidence.submission())

        assert codes(report)[Line.SIGNED] == "unknown_key"
        assert str(report.overall) == "not_valid"


def test_beside_a_chain_the_bundle_only_supplies_proofs() -> None:
    world = World()
    evidence = world.issue(durian())
    bundle = bundle_of(world)
    world.set_status(body_of(durian()), revoked=True, events=(REVOKED,))
    source = BundleTrustSource(bundle, now=NOW)

    report = verify(
        Submission(codes=(evidence.offline_code,)),
        world.question(),
        profile=PROFILE,
        source=world.source,
        bundle=source,
    )
    assert str(report.overall) == "not_valid"
    assert report.anchor is not None, "the way to the root came from the bundle"
    assert report.as_json()["bundle"] is None

    world.source.silence = "chain_unreachable"
    silent = verify(
        evidence.submission(),
        world.question(),
        profile=PROFILE,
        source=world.source,
        bundle=source,
    )
    assert codes(silent)[Line.NOT_REVOKED] == "chain_unreachable", "no falling back"

"""Who signed, and whether the key was usable at the time that counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.check_builders import (
    ANCHORED,
    DAY,
    HOUR,
    KEY,
    NOW,
    REGISTERED,
    SIGNED,
    anchored,
    body_facts,
    key_facts,
    token,
    token_facts,
    trust,
)
from verifier.checks.evidence import NotAnchored, SignedToken, TokenFacts, WrongProof
from verifier.checks.facts import KeyPurpose, Unavailable
from verifier.checks.finding import Finding, Status
from verifier.checks.signed import check_signed, signature_holds
from verifier.core.keys import Algorithm

NO_PROOF = Unavailable("proof_not_supplied")


def check(
    signed: SignedToken | None = None, facts: TokenFacts | None = None, **changes: Any
) -> Finding:
    signed = signed or token()
    facts = facts or token_facts()
    arguments = {
        "trust": trust(),
        "holds": signature_holds(signed, facts.signer),
        "moment": NOW,
    } | changes
    return check_signed(signed, facts, **arguments)


def with_key(**changes: Any) -> TokenFacts:
    return token_facts(key=key_facts(**changes))


def test_a_registered_key_in_good_standing_passes() -> None:
    assert check().code == "ok"


@pytest.mark.parametrize(
    ("signed", "facts", "code"),
    [
        pytest.param(token(intact=False), token_facts(), "bad_signature", id="not by that key"),
        pytest.param(token(), token_facts(key=None), "unknown_key", id="key not in the body"),
        pytest.param(
            token(), token_facts(body=None, key=None), "unknown_key", id="body not registered"
        ),
        pytest.param(
            token(did="did:web:other.example"),
            token_facts(),
            "issuer_mismatch",
            id="issuer id makes another body id",
        ),
        pytest.param(
            token(did="did:key:z6Mk"), token_facts(), "issuer_mismatch", id="malformed issuer id"
        ),
        pytest.param(
            token(did=None),
            token_facts(body=body_facts(party="LA")),
            "issuer_mismatch",
            id="summary that names another party than the body has",
        ),
        pytest.param(
            token(purpose=KeyPurpose.RECORD), token_facts(), "key_not_usable", id="wrong purpose"
        ),
    ],
)
def test_fails(signed: SignedToken, facts: TokenFacts, code: str) -> None:
    finding = check(signed, facts)

    assert (finding.status, finding.code) == (Status.FAIL, code)


class TestUnknown:
    def test_a_party_outside_the_profile_is_no_forgery(self) -> None:
        finding = check(trust=trust(parties=frozenset({"LA"})))

        assert (finding.status, finding.code) == (Status.UNKNOWN, "unknown_party")

    def test_an_unregistered_body_of_such_a_party_neither(self) -> None:
        finding = check(
            facts=token_facts(body=None, key=None), trust=trust(parties=frozenset({"LA"}))
        )

        assert finding.code == "unknown_party"

    def test_a_bad_signature_of_such_a_party_is(self) -> None:
        finding = check(token(intact=False), trust=trust(parties=frozenset({"LA"})))

        assert finding.code == "bad_signature"

    @pytest.mark.parametrize("fact", ["key", "body"])
    def test_a_silent_source_says_nothing(self, fact: str) -> None:
        facts = token_facts(**{fact: Unavailable("chain_unreachable")})

        assert check(facts=facts).code == "chain_unreachable"

    def test_nothing_is_confirmed_without_a_profile(self) -> None:
        assert check(trust=Unavailable("no_profile")).code == "no_profile"

    def test_an_unlisted_reason_of_a_source_stays_unknown(self) -> None:
        finding = check(facts=token_facts(key=Unavailable("moon_phase")))

        assert (finding.status, finding.code) == (Status.UNKNOWN, "chain_fault")
        assert finding.data == {"reason": "moon_phase"}

    @pytest.mark.parametrize(
        ("algorithms", "code"),
        [
            pytest.param({Algorithm.ES256: ANCHORED + 1}, "ok", id="cut off after the anchor"),
            pytest.param(
                {Algorithm.ES256: ANCHORED}, "algorithm_not_accepted", id="cut off at the anchor"
            ),
            pytest.param({Algorithm.EDDSA: None}, "algorithm_not_accepted", id="not listed"),
        ],
    )
    def test_algorithm(self, algorithms: dict[Algorithm, int | None], code: str) -> None:
        assert check(trust=trust(algorithms=algorithms)).code == code


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        pytest.param({"registered_at": ANCHORED}, "ok", None, id="registered in that second"),
        pytest.param(
            {"registered_at": ANCHORED + 1}, "key_not_usable", "not_yet_registered", id="too late"
        ),
        pytest.param({"anchor_until": ANCHORED + 1}, "ok", None, id="last second of anchoring"),
        pytest.param(
            {"anchor_until": ANCHORED}, "key_not_usable", "anchoring_period_over", id="just over"
        ),
        pytest.param({"sign_until": SIGNED + 1}, "ok", None, id="last second of signing"),
        pytest.param(
            {"sign_until": SIGNED}, "key_not_usable", "signing_period_over", id="signed too late"
        ),
        pytest.param({"revoked_at": ANCHORED}, "key_revoked", "revoked", id="revoked then"),
        pytest.param({"revoked_at": ANCHORED + 1}, "key_revoked_later", None, id="revoked after"),
        pytest.param(
            {"revoked_at": ANCHORED + DAY, "compromised_since": ANCHORED},
            "key_revoked",
            "compromised",
            id="stolen before, found out after",
        ),
        pytest.param(
            {"revoked_at": ANCHORED + DAY, "compromised_since": ANCHORED + 1},
            "key_compromised_later",
            None,
            id="stolen after",
        ),
    ],
)
def test_the_time_of_the_anchor_counts(
    changes: dict[str, int], code: str, reason: str | None
) -> None:
    finding = check(facts=with_key(**changes))

    assert finding.code == code
    assert finding.data.get("reason") == reason


@pytest.mark.parametrize(
    ("removed_at", "code"), [(ANCHORED, "key_not_usable"), (ANCHORED + 1, "ok"), (None, "ok")]
)
def test_a_removed_party_signs_nothing_more(removed_at: int | None, code: str) -> None:
    assert check(facts=token_facts(body=body_facts(party_removed_at=removed_at))).code == code


class TestWithoutAnchor:
    def test_the_key_must_be_usable_now(self) -> None:
        facts = replace(with_key(anchor_until=NOW), anchoring=NotAnchored())

        assert check(facts=facts).code == "key_not_usable"

    def test_unanchored_under_a_revoked_key_fails(self) -> None:
        facts = replace(with_key(revoked_at=NOW - 60), anchoring=NotAnchored())

        assert check(facts=facts).code == "key_revoked"

    def test_a_fresh_token_without_proof_counts_as_unanchored(self) -> None:
        signed = token(issued_at=NOW - HOUR)
        facts = replace(with_key(revoked_at=NOW - 60), anchoring=NO_PROOF)

        assert check(signed, facts).code == "key_revoked"

    def test_an_old_token_without_proof_may_have_been_anchored_in_time(self) -> None:
        facts = replace(with_key(revoked_at=NOW - 60), anchoring=NO_PROOF)

        finding = check(facts=facts)

        assert (finding.status, finding.code) == (Status.UNKNOWN, "proof_not_supplied")

    def test_a_silent_source_never_makes_a_fresh_token_a_forgery(self) -> None:
        signed = token(issued_at=NOW - HOUR)
        silent = Unavailable("registry_unreachable")
        facts = replace(with_key(revoked_at=NOW - 60), anchoring=silent)

        assert check(signed, facts).code == "registry_unreachable"

    def test_signed_after_the_revocation_no_anchor_can_help(self) -> None:
        facts = replace(with_key(revoked_at=SIGNED - HOUR), anchoring=NO_PROOF)

        assert check(facts=facts).code == "key_revoked"

    def test_a_key_that_was_always_good_passes_without_proof(self) -> None:
        assert check(facts=replace(token_facts(), anchoring=NO_PROOF)).code == "ok"

    def test_a_wrong_proof_leaves_the_standing_of_a_revoked_key_open(self) -> None:
        facts = replace(with_key(revoked_at=NOW - 60), anchoring=WrongProof("inclusion path"))

        assert check(facts=facts).code == "not_checked"


moments = st.integers(REGISTERED - DAY, NOW + DAY)
optional = st.none() | moments


@given(
    anchor=moments,
    issued=moments,
    registered=moments,
    sign=optional,
    until=optional,
    revoked=optional,
    stolen=optional,
)
def test_agrees_with_the_rule_read_aloud(
    *,
    anchor: int,
    issued: int,
    registered: int,
    sign: int | None,
    until: int | None,
    revoked: int | None,
    stolen: int | None,
) -> None:
    facts = token_facts(
        anchoring=anchored(time=anchor),
        key=key_facts(
            registered_at=registered,
            sign_until=sign,
            anchor_until=until,
            revoked_at=revoked,
            compromised_since=stolen,
        ),
    )
    usable = (
        registered <= anchor
        and (sign is None or issued < sign)
        and (until is None or anchor < until)
        and (revoked is None or anchor < revoked)
        and (stolen is None or anchor < stolen)
    )

    finding = check(token(issued_at=issued), facts)

    assert (finding.status in (Status.PASS, Status.NOTE)) is usable
    assert (finding.status is Status.NOTE) is (usable and (revoked or stolen) is not None)


@given(issued=moments, registered=moments, revoked=optional, moment=moments)
def test_without_proof_an_answer_holds_for_every_anchor_that_could_be_shown(
    issued: int, registered: int, revoked: int | None, moment: int
) -> None:
    key = key_facts(registered_at=registered, revoked_at=revoked)
    signed = token(issued_at=issued)

    def status_with(anchoring: Any) -> Status:
        return check(signed, token_facts(key=key, anchoring=anchoring), moment=moment).status

    silent = status_with(Unavailable("registry_unreachable"))
    first, last = issued - 15 * 60, max(issued - 15 * 60, moment)
    edges = [first, last, registered, registered - 1, revoked or first, (revoked or first) - 1]
    shown = {status_with(anchored(time=at)) for at in edges if first <= at <= last}

    if silent is not Status.UNKNOWN:
        assert shown == {silent}


class TestSignature:
    def test_without_any_key_nothing_is_known(self) -> None:
        facts = token_facts(key=None)

        assert signature_holds(token(), facts.signer) is None

    def test_a_named_key_shows_that_the_bytes_are_intact(self) -> None:
        signer = replace(token_facts(key=Unavailable("chain_unreachable")).signer, named_key=KEY)

        assert signature_holds(token(), signer) is True
        assert signature_holds(token(intact=False), signer) is False

    def test_a_named_key_never_says_who_signed(self) -> None:
        facts = token_facts(key=None)
        facts = replace(facts, signer=replace(facts.signer, named_key=KEY))

        assert check(facts=facts).code == "unknown_key"

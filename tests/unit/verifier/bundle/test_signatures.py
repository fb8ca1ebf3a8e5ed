"""Whose word counts for a bundle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.support.bundles import Vouching, bundle_of
from tests.support.evidence_builders import DAY, NOW, World, trust_profile
from tests.support.summaries import FixedSigner
from verifier.bundle.content import encode_content
from verifier.bundle.file import BundleFile, SignaturePair
from verifier.bundle.opening import accept_bundle, open_bundle
from verifier.bundle.signatures import LONGEST_DELEGATION, Delegation, sign_bundle
from verifier.chain.profile import Profile
from verifier.core.errors import MalformedEvidenceError, UntrustedBundleError
from verifier.core.keys import Algorithm

BUNDLE = bundle_of(World())
FILE = BundleFile(encode_content(BUNDLE))
VOUCHING = Vouching()
TIME = BUNDLE.home.time


def refusal(file: BundleFile, profile: Profile) -> str:
    with pytest.raises(UntrustedBundleError) as caught:
        accept_bundle(file, profile)
    return caught.value.reason


def signed(*delegations: tuple[str, bytes]) -> BundleFile:
    file = FILE
    for name, delegation in delegations:
        file = sign_bundle(file, BUNDLE, VOUCHING.keys[name], delegation)
    return file


def sound(name: str) -> tuple[str, bytes]:
    return name, VOUCHING.delegation(name)


@dataclass(frozen=True)
class Impostor:
    """Signs with one key under the name of another."""

    signer: FixedSigner
    thumbprint: bytes

    @property
    def algorithm(self) -> Algorithm:
        return self.signer.algorithm

    def sign(self, message: bytes) -> bytes:
        return self.signer.sign(message)


def test_enough_signatures_are_enough() -> None:
    opened = open_bundle(VOUCHING.sign(BUNDLE).encode(), VOUCHING.profile())

    assert opened.bundle == BUNDLE
    assert opened.signers == ("Kunming", "Vientiane")


def test_one_of_two_may_be_enough() -> None:
    profile = VOUCHING.profile(bundle_threshold=1)

    assert accept_bundle(VOUCHING.sign(BUNDLE, "Vientiane"), profile).signers == ("Vientiane",)


def test_signatures_of_strangers_do_not_matter() -> None:
    file = VOUCHING.sign(BUNDLE)
    noise = SignaturePair(b"no signature", b"nor this")
    stranger = Vouching(names=("A", "B", "Stranger"))
    foreign = SignaturePair(stranger.delegation("Stranger"), file.signatures[0].statement)

    opened = accept_bundle(
        replace_signatures(file, noise, foreign, *file.signatures), VOUCHING.profile()
    )

    assert opened.signers == ("Kunming", "Vientiane")


def replace_signatures(file: BundleFile, *pairs: SignaturePair) -> BundleFile:
    return BundleFile(file.content, pairs)


class TestTooFew:
    @pytest.mark.parametrize(
        "pairs",
        [
            pytest.param([], id="none"),
            pytest.param([sound("Kunming")], id="one"),
            pytest.param([sound("Kunming"), sound("Kunming")], id="one twice"),
            pytest.param(
                [sound("Kunming"), ("Kunming", VOUCHING.delegation("Kunming", root="Vientiane"))],
                id="one key for two signers",
            ),
            pytest.param(
                [sound("Kunming"), ("Vientiane", VOUCHING.delegation("Vientiane", root="Kunming"))],
                id="two keys of one signer",
            ),
            pytest.param(
                [sound("Kunming"), ("Vientiane", VOUCHING.delegation("Kunming", root="Vientiane"))],
                id="by a key that nobody named",
            ),
        ],
    )
    def test_is_refused(self, pairs: list[tuple[str, bytes]]) -> None:
        assert refusal(signed(*pairs), VOUCHING.profile()) == "too_few_signatures"
        assert refusal(signed(*pairs), VOUCHING.profile(demonstration=True)) == "too_few_signatures"

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"since": TIME + 1}, id="not yet"),
            pytest.param({"until": TIME}, id="no longer"),
            pytest.param({"genesis": b"\x01" * 32}, id="for another chain"),
        ],
    )
    def test_a_delegation_that_does_not_fit_does_not_count(self, changes: dict[str, Any]) -> None:
        delegation = VOUCHING.delegation("Vientiane", **changes)
        file = signed(sound("Kunming"), ("Vientiane", delegation))

        assert refusal(file, VOUCHING.profile()) == "too_few_signatures"

    def test_another_key_than_the_delegation_names_does_not_count(self) -> None:
        thief = FixedSigner(number=950)
        file = sign_bundle(
            signed(sound("Kunming")), BUNDLE, thief, VOUCHING.delegation("Vientiane")
        )
        assert refusal(file, VOUCHING.profile()) == "too_few_signatures"

        file = sign_bundle(
            signed(sound("Kunming")),
            BUNDLE,
            Impostor(thief, VOUCHING.keys["Vientiane"].thumbprint),
            VOUCHING.delegation("Vientiane"),
        )
        assert refusal(file, VOUCHING.profile()) == "too_few_signatures"

    def test_a_forged_delegation_does_not_count(self) -> None:
        thief = FixedSigner(number=950)
        impostor = Impostor(thief, VOUCHING.roots["Vientiane"].thumbprint)
        delegation = Delegation(
            genesis=bytes(32), key=thief.public_key, since=NOW - DAY, until=NOW + DAY
        ).sign(impostor)
        file = sign_bundle(signed(sound("Kunming")), BUNDLE, thief, delegation)

        assert refusal(file, VOUCHING.profile()) == "too_few_signatures"

    def test_a_key_that_must_stay_off_line_signs_no_bundle(self) -> None:
        for root in VOUCHING.roots.values():
            delegation = VOUCHING.delegation("Vientiane", key=root.public_key)
            file = sign_bundle(signed(sound("Kunming")), BUNDLE, root, delegation)

            assert refusal(file, VOUCHING.profile()) == "too_few_signatures"

    @pytest.mark.parametrize("changes", [{"since": TIME}, {"until": TIME + 1}])
    def test_the_window_is_half_open(self, changes: dict[str, Any]) -> None:
        delegation = VOUCHING.delegation("Vientiane", **changes)
        file = signed(sound("Kunming"), ("Vientiane", delegation))

        assert len(accept_bundle(file, VOUCHING.profile()).signers) == 2

    def test_a_signature_is_about_one_bundle(self) -> None:
        other = bundle_of(World(), block=201)
        moved = replace_signatures(
            BundleFile(encode_content(other)), *VOUCHING.sign(BUNDLE).signatures
        )

        assert refusal(moved, VOUCHING.profile()) == "too_few_signatures"

    def test_a_statement_that_is_not_true_of_the_content_does_not_count(self) -> None:
        later = bundle_of(World(), block=201)
        lying = sign_bundle(FILE, later, VOUCHING.keys["Kunming"], VOUCHING.delegation("Kunming"))
        both = sign_bundle(
            lying, BUNDLE, VOUCHING.keys["Vientiane"], VOUCHING.delegation("Vientiane")
        )

        assert refusal(both, VOUCHING.profile()) == "too_few_signatures"

    def test_what_nobody_vouches_for_is_not_read(self) -> None:
        nonsense = BundleFile(b"no bundle at all")

        assert refusal(nonsense, VOUCHING.profile()) == "too_few_signatures"

    def test_an_algorithm_that_the_profile_gave_up_does_not_count(self) -> None:
        profile = VOUCHING.profile(algorithms={"ES256": TIME, "EdDSA": None})
        assert refusal(VOUCHING.sign(BUNDLE), profile) == "too_few_signatures"

        profile = VOUCHING.profile(algorithms={"ES256": TIME + 1, "EdDSA": None})
        assert len(accept_bundle(VOUCHING.sign(BUNDLE), profile).signers) == 2


class TestNoSigners:
    def test_production_accepts_no_bundle_then(self) -> None:
        assert refusal(VOUCHING.sign(BUNDLE), trust_profile()) == "no_signers"

    def test_a_demonstration_may_do_without(self) -> None:
        assert accept_bundle(FILE, trust_profile(demonstration=True)).signers == ()


class TestOtherContracts:
    @pytest.mark.parametrize(
        "changes",
        [{"genesis": b"\x01" * 32}, {"chain_id": 2}, {"generations": ()}],
        ids=["genesis", "chain", "generations"],
    )
    def test_are_refused(self, changes: dict[str, Any]) -> None:
        world = World()
        for body in list(world.source.bodies):
            world.change_body(body, scopes=())
        file = BundleFile(encode_content(bundle_of(world, **changes)))

        assert refusal(file, trust_profile(demonstration=True)) == "other_contracts"

    def test_other_code_is_refused(self) -> None:
        chain = BUNDLE.home
        generation = chain.generations[0]
        registry = replace(generation.registry, code_hash=b"\x01" * 32)
        changed = replace(
            BUNDLE,
            chains=(replace(chain, generations=(replace(generation, registry=registry),)),),
        )
        file = BundleFile(encode_content(changed))

        assert refusal(file, trust_profile(demonstration=True)) == "other_contracts"


@pytest.mark.parametrize("seconds", [0, -1, LONGEST_DELEGATION + 1])
def test_a_delegation_ends_and_soon(seconds: int) -> None:
    with pytest.raises(MalformedEvidenceError):
        Delegation(
            genesis=bytes(32),
            key=VOUCHING.keys["Kunming"].public_key,
            since=NOW,
            until=NOW + seconds,
        )
    assert LONGEST_DELEGATION < 100 * DAY

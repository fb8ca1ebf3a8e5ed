"""Co-signatures from the signer to the holder: made, stored, delivered, verified."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from registry.anchoring.domain import LeafKind
from registry.anchoring.models import LeafRow
from registry.bodies import service as bodies
from registry.bodies.models import BodyKeyRow
from registry.certificates import issuing
from registry.certificates.errors import DeliveryMismatchError
from registry.certificates.models import CoSignatureRow, IssuedTokenRow
from registry.certificates.receipts import public_receipt
from registry.certificates.signed_contents import token_of
from registry.founding import make_missing_keys, registration
from registry.settings import CoSigning, Environment, Settings
from registry.signing import sm2 as signing_sm2
from registry.signing.errors import SignerUnavailableError, SigningRefusedError
from tests.support.evidence_builders import trust_profile
from tests.support.registry_database import NOW
from tests.support.registry_world import LI, REGISTERED, World, samples
from verifier.checks.facts import BodyKind
from verifier.checks.finding import Line
from verifier.core.certificate import parse_certificate
from verifier.core.cosignature import co_sign
from verifier.core.keys import TOKEN_ALGORITHMS, Algorithm, PublicKey
from verifier.core.receipt import parse_receipt
from verifier.openssl_sm2 import open_sm2
from verifier.report import Report
from verifier.service import Question, Submission, verify

pytestmark = pytest.mark.skipif(open_sm2() is None, reason="no OpenSSL from 3 on with SM2 here")


def certificate() -> dict[str, Any]:
    document: dict[str, Any] = samples()["documents"][0]
    return document


def found(world: World, co_signing: CoSigning = CoSigning.ON) -> int:
    """Make the keys that are missing, as `lancang init` does, and note them on chain."""
    outcome = make_missing_keys(
        world.database, world.signer, actor=LI, at=REGISTERED, co_signing=co_signing
    )
    with world.database.begin() as session:
        waiting = select(BodyKeyRow.thumbprint).where(BodyKeyRow.on_chain_since.is_(None))
        for thumbprint in session.scalars(waiting).all():
            bodies.mark_key_on_chain(session, thumbprint, REGISTERED)
    return outcome.made


def sm2_keys(world: World) -> list[PublicKey]:
    with world.database.read() as session:
        every = [key for body in world.bodies.values() for key in bodies.keys(session, body.id)]
    return [key.public_key for key in every if key.public_key.algorithm is Algorithm.SM2]


def check(world: World, receipt: bytes) -> Report:
    return verify(
        Submission(receipts=(receipt,)),
        Question(checked_at=int(NOW.timestamp())),
        profile=trust_profile(),
        source=world.trust_source(),
        sm2=open_sm2(),
    )


def signed_data(report: Report) -> tuple[str, dict[str, Any]]:
    finding = next(each for each in report.findings if each.line is Line.SIGNED)
    return finding.code, dict(finding.data)


class TestFounding:
    def test_every_laboratory_gets_one_key_once(self, world: World) -> None:
        laboratories = [b for b in world.bodies.values() if b.kind is BodyKind.LABORATORY]

        assert found(world) == len(laboratories) > 0
        assert found(world) == 0
        assert len(sm2_keys(world)) == len(laboratories)
        entries = registration(world.database, operators=()).keys
        codes = {entry.public_key.algorithm.chain_code for entry in entries}
        assert codes == {1, 3}

    def test_none_where_it_is_off(self, world: World) -> None:
        assert found(world, CoSigning.OFF) == 0
        assert sm2_keys(world) == []

    def test_a_signer_without_sm2_is_told_or_passed_over(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(signing_sm2, "library_names", lambda: ("libnone.so",))
        signing_sm2._library.cache_clear()
        with pytest.raises(SigningRefusedError) as caught:
            found(world, CoSigning.ON)
        assert caught.value.reason == "sm2_unavailable"

        outcome = make_missing_keys(
            world.database, world.signer, actor=LI, at=REGISTERED,
            co_signing=CoSigning.WHERE_POSSIBLE,
        )  # fmt: skip
        assert outcome.without_sm2
        assert outcome.made == 0
        [issued] = world.issue(certificate())
        with world.database.read() as session:
            assert session.get(CoSignatureRow, issued.certificate_id) is None

    @pytest.mark.parametrize(
        ("environment", "sm2", "expected"),
        [
            (Environment.DEMONSTRATION, None, CoSigning.WHERE_POSSIBLE),
            (Environment.DEMONSTRATION, False, CoSigning.OFF),
            (Environment.DEMONSTRATION, True, CoSigning.ON),
            (Environment.PRODUCTION, None, CoSigning.OFF),
            (Environment.PRODUCTION, True, CoSigning.ON),
        ],
    )
    def test_what_the_settings_say(
        self, environment: Environment, sm2: bool | None, expected: CoSigning
    ) -> None:
        settings = Settings()
        changed = settings.model_copy(
            update={
                "environment": environment,
                "signer": settings.signer.model_copy(update={"sm2": sm2}),
            }
        )
        assert changed.co_signing is expected


class TestIssuing:
    def test_token_and_co_signature_are_stored_and_queued_together(self, world: World) -> None:
        found(world)
        [issued] = world.issue(certificate())
        with world.database.read() as session:
            stored = session.get_one(CoSignatureRow, issued.certificate_id)
            row = session.get_one(IssuedTokenRow, issued.certificate_id)
            token = token_of(session, row)
            kinds = {
                leaf.kind: leaf.leaf
                for leaf in session.scalars(
                    select(LeafRow).where(LeafRow.certificate_id == issued.certificate_id)
                )
            }

        assert stored.token.split(".")[1] == token.split(".")[1]
        assert kinds[LeafKind.CO_SIGNATURE] == stored.leaf
        assert set(kinds) == {LeafKind.CERTIFICATE, LeafKind.CO_SIGNATURE, LeafKind.SUMMARY}
        parsed = parse_certificate(f"{token}~")
        assert parsed.credential.co_signature == "SM2-SM3"
        assert parsed.jws.algorithm in TOKEN_ALGORITHMS

    def test_records_are_not_co_signed(self, world: World) -> None:
        found(world)
        [issued] = world.issue(samples()["documents"][3])
        with world.database.read() as session:
            assert session.get(CoSignatureRow, issued.certificate_id) is None

    def test_a_revoked_key_is_not_used_any_more(self, world: World) -> None:
        found(world)
        with world.database.begin() as session:
            statement = update(BodyKeyRow).where(BodyKeyRow.algorithm == Algorithm.SM2)
            session.execute(statement.values(revoked_at=NOW))
        [issued] = world.issue(certificate())
        with world.database.read() as session:
            row = session.get_one(IssuedTokenRow, issued.certificate_id)
            token = token_of(session, row)
        assert parse_certificate(f"{token}~").credential.co_signature == "none"

    def test_nothing_is_stored_when_the_co_signature_is_another(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found(world)

        def forged(token: str, signer: Any) -> Any:
            made = co_sign(token, signer)
            return replace(made, text=made.text[:-2] + ("AA" if made.text[-2:] != "AA" else "Bg"))

        monkeypatch.setattr(issuing, "co_sign", forged)
        with pytest.raises(DeliveryMismatchError, match="signature"):
            world.issue(certificate())
        with world.database.read() as session:
            assert session.scalars(select(IssuedTokenRow)).all() == []
            assert session.scalars(select(LeafRow)).all() == []

    def test_nothing_is_signed_where_it_cannot_be_read_back(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found(world)
        monkeypatch.setattr("registry.signing.reading_back.open_sm2", lambda: None)
        with pytest.raises(SignerUnavailableError):
            world.issue(certificate())

    @pytest.mark.parametrize(
        "statement", ["UPDATE co_signatures SET token = 'x'", "DELETE FROM co_signatures"]
    )
    def test_the_database_keeps_it_as_it_is(self, world: World, statement: str) -> None:
        found(world)
        world.issue(certificate())
        with pytest.raises(IntegrityError), world.database.begin() as session:
            session.execute(text(statement))


class TestDelivery:
    def test_a_holder_receives_what_verifies(self, world: World) -> None:
        found(world)
        [issued] = world.issue(certificate())
        world.anchor()
        delivery = world.deliver(issued.certificate_id)
        receipt = parse_receipt(delivery.receipt)

        assert delivery.sealed
        assert receipt.co_signature is not None
        assert receipt.co_signature.leaf in {proof.leaf for proof in receipt.proofs}
        code, data = signed_data(check(world, delivery.receipt))
        assert (code, data["co_signature"]) == ("ok", "co_signature_ok")

    def test_a_view_carries_it_too(self, world: World) -> None:
        found(world)
        [issued] = world.issue(certificate())
        release = world.release(issued.certificate_id, "customer.name")
        world.anchor()
        delivery = world.deliver(issued.certificate_id, release)

        assert parse_receipt(delivery.receipt).co_signature is not None
        assert signed_data(check(world, delivery.receipt))[1]["co_signature"] == "co_signature_ok"

    def test_before_its_batch_is_sealed(self, world: World) -> None:
        found(world)
        [issued] = world.issue(certificate())
        delivery = world.deliver(issued.certificate_id)
        assert not delivery.sealed
        assert parse_receipt(delivery.receipt).co_signature is not None

    def test_public_receipts_of_both_leaves(self, world: World) -> None:
        found(world)
        [issued] = world.issue(certificate())
        world.anchor()
        with world.database.read() as session:
            co_signature = session.get_one(CoSignatureRow, issued.certificate_id)
            of_token = public_receipt(session, issued.leaf, trees=world.trees)
            of_own = public_receipt(session, co_signature.leaf, trees=world.trees)

        assert of_token.co_signature is not None
        assert {proof.leaf for proof in of_token.proofs} == {issued.leaf, co_signature.leaf}
        assert of_own.token is None
        assert of_own.co_signature == of_token.co_signature
        assert [proof.leaf for proof in of_own.proofs] == [co_signature.leaf]
        names = {key.thumbprint() for key in of_own.keys}
        assert co_signature.key_thumbprint in names


def test_health_can_probe_an_sm2_key(world: World) -> None:
    found(world)
    for key in sm2_keys(world):
        world.signer.probe(key)

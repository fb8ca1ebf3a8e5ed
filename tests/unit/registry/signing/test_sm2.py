"""SM2 keys of the signer against two other implementations, and what such a key may sign."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from gmssl import sm2

from registry.signing import reading_back
from registry.signing import sm2 as signing_sm2
from registry.signing.description import KeyDescription, SigningContext
from registry.signing.errors import SignerUnavailableError, SigningRefusedError
from registry.signing.purposes import check_message
from registry.signing.reading_back import is_signed
from registry.signing.sm2 import Sm2Key
from registry.signing.software import SoftwareKey
from tests.support import sm2_reference as reference
from tests.support.registry_world import samples
from verifier.checks.facts import KeyPurpose
from verifier.core.certificate import IssuerInfo, issue_certificate
from verifier.core.cosignature import co_sign
from verifier.core.document import parse_document
from verifier.core.ids import StatusEntry
from verifier.core.keys import Algorithm
from verifier.openssl_sm2 import open_sm2

ROOT = Path(__file__).parents[4]
NODE_MODULE = ROOT / "node_modules" / "sm-crypto-v2"
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
ISSUER = IssuerInfo(party="CN", did="did:web:demo.lancang.example", name="Demo")
TWO_PEOPLE = SigningContext(maker="li na", approver="wang fang")

pytestmark = pytest.mark.skipif(open_sm2() is None, reason="no OpenSSL from 3 on with SM2 here")


@pytest.fixture(scope="module")
def key() -> Sm2Key:
    return Sm2Key.generate()


def private_number(key: Sm2Key) -> int:
    """Return the private number in a PKCS #8 key: the octet string of 32 bytes in it."""
    der = key.pkcs8()
    at = der.index(bytes.fromhex("02010104 20".replace(" ", ""))) + 5
    return int.from_bytes(der[at : at + 32])


class TestKey:
    def test_its_public_key_follows_from_the_private_one(self, key: Sm2Key) -> None:
        assert reference.public_of(private_number(key)) == key.public.raw

    def test_two_keys_differ(self, key: Sm2Key) -> None:
        assert Sm2Key.generate().public != key.public

    def test_survives_its_encoding(self, key: Sm2Key) -> None:
        again = Sm2Key.from_pkcs8(key.pkcs8())
        assert again.public == key.public
        assert is_signed(key.public, again.sign(b"message"), b"message")

    @pytest.mark.parametrize(
        "der",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(b"\x30\x80" + bytes(40), id="nonsense"),
            pytest.param(SoftwareKey.generate(Algorithm.ES256).pkcs8(), id="a P-256 key"),
            pytest.param(SoftwareKey.generate(Algorithm.EDDSA).pkcs8(), id="an Ed25519 key"),
        ],
    )
    def test_what_is_no_sm2_key_is_refused(self, der: bytes) -> None:
        with pytest.raises(ValueError, match="key"):
            Sm2Key.from_pkcs8(der)

    def test_software_keys_are_of_other_algorithms(self) -> None:
        with pytest.raises(ValueError, match="SM2"):
            SoftwareKey.generate(Algorithm.SM2)

    def test_without_a_library_it_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(signing_sm2, "library_names", lambda: ("libnone.so",))
        signing_sm2._library.cache_clear()
        with pytest.raises(SigningRefusedError) as caught:
            Sm2Key.generate()
        assert caught.value.reason == "sm2_unavailable"


class TestSignature:
    @pytest.mark.parametrize("message", [b"", b"message digest", bytes(5000)])
    def test_holds_by_the_reference(self, key: Sm2Key, message: bytes) -> None:
        signature = key.sign(message)
        assert len(signature) == 64
        assert reference.verify(key.public.raw, signature, message)
        assert not reference.verify(key.public.raw, signature, message, b"ALICE123@YAHOO.COM")

    def test_is_made_with_a_fresh_random_number(self, key: Sm2Key) -> None:
        assert key.sign(b"message") != key.sign(b"message")

    def test_gmssl_verifies_it(self, key: Sm2Key) -> None:
        theirs = sm2.CryptSM2(f"{private_number(key):064x}", key.public.raw.hex())
        for number in range(3):
            message = f"message {number}".encode()
            assert theirs.verify_with_sm3(key.sign(message).hex(), message)
            assert not theirs.verify_with_sm3(key.sign(message).hex(), message + b".")

    def test_sm_crypto_v2_and_this_verify_each_other(self, key: Sm2Key, tmp_path: Path) -> None:
        node = shutil.which("node")
        if node is None or not NODE_MODULE.is_dir():
            pytest.skip("needs node and the npm package sm-crypto-v2 (npm ci)")
        script = tmp_path / "check.cjs"
        script.write_text(_SCRIPT, "utf-8")
        message = "公钥 message digest"
        given = {
            "module": str(NODE_MODULE),
            "message": message,
            "private": f"{private_number(key):064x}",
            "public": "04" + key.public.raw.hex(),
            "signature": key.sign(message.encode()).hex(),
        }
        done = subprocess.run(
            [node, str(script)],
            input=json.dumps(given).encode(),
            capture_output=True,
            check=True,
            timeout=60,
        )
        answer = json.loads(done.stdout)

        assert answer["verified"] is True
        assert answer["verified_other_message"] is False
        assert answer["verified_other_id"] is False
        assert is_signed(key.public, bytes.fromhex(answer["signature"]), message.encode())


_SCRIPT = """
const given = JSON.parse(require('fs').readFileSync(0));
const { sm2 } = require(given.module);
const options = { hash: true, publicKey: given.public, userId: '1234567812345678' };
const verify = (message, extra) =>
  sm2.doVerifySignature(message, given.signature, given.public, { ...options, ...extra });
process.stdout.write(JSON.stringify({
  verified: verify(given.message, {}),
  verified_other_message: verify(given.message + '.', {}),
  verified_other_id: verify(given.message, { userId: 'ALICE123@YAHOO.COM' }),
  signature: sm2.doSignature(given.message, given.private, options),
}));
"""


class Recorder:
    """Signs with a real key and remembers what it was asked to sign."""

    def __init__(self, key: Sm2Key | SoftwareKey) -> None:
        self.key, self.messages = key, [b""]
        self.algorithm, self.thumbprint = key.algorithm, key.thumbprint

    def sign(self, message: bytes) -> bytes:
        self.messages.append(message)
        return self.key.sign(message)


class TestPurpose:
    """The signer looks at what it signs with an SM2 key, too."""

    def described(self, key: Sm2Key, **changes: object) -> KeyDescription:
        described = KeyDescription(
            body=ISSUER.body, purpose=KeyPurpose.CERTIFICATE, public_key=key.public, created_at=NOW
        )
        return replace(described, **changes)  # type: ignore[arg-type]

    def message(self, key: Sm2Key, *, position: int = 0, co_signature: str = "SM2-SM3") -> bytes:
        document = parse_document(samples()["documents"][position])
        token = issue_certificate(
            document,
            issuer=ISSUER,
            status=StatusEntry(list_number=0, index=7),
            credential_id="urn:uuid:00000000-0000-4000-8000-000000000000",
            issued_at=int(NOW.timestamp()),
            salts=os.urandom(document.template.salt_bytes),
            signer=SoftwareKey.generate(Algorithm.ES256),
            co_signature=co_signature,
        )
        recorder = Recorder(key)
        co_sign(token.jwt, recorder)
        return recorder.messages[-1]

    def refusal(
        self,
        key: Sm2Key,
        message: bytes,
        *,
        described: KeyDescription | None = None,
        context: SigningContext = TWO_PEOPLE,
        now: datetime = NOW,
    ) -> str | None:
        try:
            check_message(described or self.described(key), message, context=context, now=now)
        except SigningRefusedError as error:
            return error.reason
        return None

    def test_a_co_signature_is_allowed(self, key: Sm2Key) -> None:
        assert self.refusal(key, self.message(key)) is None

    def test_what_is_refused(self, key: Sm2Key) -> None:
        message, other = self.message(key), Sm2Key.generate()
        assert self.refusal(key, b"message digest") == "wrong_purpose"
        assert self.refusal(key, self.message(key, position=3)) == "wrong_purpose"
        assert self.refusal(key, self.message(key, co_signature="none")) == "wrong_purpose"
        assert self.refusal(key, self.message(other)) == "wrong_key"
        assert self.refusal(key, message, now=NOW + timedelta(hours=1)) == "wrong_time"
        assert self.refusal(key, message, context=SigningContext()) == "one_person"
        foreign = self.described(key, body=bytes(32))
        assert self.refusal(key, message, described=foreign) == "wrong_body"

    @pytest.mark.parametrize("purpose", [KeyPurpose.SUMMARY, KeyPurpose.STATEMENT])
    def test_nothing_else_is_signed_with_sm2(self, key: Sm2Key, purpose: KeyPurpose) -> None:
        described = self.described(key, purpose=purpose)
        assert self.refusal(key, self.message(key), described=described) == "wrong_purpose"


def test_nothing_is_believed_that_cannot_be_read_back(
    key: Sm2Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_back, "open_sm2", lambda: None)
    with pytest.raises(SignerUnavailableError):
        is_signed(key.public, key.sign(b"message"), b"message")

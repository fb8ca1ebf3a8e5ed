"""Document keys in a real PKCS#11 token (SoftHSM2)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from pkcs11 import Attribute, KeyType

from registry.settings import Pkcs11Settings, Settings, SignerSettings
from registry.signing.connect import open_signer
from registry.signing.errors import (
    KeystoreDamagedError,
    KeystoreLockedError,
    SignerUnavailableError,
    SigningRefusedError,
    UnknownKeyError,
)
from registry.signing.pkcs11_token import Curve, Token
from registry.signing.pkcs11_vault import Pkcs11Vault
from tests.support.softhsm import PIN, configuration, softhsm
from verifier.checks.facts import KeyPurpose
from verifier.core.keys import Algorithm, low_s

BODY = bytes(range(32))
AT = datetime(2026, 11, 21, 8, tzinfo=UTC)
DOCUMENT_ALGORITHMS = [Algorithm.ES256, Algorithm.EDDSA]


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pkcs11Settings:
    hsm = softhsm()
    monkeypatch.setenv("SOFTHSM2_CONF", str(configuration(tmp_path)))
    return hsm.make_token(tmp_path, "documents")


@pytest.fixture
def vault(token: Pkcs11Settings) -> Iterator[Pkcs11Vault]:
    vault = Pkcs11Vault.open(token, PIN.encode())
    yield vault
    vault.close()


@pytest.fixture
def session(token: Pkcs11Settings) -> Iterator[Any]:
    """Whoever has the PIN, beside the signer."""
    library = pkcs11.lib(str(token.module))
    library.reinitialize()
    with library.get_token(token_label=token.token).open(rw=True, user_pin=PIN) as session:
        yield session


@pytest.mark.parametrize("algorithm", DOCUMENT_ALGORITHMS)
def test_a_key_of_the_token_signs_what_everybody_verifies(
    vault: Pkcs11Vault, token: Pkcs11Settings, algorithm: Algorithm
) -> None:
    made = vault.generate(body=BODY, purpose=KeyPurpose.SUMMARY, algorithm=algorithm, at=AT)
    vault.close()
    vault = Pkcs11Vault.open(token, PIN.encode())
    described, key = vault.load(made.public_key.thumbprint())

    assert described == made
    assert vault.descriptions() == [made]
    for number in range(1, 13):
        message = b"a message" * number
        signature = key.sign(message)
        assert made.public_key.verify(signature, message)
        if algorithm is Algorithm.ES256:
            assert signature == low_s(signature)
    vault.close()


def test_a_key_never_leaves_and_its_label_never_changes(vault: Pkcs11Vault) -> None:
    vault.generate(body=BODY, purpose=KeyPurpose.RECORD, algorithm=Algorithm.ES256, at=AT)
    session = vault._token._open_session
    assert session is not None
    (private,) = session.get_objects({Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY})
    with pytest.raises(pkcs11.PKCS11Error):
        private[Attribute.VALUE]
    with pytest.raises(pkcs11.PKCS11Error):
        private[Attribute.LABEL] = f"lancang-document/1 1 {BODY.hex()} {AT.isoformat()}"
    assert vault.descriptions()[0].purpose is KeyPurpose.RECORD


def test_keys_that_could_be_relabelled_or_copied_are_not_used(
    token: Pkcs11Settings, session: Any
) -> None:
    label = f"lancang-document/1 1 {BODY.hex()} {AT.isoformat()}"
    for number, template in enumerate(
        ({Attribute.MODIFIABLE: True}, {Attribute.MODIFIABLE: False, Attribute.EXTRACTABLE: True})
    ):
        parameters = session.create_domain_parameters(
            KeyType.EC, {Attribute.EC_PARAMS: Curve.P256.value}, local=True
        )
        parameters.generate_keypair(
            id=bytes([number]), label=label, store=True, private_template=template
        )
    session.close()
    assert Pkcs11Vault.open(token, PIN.encode()).descriptions() == []


def test_transaction_keys_of_a_token_are_no_document_keys(vault: Pkcs11Vault) -> None:
    vault._token.generate(Curve.SECP256K1, "lancang-transaction/1 operator-1")
    vault._token.generate(Curve.SECP256K1, f"lancang-document/1 1 {BODY.hex()} {AT.isoformat()}")
    vault._token.generate(Curve.P256, "lancang-transaction/1 operator-2")
    assert vault.descriptions() == []


def test_two_keys_under_one_id_are_no_pair(vault: Pkcs11Vault, token: Pkcs11Settings) -> None:
    first = vault.generate(body=BODY, purpose=KeyPurpose.RECORD, algorithm=Algorithm.ES256, at=AT)
    session = vault._token._open_session
    assert session is not None
    (private,) = session.get_objects({Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY})
    (public,) = session.get_objects({Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY})
    stranger = vault._token.generate(Curve.P256, "somebody else")
    session.create_object(
        {
            Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY,
            Attribute.KEY_TYPE: KeyType.EC,
            Attribute.TOKEN: True,
            Attribute.EC_PARAMS: Curve.P256.value,
            Attribute.EC_POINT: b"\x04\x41\x04" + stranger.point,
            Attribute.ID: bytes(private[Attribute.ID]),
        }
    )
    public.destroy() if public[Attribute.DESTROYABLE] else None
    vault.close()
    vault = Pkcs11Vault.open(token, PIN.encode())
    (found,) = vault.descriptions()
    if found == first:
        pytest.skip("the token does not let the public object go")
    with pytest.raises(KeystoreDamagedError, match="no pair"):
        vault.load(found.public_key.thumbprint())
    vault.close()


def test_what_is_not_there(vault: Pkcs11Vault) -> None:
    with pytest.raises(UnknownKeyError):
        vault.load(bytes(32))
    with pytest.raises(SigningRefusedError) as caught:
        vault.generate(body=BODY, purpose=KeyPurpose.RECORD, algorithm=Algorithm.SM2, at=AT)
    assert caught.value.reason == "sm2_unavailable"


def test_a_wrong_pin_and_a_missing_token_say_so(token: Pkcs11Settings) -> None:
    with pytest.raises(KeystoreLockedError, match="PIN"):
        Pkcs11Vault.open(token, b"wrong horse")
    with pytest.raises(SignerUnavailableError, match="labelled elsewhere"):
        Pkcs11Vault.open(token.model_copy(update={"token": "elsewhere"}), PIN.encode())
    with pytest.raises(SignerUnavailableError):
        Pkcs11Vault.open(token.model_copy(update={"module": Path("missing.so")}), PIN.encode())


# The library complains of searches that the lost session left behind.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_session_that_the_token_lost_is_opened_anew(token: Pkcs11Settings) -> None:
    with Token(token, PIN.encode()) as opened:
        key = opened.generate(Curve.P256, "lancang-document/1 x")
        assert opened._open_session is not None
        opened._open_session.close()
        assert len(opened.sign(key, bytes(32))) == 64


def test_the_signer_process_works_with_a_token(token: Pkcs11Settings, tmp_path: Path) -> None:
    pin = tmp_path / "pin"
    pin.write_text(PIN + "\n")
    pin.chmod(0o600)
    settings = Settings(
        home=tmp_path / "home", signer=SignerSettings(pkcs11=token, passphrase_file=pin)
    )
    with open_signer(settings, may_generate=True) as client:
        key = client.generate(body=BODY, purpose=KeyPurpose.CERTIFICATE, algorithm=Algorithm.ES256)
        client.probe(key.public_key)
        assert client.descriptions() == [key]
        with pytest.raises(SigningRefusedError) as caught:
            client.signer(key.public_key).sign(os.urandom(100))
        assert caught.value.reason == "wrong_purpose"
    assert not settings.document_keystore.exists()

    pin.write_text("wrong\n")
    with pytest.raises(KeystoreLockedError), open_signer(settings):
        pass


def test_document_and_transaction_keys_do_not_share_a_token(token: Pkcs11Settings) -> None:
    with pytest.raises(ValueError, match="tokens of their own"):
        Settings.model_validate({"signer": {"pkcs11": token}, "chain": {"pkcs11": token}})

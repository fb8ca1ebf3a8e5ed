from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from registry.signing.errors import KeystoreDamagedError, KeystoreLockedError, UnknownKeyError
from registry.signing.keystore import Keystore
from registry.signing.reading_back import is_signed
from registry.signing.software import SoftwareKey
from verifier.checks.facts import KeyPurpose
from verifier.core.keys import TOKEN_ALGORITHMS, Algorithm
from verifier.openssl_sm2 import open_sm2

BODY = bytes(range(32))
AT = datetime(2026, 11, 21, tzinfo=UTC)
COST = 2**10


def filled(folder: Path, algorithm: Algorithm = Algorithm.ES256) -> tuple[Keystore, bytes, Path]:
    keystore = Keystore.create(folder, b"open sesame", cost=COST)
    key = keystore.generate(body=BODY, purpose=KeyPurpose.CERTIFICATE, algorithm=algorithm, at=AT)
    thumbprint = key.public_key.thumbprint()
    return keystore, thumbprint, folder / f"{thumbprint.hex()}.key.json"


@pytest.mark.parametrize(
    "algorithm",
    [
        *TOKEN_ALGORITHMS,
        pytest.param(
            Algorithm.SM2,
            marks=pytest.mark.skipif(open_sm2() is None, reason="no OpenSSL with SM2"),
        ),
    ],
)
def test_a_key_survives_reopening(tmp_path: Path, algorithm: Algorithm) -> None:
    _, thumbprint, _ = filled(tmp_path, algorithm)
    keystore = Keystore.open(tmp_path, b"open sesame")
    described, key = keystore.load(thumbprint)
    assert (described.body, described.purpose, described.created_at) == (
        BODY,
        KeyPurpose.CERTIFICATE,
        AT,
    )
    signature = key.sign(b"message")
    assert is_signed(described.public_key, signature, b"message")
    assert not is_signed(described.public_key, signature, b"other")
    assert [item.public_key for item in keystore.descriptions()] == [described.public_key]


def test_another_passphrase_opens_nothing(tmp_path: Path) -> None:
    filled(tmp_path)
    with pytest.raises(KeystoreLockedError):
        Keystore.open(tmp_path, b"open sesam")
    with pytest.raises(KeystoreLockedError):
        Keystore.open(tmp_path, b"")


def test_nothing_secret_is_readable(tmp_path: Path) -> None:
    keystore, thumbprint, file = filled(tmp_path)
    _, key = keystore.load(thumbprint)
    private = key.pkcs8()
    for stored in tmp_path.iterdir():
        assert stored.stat().st_mode & 0o077 == 0
        assert private not in stored.read_bytes()
        assert b"sesame" not in stored.read_bytes()
    assert not list(tmp_path.glob("*.tmp"))
    assert "pkcs8" in json.loads(file.read_bytes())


@pytest.mark.parametrize(
    ("member", "value"),
    [("body", "ff" * 32), ("purpose", 4), ("created_at", "2020-01-01T00:00:00+00:00")],
)
def test_a_key_cannot_be_given_another_description(
    tmp_path: Path, member: str, value: object
) -> None:
    _, thumbprint, file = filled(tmp_path)
    stored = json.loads(file.read_bytes())
    stored["key"][member] = value
    file.write_text(json.dumps(stored))
    with pytest.raises(KeystoreDamagedError):
        Keystore.open(tmp_path, b"open sesame").load(thumbprint)


def test_a_description_edited_after_loading_changes_nothing(tmp_path: Path) -> None:
    keystore, thumbprint, file = filled(tmp_path)
    stored = json.loads(file.read_bytes())
    stored["key"]["purpose"] = 4
    file.write_text(json.dumps(stored))
    described, _ = keystore.load(thumbprint)
    assert described.purpose is KeyPurpose.CERTIFICATE


def test_a_key_moved_to_another_name_is_refused(tmp_path: Path) -> None:
    _, thumbprint, file = filled(tmp_path)
    other = bytes(31) + b"\x01"
    file.rename(tmp_path / f"{other.hex()}.key.json")
    keystore = Keystore.open(tmp_path, b"open sesame")
    with pytest.raises(UnknownKeyError):
        keystore.load(thumbprint)
    with pytest.raises(KeystoreDamagedError):
        keystore.load(other)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "{}",
        '{"keystore":1,"check":"AA","kdf":{"name":"scrypt","cost":1073741824,"salt":"AAAA"}}',
        '{"keystore":1,"check":"AA","kdf":{"name":"scrypt","cost":1000,"salt":"AAAA"}}',
        '{"keystore":1,"check":"AA","kdf":{"name":"pbkdf2","cost":1024,"salt":"AAAA"}}',
    ],
)
def test_hostile_headers_are_refused_before_work_is_done(tmp_path: Path, header: str) -> None:
    (tmp_path / "keystore.json").write_text(header)
    with pytest.raises(KeystoreDamagedError):
        Keystore.open(tmp_path, b"open sesame")


def test_a_keystore_is_never_overwritten(tmp_path: Path) -> None:
    filled(tmp_path)
    with pytest.raises(FileExistsError):
        Keystore.create(tmp_path, b"other", cost=COST)
    Keystore.open(tmp_path, b"open sesame")


def test_signatures_have_low_s() -> None:
    key = SoftwareKey.generate(Algorithm.ES256)
    for number in range(40):  # each would have a high s with probability one half
        message = number.to_bytes(4)
        assert key.public.verify(key.sign(message), message)

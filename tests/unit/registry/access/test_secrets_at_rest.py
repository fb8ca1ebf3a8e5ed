from __future__ import annotations

from pathlib import Path

import pytest

from registry.access.errors import AccessKeyError, WeakPasswordError
from registry.access.secrets_at_rest import (
    MAX_PASSWORD_CHARS,
    MIN_PASSWORD_CHARS,
    AccessKey,
    Passwords,
    new_token,
    open_key,
)

CHEAP = Passwords(time_cost=1, memory_kib=8)


class TestKey:
    def test_it_is_made_once_for_its_owner_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "keys" / "access.key"
        key = open_key(path, may_make=True)
        assert open_key(path, may_make=True) == key
        assert open_key(path, may_make=False) == key
        assert path.stat().st_mode & 0o077 == 0
        assert key.secret.hex() not in repr(key)

    def test_production_makes_none(self, tmp_path: Path) -> None:
        with pytest.raises(AccessKeyError):
            open_key(tmp_path / "access.key", may_make=False)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("content", ["", "00", "zz" * 32, "00" * 33, "é"])
    def test_malformed_ones_are_refused(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / "access.key"
        path.write_text(content, "utf-8")
        with pytest.raises(AccessKeyError) as caught:
            open_key(path, may_make=True)
        assert not content or content not in str(caught.value)

    def test_digests_differ_by_key_purpose_and_secret(self) -> None:
        one, other = AccessKey(b"a" * 32), AccessKey(b"b" * 32)
        digests = {
            one.digest("token", "x"),
            one.digest("session", "x"),
            one.digest("token", "y"),
            other.digest("token", "x"),
        }
        assert len(digests) == 4


class TestPasswords:
    def test_argon2id_with_a_salt_of_its_own(self) -> None:
        one, other = CHEAP.hash("correct horse"), CHEAP.hash("correct horse")
        assert one.startswith("$argon2id$")
        assert one != other
        assert CHEAP.matches(one, "correct horse")
        assert not CHEAP.matches(one, "Correct horse")
        assert not CHEAP.matches("nonsense", "correct horse")

    @pytest.mark.parametrize(
        "password",
        [
            "",
            "abcdefghijk"[: MIN_PASSWORD_CHARS - 1],
            "ab" * (MAX_PASSWORD_CHARS // 2) + "c",
            "aaaabbbbcccc",
        ],
    )
    def test_weak_ones_are_refused(self, password: str) -> None:
        with pytest.raises(WeakPasswordError):
            CHEAP.hash(password)

    def test_an_endless_password_is_not_even_hashed(self) -> None:
        assert not CHEAP.matches(CHEAP.dummy, "x" * 10_000_000)

    def test_hashes_of_other_costs_are_known(self) -> None:
        encoded = CHEAP.hash("correct horse")
        assert not CHEAP.is_outdated(encoded)
        assert Passwords(time_cost=2, memory_kib=8).is_outdated(encoded)


def test_tokens_carry_256_random_bits() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {4 + 43}

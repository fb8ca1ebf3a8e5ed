"""Data keys: wrapped under one of several keys, useless under any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.kit.objects import DamagedObjectError
from registry.kit.objects.key_ring import (
    WRAPPED_BYTES,
    KeyRing,
    ObjectKeyError,
    UnknownObjectKeyError,
    WrappedKey,
    decrypt,
    encrypt,
    read_key,
)

OLD, NEW = b"\x01" * 32, b"\x02" * 32


def test_a_data_key_comes_back_under_its_key_alone() -> None:
    key, kept = KeyRing(OLD).new_key()
    assert len(kept.wrapped) == WRAPPED_BYTES
    assert KeyRing(OLD).unwrap(kept) == key
    assert key not in kept.wrapped
    with pytest.raises(UnknownObjectKeyError):
        KeyRing(NEW).unwrap(kept)
    with pytest.raises(DamagedObjectError):
        KeyRing(NEW).unwrap(WrappedKey(KeyRing(NEW).current_id, kept.wrapped))


def test_both_keys_read_while_everything_is_wrapped_anew() -> None:
    key, kept = KeyRing(OLD).new_key()
    both = KeyRing(NEW, earlier=[OLD])
    assert both.unwrap(kept) == key
    renewed = both.rewrap(kept)
    assert renewed.key_id == KeyRing(NEW).current_id != kept.key_id
    assert KeyRing(NEW).unwrap(renewed) == key


@pytest.mark.parametrize("at", range(0, WRAPPED_BYTES, 7))
def test_a_changed_wrapped_key_is_refused(at: int) -> None:
    ring = KeyRing(OLD)
    _, kept = ring.new_key()
    changed = bytearray(kept.wrapped)
    changed[at] ^= 1
    with pytest.raises(DamagedObjectError):
        ring.unwrap(WrappedKey(kept.key_id, bytes(changed)))


def test_content_opens_with_what_it_is_about() -> None:
    sealed = encrypt(OLD, b"content", about=b"certificate 1")
    assert decrypt(OLD, sealed, about=b"certificate 1") == b"content"
    for key, about in ((NEW, b"certificate 1"), (OLD, b"certificate 2")):
        with pytest.raises(DamagedObjectError):
            decrypt(key, sealed, about=about)
    with pytest.raises(DamagedObjectError):
        decrypt(OLD, sealed[:5], about=b"certificate 1")


def test_a_key_file_is_made_once_and_by_a_demonstration_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "objects.key"
    with pytest.raises(ObjectKeyError):
        read_key(path, may_make=False)
    made = read_key(path, may_make=True)
    assert read_key(path, may_make=True) == made
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("not a key")
    with pytest.raises(ObjectKeyError):
        read_key(path, may_make=True)


def test_keys_have_256_bits() -> None:
    with pytest.raises(ObjectKeyError):
        KeyRing(b"short")
    assert OLD.hex() not in repr(KeyRing(OLD))

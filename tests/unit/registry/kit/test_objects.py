"""The folder of objects: durable, never overwritten, damage seen at once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.kit.errors import NotFoundError
from registry.kit.objects import (
    DamagedObjectError,
    FolderObjectStore,
    ObjectStoreUnavailableError,
)


@pytest.fixture
def store(tmp_path: Path) -> FolderObjectStore:
    return FolderObjectStore(tmp_path / "objects")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.binary(max_size=300))
def test_what_is_kept_comes_back(store: FolderObjectStore, content: bytes) -> None:
    name = store.put("trees", content)
    assert name == hashlib.sha256(content).digest()
    assert bytes(store.get("trees", name)[:]) == content
    assert name in set(store.names("trees"))
    assert name not in set(store.names("others"))


def test_the_same_bytes_again_change_nothing(store: FolderObjectStore, tmp_path: Path) -> None:
    name = store.put("trees", b"content")
    (path,) = (tmp_path / "objects").rglob(name.hex())
    before = path.stat().st_mtime_ns
    assert store.put("trees", b"content") == name
    assert path.stat().st_mtime_ns == before


def test_nothing_unfinished_is_left_or_listed(store: FolderObjectStore, tmp_path: Path) -> None:
    name = store.put("trees", b"content")
    (path,) = (tmp_path / "objects").rglob(name.hex())
    (path.parent / ".writing-1234").write_bytes(b"half")
    (path.parent / "README").write_bytes(b"a stranger's file")
    assert list(store.names("trees")) == [name]


def test_an_unknown_name(store: FolderObjectStore) -> None:
    with pytest.raises(NotFoundError):
        store.get("trees", bytes(32))


@pytest.mark.parametrize("damage", [b"", b"conten", b"contenT", b"content "])
def test_damage_is_seen_on_reading_and_on_writing_again(
    store: FolderObjectStore, tmp_path: Path, damage: bytes
) -> None:
    name = store.put("trees", b"content")
    (path,) = (tmp_path / "objects").rglob(name.hex())
    path.write_bytes(damage)
    with pytest.raises(DamagedObjectError):
        store.get("trees", name)
    with pytest.raises(DamagedObjectError):
        store.put("trees", b"content")


def test_a_folder_that_cannot_be_written(store: FolderObjectStore, tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("a file stands where the folder should be")
    with pytest.raises(ObjectStoreUnavailableError):
        store.put("trees", b"content")


@pytest.mark.parametrize("kind", ["", "../trees", "Trees", "trees/x", "träume"])
def test_kinds_are_plain_words(store: FolderObjectStore, kind: str) -> None:
    with pytest.raises(ValueError, match="kind of object"):
        store.put(kind, b"content")


def test_names_are_digests(store: FolderObjectStore) -> None:
    with pytest.raises(ValueError, match="has 32 bytes"):
        store.get("trees", b"../../etc/passwd")

"""The S3 store against a real server process, and against one that errs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from registry.kit.errors import NotFoundError
from registry.kit.objects import (
    DamagedObjectError,
    ObjectStoreUnavailableError,
    ObjectStoreUnversionedError,
)
from registry.kit.objects.s3 import S3ObjectStore
from tests.support.s3_server import (
    FaultyProxy,
    S3Server,
    enormous,
    internal_error,
    lost,
    pass_on,
    silent,
    silently_truncated,
    truncated,
    wrong_bytes,
)

Fault = Callable[[Any, Any], None]


def key_of(name: bytes, kind: str = "trees") -> str:
    return f"lancang/{kind}/{name.hex()[:2]}/{name.hex()}"


def versions(s3: S3Server, bucket: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = s3.client.list_object_versions(Bucket=bucket).get("Versions", [])
    return found


@pytest.mark.parametrize("content", [b"", b"content", b"\x00" * 3_000_000])
def test_what_is_kept_comes_back(s3: S3Server, store: S3ObjectStore, content: bytes) -> None:
    name = store.put("trees", content)
    assert name == hashlib.sha256(content).digest()
    assert store.get("trees", name) == content
    with pytest.raises(NotFoundError):
        store.get("others", name)


def test_the_same_bytes_again_make_no_second_version(
    s3: S3Server, store: S3ObjectStore, bucket: str
) -> None:
    name = store.put("trees", b"content")
    assert store.put("trees", memoryview(b"content")) == name
    assert [version["Key"] for version in versions(s3, bucket)] == [key_of(name)]


def test_an_object_is_never_overwritten(s3: S3Server, store: S3ObjectStore, bucket: str) -> None:
    name = hashlib.sha256(b"content").digest()
    s3.client.put_object(Bucket=bucket, Key=key_of(name), Body=b"forged")
    with pytest.raises(DamagedObjectError):
        store.put("trees", b"content")
    with pytest.raises(DamagedObjectError):
        store.get("trees", name)
    [only] = versions(s3, bucket)
    assert only["Size"] == len(b"forged")


def test_what_others_overwrite_or_delete_is_still_there_as_a_version(
    s3: S3Server, store: S3ObjectStore, bucket: str
) -> None:
    name = store.put("trees", b"content")
    [kept] = versions(s3, bucket)
    s3.client.delete_object(Bucket=bucket, Key=key_of(name))
    with pytest.raises(NotFoundError):
        store.get("trees", name)
    body = s3.client.get_object(Bucket=bucket, Key=key_of(name), VersionId=kept["VersionId"])
    assert body["Body"].read() == b"content"


def test_names_come_in_order_from_every_page(
    s3: S3Server, store: S3ObjectStore, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.kit.objects.s3._PAGE_KEYS", 3)
    kept = {store.put("trees", str(number).encode()) for number in range(10)}
    other = store.put("packs", b"1")
    for stranger in ("lancang/trees/README", f"lancang/trees/00/{other.hex()}", "trees/aa/x"):
        s3.client.put_object(Bucket=bucket, Key=stranger, Body=b"")
    assert list(store.names("trees")) == sorted(kept)
    assert list(store.names("packs")) == [other]
    assert list(store.names("nothing")) == []


def test_a_bucket_without_versions_is_refused_before_anything_is_written(s3: S3Server) -> None:
    name = s3.create(versions=False)
    store = S3ObjectStore(s3.bucket(name))
    with pytest.raises(ObjectStoreUnversionedError):
        store.probe()
    with pytest.raises(ObjectStoreUnversionedError):
        store.put("trees", b"content")
    assert versions(s3, name) == []
    store.close()


def test_a_bucket_that_is_not_there_is_an_outage_and_no_missing_object(s3: S3Server) -> None:
    store = S3ObjectStore(s3.bucket("nobodys-bucket"))
    for act in (
        lambda: store.get("trees", bytes(32)),
        lambda: store.put("trees", b""),
        lambda: list(store.names("trees")),
        store.probe,
    ):
        with pytest.raises(ObjectStoreUnavailableError):
            act()
    store.close()


def test_a_service_that_is_not_there(s3: S3Server) -> None:
    store = S3ObjectStore(s3.bucket("any-bucket", endpoint="http://127.0.0.1:9"))
    with pytest.raises(ObjectStoreUnavailableError) as caught:
        store.put("trees", b"content")
    assert "127.0.0.1" not in str(caught.value)
    store.close()


@pytest.mark.parametrize("fault", [internal_error, truncated, silently_truncated, wrong_bytes])
def test_one_fault_on_reading_is_outlived(
    store: S3ObjectStore, faulty: S3ObjectStore, proxy: FaultyProxy, fault: Fault
) -> None:
    name = store.put("trees", b"content" * 1000)
    proxy.fail("GET", fault)
    assert faulty.get("trees", name) == b"content" * 1000
    assert len(proxy.requests) == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (internal_error, ObjectStoreUnavailableError),
        (truncated, ObjectStoreUnavailableError),
        (silent, ObjectStoreUnavailableError),
        (silently_truncated, DamagedObjectError),
        (wrong_bytes, DamagedObjectError),
        (enormous, DamagedObjectError),
        (lost, NotFoundError),
    ],
)
def test_a_body_that_is_not_whole_and_right_is_never_returned(
    store: S3ObjectStore,
    faulty: S3ObjectStore,
    proxy: FaultyProxy,
    fault: Fault,
    error: type[Exception],
) -> None:
    name = store.put("trees", b"content" * 1000)
    proxy.always = True
    proxy.fail("GET", fault)
    with pytest.raises(error) as caught:
        faulty.get("trees", name)
    assert type(caught.value) is error
    assert store.get("trees", name) == b"content" * 1000


@pytest.mark.parametrize("fault", [internal_error, silent])
def test_a_lost_answer_to_writing_leaves_the_object_there_once(
    s3: S3Server, faulty: S3ObjectStore, proxy: FaultyProxy, bucket: str, fault: Fault
) -> None:
    """The server did it and did not say so; the client asks again and is told that it is there."""
    proxy.fail("GET", pass_on)  # versioning
    proxy.fail("PUT", fault)
    name = faulty.put("trees", b"content")
    assert [version["Key"] for version in versions(s3, bucket)] == [key_of(name)]


@pytest.mark.parametrize("fault", [wrong_bytes, silently_truncated, lost, silent])
def test_what_does_not_read_back_does_not_count_as_kept(
    faulty: S3ObjectStore, proxy: FaultyProxy, fault: Fault
) -> None:
    faulty.probe()
    proxy.always = True
    proxy.fail("GET", fault)
    with pytest.raises((DamagedObjectError, ObjectStoreUnavailableError)):
        faulty.put("trees", b"content" * 1000)


def test_a_listing_that_breaks_off_is_an_error(
    store: S3ObjectStore,
    faulty: S3ObjectStore,
    proxy: FaultyProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("registry.kit.objects.s3._PAGE_KEYS", 2)
    for number in range(5):
        store.put("trees", str(number).encode())
    proxy.fail("GET", pass_on, *[internal_error] * 3)
    names = faulty.names("trees")
    assert next(names) < next(names)
    with pytest.raises(ObjectStoreUnavailableError):
        next(names)

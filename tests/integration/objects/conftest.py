from __future__ import annotations

from collections.abc import Iterator

import pytest

from registry.kit.objects.s3 import S3ObjectStore
from tests.support.s3_server import FaultyProxy, S3Server, faulty_proxy, s3_server


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def proxy(s3: S3Server) -> Iterator[FaultyProxy]:
    with faulty_proxy(s3.url) as proxy:
        yield proxy


@pytest.fixture
def bucket(s3: S3Server) -> str:
    return s3.create()


@pytest.fixture
def store(s3: S3Server, bucket: str) -> Iterator[S3ObjectStore]:
    store = S3ObjectStore(s3.bucket(bucket, prefix="lancang/"))
    yield store
    store.close()


@pytest.fixture
def faulty(s3: S3Server, bucket: str, proxy: FaultyProxy) -> Iterator[S3ObjectStore]:
    """The same bucket, reached through the proxy."""
    store = S3ObjectStore(s3.bucket(bucket, endpoint=proxy.url, prefix="lancang/"))
    yield store
    store.close()

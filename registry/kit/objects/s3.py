"""Objects in a bucket of an S3-compatible service, reached through botocore.

What is relied on: `PUT` with `If-None-Match: *` (an object is never overwritten) and with the
SHA-256 that the service compares, versioning of the bucket, `ListObjectsV2`. What is not relied on:
that the service did what it said. A new object is read back before it counts as kept, and every
body is bounded, complete and of the right hash, or it is refused.
"""

from __future__ import annotations

import hashlib
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Final, Protocol, cast

from registry.kit.errors import NotFoundError, RegistryError, UnusableSettingsError
from registry.kit.objects.port import (
    MAX_OBJECT_BYTES,
    DamagedObjectError,
    ObjectStoreUnavailableError,
    ObjectStoreUnversionedError,
    name_of,
    object_key,
)

try:
    import botocore.session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError as error:  # the extra `s3` is not installed
    raise UnusableSettingsError("an S3 store needs the extra: pip install lancang[s3]") from error

_CHUNK_BYTES: Final = 16 * 1024  # small, so that the deadline of a body is looked at often
_CALL_ATTEMPTS: Final = 3  # of one request, by botocore, with growing pauses
_READ_ATTEMPTS: Final = 3  # of a body that breaks off or arrives changed
_MIN_BYTES_PER_SECOND: Final = 64 * 1024  # a body that drips more slowly counts as an outage
_PAGE_KEYS: Final = 1000
_MISSING: Final = "NoSuchKey"
_making: Final = threading.Lock()  # making a client is not thread-safe, using one is
_EXISTS: Final = frozenset({"PreconditionFailed", "412"})


class _Client(Protocol):
    """What is used of botocore's client, which makes its methods while it runs."""

    def put_object(self, **request: object) -> Mapping[str, Any]: ...

    def get_object(self, **request: object) -> Mapping[str, Any]: ...

    def get_bucket_versioning(self, **request: object) -> Mapping[str, Any]: ...

    def get_paginator(self, operation_name: str) -> Any: ...  # noqa: ANN401  (one for each)

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Where the objects are.

    Attributes:
        name: The bucket; made, and given versions, by whoever runs the service.
        endpoint: URL of the service; None: AWS.
        region: Region that requests are signed for.
        prefix: What every key begins with: empty, or ending in a slash.
        access_key_id: Who asks; None: what the client finds by itself (environment, instance role).
        secret_access_key: The secret that belongs to it.
        timeout: Longest wait for a connection or for the next bytes.
    """

    name: str
    endpoint: str | None = None
    region: str = "us-east-1"
    prefix: str = ""
    access_key_id: str | None = None
    secret_access_key: str | None = None
    timeout: timedelta = timedelta(seconds=10)

    def __repr__(self) -> str:
        return f"Bucket(name={self.name!r}, endpoint={self.endpoint!r}, prefix={self.prefix!r})"


class S3ObjectStore:
    """Objects as `<prefix><kind>/<first two digits>/<name in hexadecimal>` in a bucket.

    Opening it asks nothing of the service: a registry starts, and goes on issuing, while its store
    is away. That the bucket keeps versions is asked before the first object is written.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._made: _Client | None = None
        self._keeps_versions = False

    def put(self, kind: str, data: bytes | bytearray | memoryview) -> bytes:
        """Keep `data`. See `ObjectStore.put`."""
        if len(data) > MAX_OBJECT_BYTES:
            raise ValueError(f"an object has at most {MAX_OBJECT_BYTES} bytes, not {len(data)}")
        digest = hashlib.sha256(data).digest()
        if not self._keeps_versions:
            self.probe()
        try:
            self._client.put_object(
                Bucket=self._bucket.name,
                Key=self._key(kind, digest),
                Body=bytes(data),
                ChecksumSHA256=b64encode(digest).decode("ascii"),
                IfNoneMatch="*",
            )
        except ClientError as error:
            if _code(error) not in _EXISTS:
                raise self._unavailable("keep", kind, error) from error
        except BotoCoreError as error:
            raise self._unavailable("keep", kind, error) from error
        # Read back: the service may have lied, or it kept another content under this name before.
        try:
            self.get(kind, digest)
        except NotFoundError:
            message = f"the store said that it keeps {kind} object {digest.hex()}, and has it not"
            raise ObjectStoreUnavailableError(message) from None
        return digest

    def get(self, kind: str, name: bytes) -> bytes:
        """Return an object. See `ObjectStore.get`."""
        key = self._key(kind, name)
        failure: RegistryError = DamagedObjectError(f"{kind} object {name.hex()} is damaged")
        for _ in range(_READ_ATTEMPTS):
            try:
                response = self._client.get_object(Bucket=self._bucket.name, Key=key)
            except ClientError as error:
                if _code(error) == _MISSING:
                    raise NotFoundError(f"there is no {kind} object {name.hex()}") from None
                raise self._unavailable("read", kind, error) from error
            except BotoCoreError as error:  # after several attempts
                raise self._unavailable("read", kind, error) from error
            try:
                data = self._body(response, key)
            except BotoCoreError as error:
                failure = self._unavailable("read", kind, error)
                continue
            if hashlib.sha256(data).digest() == name:
                return data
            failure = DamagedObjectError(f"{kind} object {name.hex()} is damaged")
        raise failure

    def names(self, kind: str) -> Iterator[bytes]:
        """Yield names. See `ObjectStore.names`. Strangers' objects are passed over."""
        prefix = f"{self._bucket.prefix}{kind}/"
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket.name, Prefix=prefix, PaginationConfig={"PageSize": _PAGE_KEYS}
        )
        try:
            for page in pages:
                for found in page.get("Contents", ()):
                    key = found["Key"]
                    name = name_of(key.rpartition("/")[2])
                    if name is not None and key == self._key(kind, name):
                        yield name
        except (ClientError, BotoCoreError) as error:
            raise self._unavailable("list", kind, error) from error

    def probe(self) -> None:
        """Make sure that the bucket answers and keeps versions. See `ObjectStore.probe`."""
        try:
            answer = self._client.get_bucket_versioning(Bucket=self._bucket.name)
        except (ClientError, BotoCoreError) as error:
            raise self._unavailable("use", "any", error) from error
        if answer.get("Status") != "Enabled":
            raise ObjectStoreUnversionedError(f"bucket {self._bucket.name} keeps no versions")
        self._keeps_versions = True

    def close(self) -> None:
        """Close the connections; whoever asks again opens new ones."""
        with _making:
            if self._made is not None:
                self._made.close()
                self._made = None

    def _body(self, response: Mapping[str, Any], key: str) -> bytes:
        """Return a whole body, or raise what botocore raises; never a part of it."""
        body, length = response["Body"], response["ContentLength"]
        try:
            if length > MAX_OBJECT_BYTES:
                raise DamagedObjectError(f"object {key} has {length} bytes, which none of ours has")
            deadline = time.monotonic() + self._bucket.timeout.total_seconds()
            deadline += length / _MIN_BYTES_PER_SECOND
            data = bytearray()
            while chunk := body.read(_CHUNK_BYTES):  # of a short body botocore complains itself
                data += chunk
                if time.monotonic() > deadline:
                    raise ObjectStoreUnavailableError(f"object {key} arrives too slowly")
        finally:
            body.close()
        return bytes(data)

    @property
    def _client(self) -> _Client:
        with _making:
            if self._made is None:
                self._made = _client_of(self._bucket)
            return self._made

    def _key(self, kind: str, name: bytes) -> str:
        return self._bucket.prefix + object_key(kind, name)

    def _unavailable(self, act: str, kind: str, error: Exception) -> ObjectStoreUnavailableError:
        """Return the outage in our words; the service's own may hold names and keys."""
        reason = _code(error) if isinstance(error, ClientError) else type(error).__name__
        where = f"bucket {self._bucket.name}"
        return ObjectStoreUnavailableError(f"cannot {act} {kind} objects in {where}: {reason}")


@cache
def _session() -> botocore.session.Session:
    """Return what keeps the descriptions of services, which take long to read."""
    return botocore.session.Session()


def _client_of(bucket: Bucket) -> _Client:
    seconds = bucket.timeout.total_seconds()
    client = _session().create_client(
        "s3",
        region_name=bucket.region,
        endpoint_url=bucket.endpoint,
        aws_access_key_id=bucket.access_key_id,
        aws_secret_access_key=bucket.secret_access_key,
        config=Config(
            connect_timeout=seconds,
            read_timeout=seconds,
            retries={"mode": "standard", "total_max_attempts": _CALL_ATTEMPTS},
            # The name of an object is its SHA-256, which decides; other checksums add nothing.
            response_checksum_validation="when_required",
            # Services other than AWS's seldom have a host name for each bucket.
            s3={"addressing_style": "auto" if bucket.endpoint is None else "path"},
        ),
    )
    return cast("_Client", client)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))

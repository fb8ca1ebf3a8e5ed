"""Addresses of nodes and registries that a checker chose to ask."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from verifier.core.errors import UntrustedProfileError

_LONGEST_URL: Final = 2048  # providers put an access key into the path; more is a mistake
_PRINTABLE: Final = frozenset(map(chr, range(0x21, 0x7F)))  # no spaces, no controls, no lookalikes
_PORTS: Final = {"http": 80, "https": 443}


def check_url(url: str) -> str:
    """Return `url` if it may be asked: https anywhere, http on this machine only.

    Raises:
        UntrustedProfileError: It is neither, has a user name, a query or a fragment, or is no URL.
    """
    if len(url) > _LONGEST_URL or not _PRINTABLE.issuperset(url):
        raise UntrustedProfileError("an endpoint is not a plain ASCII URL")
    parts = _split(url)
    if parts.username is not None or parts.query or parts.fragment:
        raise UntrustedProfileError(
            f"endpoint {parts.hostname}: user names, queries and fragments are refused"
        )
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname)):
        return url
    raise UntrustedProfileError(
        f"endpoint {parts.hostname}: must be https, or http on the loopback interface"
    )


def is_loopback(url: str) -> bool:
    """Tell whether `url` leads to this machine itself."""
    return _is_loopback(_split(url).hostname)


def authority(url: str) -> str:
    """Return host and port of `url`, as the name of who runs it when nobody said a better one."""
    parts = _split(url)
    return f"{parts.hostname}:{parts.port or _PORTS.get(parts.scheme, 0)}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A JSON-RPC node.

    Attributes:
        url: Where it answers.
        operator: Who runs it. Two endpoints of one operator are one witness.

    Raises:
        UntrustedProfileError: On construction, when the URL may not be asked or nobody is named.
    """

    url: str
    operator: str

    def __post_init__(self) -> None:
        check_url(self.url)
        if not self.operator.strip():
            raise UntrustedProfileError("an endpoint names no operator")

    @property
    def witness(self) -> str:
        """The operator in the form in which two spellings of one name are equal."""
        return " ".join(self.operator.split()).casefold()


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UntrustedProfileError(f"an endpoint is not a URL: {error}") from error
    if not parts.hostname or port == 0:
        raise UntrustedProfileError("an endpoint names no host")
    return parts


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False

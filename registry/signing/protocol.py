"""Messages between the registry and its signer: a length of four bytes, then one JSON object."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from typing import Final

from registry.signing.errors import SignerUnavailableError
from verifier.core.errors import MalformedEvidenceError
from verifier.core.strict_json import JsonObject, canonical_json, parse_json_object

MAX_FRAME_BYTES: Final = 512 * 1024  # the longest message in base64url, and room
_LENGTH_BYTES: Final = 4
_ROOM_BYTES: Final = 3 * 1024  # the rest of a request: two people, each of 200 characters in JSON

PROBE_PREFIX: Final = b"lancang/probe/1\x00"  # no token and no COSE structure begins like this
PROBE_NONCE_BYTES: Final = 16


def send(connection: socket.socket, message: JsonObject) -> None:
    """Send one message.

    Raises:
        SignerUnavailableError: It is too long.
        OSError: The connection is gone.
    """
    body = canonical_json(message)
    if len(body) > MAX_FRAME_BYTES:
        raise SignerUnavailableError(f"a message has at most {MAX_FRAME_BYTES} bytes")
    connection.sendall(len(body).to_bytes(_LENGTH_BYTES) + body)


def fitting_parts(requests: Sequence[JsonObject]) -> Iterator[list[JsonObject]]:
    """Yield requests in their order, in as few parts as fit one message each."""
    part: list[JsonObject] = []
    size = 0
    for request in requests:
        length = len(str(request.get("message"))) + _ROOM_BYTES
        if part and size + length > MAX_FRAME_BYTES:
            yield part
            part, size = [], 0
        part.append(request)
        size += length
    if part:
        yield part


def receive(connection: socket.socket) -> JsonObject | None:
    """Receive one message; None when the other side has closed the connection between messages.

    Raises:
        SignerUnavailableError: The message is too long, cut off or not a JSON object.
        OSError: The connection is gone, or nothing came in time.
    """
    head = _read(connection, _LENGTH_BYTES)
    if not head:
        return None
    length = int.from_bytes(head)
    if len(head) != _LENGTH_BYTES or length > MAX_FRAME_BYTES:
        raise SignerUnavailableError("malformed message")
    body = _read(connection, length)
    if len(body) != length:
        raise SignerUnavailableError("a message was cut off")
    try:
        return parse_json_object(body, what="message", max_bytes=MAX_FRAME_BYTES)
    except MalformedEvidenceError as error:
        raise SignerUnavailableError(str(error)) from error


def _read(connection: socket.socket, length: int) -> bytes:
    """Read `length` bytes, fewer only at the end of the stream."""
    data = bytearray()
    while len(data) < length and (part := connection.recv(min(length - len(data), 65536))):
        data += part
    return bytes(data)

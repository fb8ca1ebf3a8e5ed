"""Refuses request bodies that are too large before anything reads them."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from registry.kit.problems import problem_response

_TOO_LARGE = "request_too_large"


class BodyLimit:
    """ASGI middleware: a largest size of request bodies, announced or not.

    Args:
        app: What is protected.
        limit_of: Returns the number of bytes allowed for a path and a media type, "" where none is
            named.
    """

    def __init__(self, app: ASGIApp, *, limit_of: Callable[[str, str], int]) -> None:
        self._app = app
        self._limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        kind = media_type(headers.get(b"content-type", b"").decode("latin-1"))
        limit = self._limit_of(scope["path"], kind)
        announced = headers.get(b"content-length", b"0")
        if not announced.isdigit() or int(announced[:20]) > limit:
            await _refuse(scope, receive, send, limit)
            return
        seen = 0
        answered = False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _TooLargeError
            return message

        async def watched(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, counted, watched)
        except _TooLargeError:
            if not answered:
                await _refuse(scope, receive, send, limit)


def media_type(content_type: str) -> str:
    """Return the media type of a `Content-Type` header, without parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


async def _refuse(scope: Scope, receive: Receive, send: Send, limit: int) -> None:
    response = problem_response(
        _TOO_LARGE, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {limit} bytes"
    )
    await response(scope, receive, send)


class _TooLargeError(Exception):
    """The body turned out to be larger than allowed."""

"""One structured log line for every request, its id, and the counters of `/metrics`.

A line holds no address, no body, no header and no path, only the template of the route: who checks
which certificate is nobody's business.
"""

from __future__ import annotations

import logging
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Final, TypeAlias

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from registry.kit.clock import Clock, system_clock
from registry.kit.identifiers import new_id
from registry.kit.metrics import Metrics
from registry.kit.request_id import MAX_REQUEST_ID_CHARS, current_request_id

HEADER: Final = b"x-request-id"
_SENT_ID: Final = re.compile(rf"[A-Za-z0-9._-]{{8,{MAX_REQUEST_ID_CHARS}}}", re.ASCII)
_NO_ROUTE: Final = "none"
_DEFECT: Final = 500
_access: Final = logging.getLogger("lancang.access")
ExceptionInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


class RequestLog:
    """ASGI middleware: request ids, counters, log lines.

    Args:
        app: What is observed.
        metrics: Where requests are counted.
        monotonic_ns: Measures durations.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        monotonic_ns: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._now = monotonic_ns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _id_of(scope)
        reset = current_request_id.set(request_id)
        status, began = _DEFECT, self._now()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (HEADER, request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            elapsed = (self._now() - began) // 1000
            route = getattr(scope.get("route"), "path", _NO_ROUTE)
            method = scope["method"] if route != _NO_ROUTE else _NO_ROUTE
            self._metrics.note_request(method, route, status, elapsed)
            _access.info(
                "request",
                extra={
                    "fields": {
                        "request_id": request_id,
                        "method": method,
                        "route": route,
                        "status": status,
                        "microseconds": elapsed,
                    }
                },
            )
            current_request_id.reset(reset)


class JsonLines(logging.Formatter):
    """Writes a log record as one JSON object; messages of libraries included."""

    def __init__(self, clock: Clock = system_clock) -> None:
        super().__init__()
        self._clock = clock

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line: dict[str, object] = {
            "time": self._clock().isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (request_id := current_request_id.get()) is not None:
            line["request_id"] = request_id
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802  (a method of logging)
        """Return where each exception of a chain arose, and the first line of what it says.

        Databases put the row that they refuse into the lines below, and with it what documents
        hold.
        """
        return "\n".join(_told(ei[1]))


def log_to_standard_error() -> None:
    """Send every log of the process to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def _told(error: BaseException | None) -> Iterator[str]:
    """Yield the lines of a chain of exceptions, the cause first."""
    if error is None:
        return
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    yield from _told(earlier)
    yield from (line.rstrip("\n") for line in traceback.format_tb(error.__traceback__))
    said = str(error).partition("\n")[0]
    yield f"{type(error).__module__}.{type(error).__qualname__}: {said}"


def _id_of(scope: Scope) -> str:
    """Return the id that a caller chose, if it is one, otherwise a new one."""
    sent = dict(scope["headers"]).get(HEADER, b"").decode("latin-1")
    return sent if _SENT_ID.fullmatch(sent) else new_id()

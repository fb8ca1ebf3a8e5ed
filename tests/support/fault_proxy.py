"""Proxies on loopback that do to a line what networks and overloaded servers do.

`RpcProxy` understands HTTP as far as JSON-RPC needs it and can answer in the place of the node, or
keep the node's answer back. `LineProxy` forwards bytes and can cut every connection.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Self

_CHUNK: Final = 65_536
_MAX_HEAD: Final = 65_536


class Fault(StrEnum):
    """What happens to one request of a node."""

    NONE = "none"
    SERVER_ERROR = "500"
    TOO_MANY = "429"
    SILENCE = "time-out"  # the node never hears of it, the caller waits
    LOST_ANSWER = "drop after forward"  # the node acts, the caller never learns it
    HALF_ANSWER = "half an answer"
    RESET = "reset"
    NOTHING = "0x"  # every call of a contract is answered as if there were none
    STALE = "stale block"  # "latest" and "finalized" are answered with the first block
    WRONG_CHAIN = "wrong chain"
    LIE = "lying root"  # calls are answered for another root, as if that were the one asked for


FAULTS: Final = tuple(fault for fault in Fault if fault is not Fault.NONE)
# A wrong chain stops anchoring for good, as it must; it is no fault to be waited out. A lie that
# nobody contradicts is believed.
PASSING: Final = tuple(fault for fault in FAULTS if fault not in {Fault.WRONG_CHAIN, Fault.LIE})

Choose = Callable[[str], Fault]
"""Says by the name of the JSON-RPC method what happens to a request."""


class _Proxy(AbstractContextManager["_Proxy"]):
    """An asyncio server in a thread of its own, on a free port."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> int:
        """Reset every connection that is open now; return how many there were."""
        return self._run(self._cut())

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _close(self) -> None:
        self._server.close()
        await self._cut()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _cut(self) -> int:
        cut = [writer for writer in self._open if not writer.is_closing()]
        for writer in cut:
            _reset(writer)
        return len(cut)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # one of the two sides has gone
        except asyncio.CancelledError:
            pass  # the proxy ends
        finally:
            self._open.discard(writer)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError


class LineProxy(_Proxy):
    """Forwards bytes both ways until one side closes or the line is cut."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._open.add(far_writer)
        try:
            ways = [
                asyncio.ensure_future(_pump(reader, far_writer)),
                asyncio.ensure_future(_pump(far_reader, writer)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._open.discard(far_writer)
            far_writer.close()


class RpcProxy(_Proxy):
    """A node seen through a bad line.

    Attributes:
        choose: Says what happens to each request; may be replaced at any time.
        done: How often each fault was made.
        lie: With `Fault.LIE`, a root that stands and the root that is said to stand in its place.
    """

    def __init__(self, target: tuple[str, int], choose: Choose | None = None) -> None:
        super().__init__(target)
        self.choose: Choose = choose or (lambda _method: Fault.NONE)
        self.done: Counter[Fault] = Counter()
        self.lie: tuple[bytes, bytes] = (b"", b"")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head, body = await _message(reader)
            request = json.loads(body)
            fault = self.choose(str(request.get("method")))
            self.done[fault] += 1
            if not await self._answer(fault, head, body, request, writer):
                return

    async def _answer(
        self, fault: Fault, head: bytes, body: bytes, request: Any, writer: asyncio.StreamWriter
    ) -> bool:
        """Carry a request out under a fault; return whether the connection goes on."""
        match fault:
            case Fault.SERVER_ERROR | Fault.TOO_MANY:
                _write(writer, int(fault.value), b"{}")
            case Fault.SILENCE:
                await asyncio.sleep(3600)
            case Fault.RESET:
                _reset(writer)
                return False
            case Fault.NOTHING if request["method"] == "eth_call":
                _write(writer, 200, _result(request, "0x"))
            case Fault.WRONG_CHAIN if request["method"] == "eth_chainId":
                _write(writer, 200, _result(request, "0x2a"))
            case Fault.LIE if request["method"] == "eth_call":
                true, claimed = (root.hex().encode() for root in self.lie)
                answer = await self._forward(head, body.replace(claimed, true))
                _write(writer, 200, answer.replace(true, claimed))
            case _:
                answer = await self._forward(head, _changed(fault, request, body))
                if fault is Fault.LOST_ANSWER:
                    _reset(writer)
                    return False
                if fault is Fault.HALF_ANSWER:
                    writer.write(_head(200, len(answer)) + answer[: len(answer) // 2])
                    await writer.drain()
                    return False
                _write(writer, 200, answer)
        await writer.drain()
        return True

    async def _forward(self, head: bytes, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*self._target)
        try:
            path = head.split(b" ", 2)[1]
            writer.write(
                b"POST " + path + b" HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\n"
                b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
            await writer.drain()
            _, answer = await _message(reader)
            return answer
        finally:
            writer.close()


def at_random(share: float, seed: int, faults: tuple[Fault, ...] = PASSING) -> Choose:
    """Return a choice that spoils a share of all requests, the same for the same seed."""
    dice = random.Random(seed)  # noqa: S311  (a choice that can be repeated)
    return lambda _method: dice.choice(faults) if dice.random() < share else Fault.NONE


@contextmanager
def spoiled(proxy: RpcProxy, choose: Choose) -> Iterator[RpcProxy]:
    """Let a proxy spoil requests inside the block, and none behind it."""
    proxy.choose = choose
    try:
        yield proxy
    finally:
        proxy.choose = lambda _method: Fault.NONE


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Read one HTTP message with a body of stated length."""
    head = await reader.readuntil(b"\r\n\r\n")
    if len(head) > _MAX_HEAD:
        raise asyncio.LimitOverrunError("head", len(head))
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    return head, await reader.readexactly(length)


def _changed(fault: Fault, request: Any, body: bytes) -> bytes:
    """Return the request as the node gets it."""
    params = request.get("params") or []
    asks_head = request["method"] == "eth_getBlockByNumber" and params
    if fault is Fault.STALE and asks_head and params[0] in {"latest", "finalized", "safe"}:
        return json.dumps({**request, "params": ["0x0", *params[1:]]}).encode()
    return body


def _result(request: Any, value: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": value}).encode()


def _head(status: int, length: int) -> bytes:
    return (
        b"HTTP/1.1 %d x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    ) % (status, length)  # fmt: skip


def _write(writer: asyncio.StreamWriter, status: int, body: bytes) -> None:
    writer.write(_head(status, len(body)) + body)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset instead of a polite end."""
    transport = writer.transport
    transport.abort()

"""A real S3-compatible server in a process of its own (moto), and a proxy before it that errs."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

from registry.kit.objects.s3 import Bucket

_START_SECONDS = 60.0
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "date", "server"}


@dataclass(frozen=True)
class S3Server:
    """A running server; `create` gives each test a bucket of its own."""

    url: str
    pid: int
    client: Any
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def create(self, *, versions: bool = True) -> str:
        """Make a bucket and return its name."""
        name = f"bucket-{next(self._numbers)}"
        self.client.create_bucket(Bucket=name)
        if versions:
            self.client.put_bucket_versioning(
                Bucket=name, VersioningConfiguration={"Status": "Enabled"}
            )
        return name

    def bucket(self, name: str, *, endpoint: str | None = None, prefix: str = "") -> Bucket:
        """Return how the store under test reaches a bucket."""
        return Bucket(
            name=name,
            endpoint=endpoint or self.url,
            prefix=prefix,
            access_key_id="test",
            secret_access_key="test",
            timeout=timedelta(seconds=0.4),
        )


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """Start a server on a free port of 127.0.0.1 and stop it at the end."""
    port = _free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "s3.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        _wait(process, port, folder / "s3.log")
        url = f"http://127.0.0.1:{port}"
        client = botocore.session.Session().create_client(
            "s3",
            region_name="us-east-1",
            endpoint_url=url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(s3={"addressing_style": "path"}),
        )
        yield S3Server(url, process.pid, client)
        client.close()
    finally:
        process.terminate()
        process.wait(timeout=30)


@dataclass
class FaultyProxy:
    """Passes requests on, except for the next ones that a test wants to go wrong.

    A fault is a function of the handler and the server's answer; it answers itself.
    """

    url: str = ""
    upstream: str = ""
    faults: list[tuple[str, Callable[[BaseHTTPRequestHandler, Answer], None]]] = field(
        default_factory=list
    )
    requests: list[str] = field(default_factory=list)
    always: bool = False  # the first fault stays for ever
    ended: threading.Event = field(default_factory=threading.Event)

    def fail(self, method: str, *faults: Callable[[BaseHTTPRequestHandler, Answer], None]) -> None:
        """Let the next requests with `method` go wrong, one for each fault."""
        self.faults.extend((method, fault) for fault in faults)

    def take(self, method: str) -> Callable[[BaseHTTPRequestHandler, Answer], None]:
        """Return what happens to this request."""
        self.requests.append(method)
        if self.faults and self.faults[0][0] in {method, "*"}:
            return self.faults[0][1] if self.always else self.faults.pop(0)[1]
        return pass_on


@dataclass(frozen=True)
class Answer:
    """What the server behind the proxy said."""

    proxy: FaultyProxy
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    length: int


def pass_on(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    """Answer as the server did."""
    _reply(handler, answer, answer.body)


def internal_error(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    """The server did what it was asked, and says that it failed."""
    del answer
    handler.send_response(500)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def wrong_bytes(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    """One bit of the body is another."""
    body = bytearray(answer.body)
    body[len(body) // 2] ^= 1
    _reply(handler, answer, bytes(body))


def truncated(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    """The connection ends in the middle of the body."""
    _reply(handler, answer, answer.body[: len(answer.body) // 2], length=answer.length)
    handler.close_connection = True


def silently_truncated(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    """Half a body, announced as if it were whole."""
    _reply(handler, answer, answer.body[: len(answer.body) // 2])


def silent(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    """Nobody answers until the test is over."""
    answer.proxy.ended.wait(30)
    handler.close_connection = True


def lost(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    """The object is not there."""
    del answer
    body = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>gone</Message></Error>'
    handler.send_response(404)
    handler.send_header("Content-Type", "application/xml")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def enormous(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    """A body of a terabyte is announced."""
    _reply(handler, answer, answer.body, length=1 << 40)
    handler.close_connection = True


@contextmanager
def faulty_proxy(upstream: str) -> Iterator[FaultyProxy]:
    """Listen on a free port of 127.0.0.1 and pass on to `upstream`."""
    proxy = FaultyProxy(upstream=upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:
                self.close_connection = True

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self._handle
            raise AttributeError(name)

        def _handle(self) -> None:
            fault = proxy.take(self.command)
            fault(self, _forward(self, proxy))

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _forward(handler: BaseHTTPRequestHandler, proxy: FaultyProxy) -> Answer:
    if handler.headers.get("Expect", "").lower() == "100-continue":
        handler.send_response_only(100)
        handler.end_headers()
    body = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
    headers = {k: v for k, v in handler.headers.items() if k.lower() not in {"expect", "host"}}
    connection = http.client.HTTPConnection(proxy.upstream.removeprefix("http://"), timeout=30)
    try:
        connection.request(handler.command, handler.path, body, headers)
        response = connection.getresponse()
        content = response.read()
        kept = [(k, v) for k, v in response.getheaders() if k.lower() not in _HOP_BY_HOP]
        return Answer(proxy, response.status, kept, content, len(content))
    finally:
        connection.close()


def _reply(
    handler: BaseHTTPRequestHandler, answer: Answer, body: bytes, *, length: int | None = None
) -> None:
    handler.send_response(answer.status)
    for name, value in answer.headers:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace")
                raise RuntimeError(f"the S3 server did not start:\n{said}") from None
            time.sleep(0.05)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port

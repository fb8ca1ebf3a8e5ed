"""Nodes on the loopback interface that fail in the ways in which real ones fail."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.rpc_node import RpcNodeDouble

MEBIBYTE = 1024 * 1024


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    node: RpcNodeDouble
    fault: str
    closing: threading.Event

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        body = json.dumps(self.server.node.answer(request)).encode()
        fault = self.server.fault
        if fault.isdigit():
            self._send(int(fault), b"no")
        elif fault == "silent":
            self.server.closing.wait()
        elif fault == "dripping headers":
            self._drip(b"HTTP/1.1 200 OK\r\n" + b"x-more: of this\r\n" * 500)
        elif fault == "dripping body":
            self._drip(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n" + b" " * 9999)
        elif fault == "truncated":
            self._send(200, body[:-2], length=len(body))
            self.close_connection = True
        elif fault == "drops":
            self.close_connection = True
        elif fault == "huge":
            self._send(200, b'{"jsonrpc":"2.0","result":"' + b"0" * (3 * MEBIBYTE))
        elif fault == "endless":
            self._endless()
        elif fault == "redirect":
            self._send(307, b"", location=f"http://127.0.0.1:{self.server.server_port}/other")
        else:
            self._send(200, body)

    def log_message(self, *_: Any) -> None:
        """Keep the terminal clean."""

    def _send(
        self, status: int, body: bytes, *, length: int | None = None, location: str | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body) if length is None else length))
        if location is not None:
            self.send_header("location", location)
        self.end_headers()
        self.wfile.write(body)

    def _drip(self, data: bytes) -> None:
        for byte in data:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.server.closing.wait(0.02):
                break

    def _endless(self) -> None:
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        while not self.server.closing.is_set():
            self.wfile.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


@contextmanager
def serve(node: RpcNodeDouble, fault: str = "") -> Iterator[str]:
    """Serve a node on a free port and yield its URL."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.node, server.fault, server.closing = node, fault, threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def unused_url() -> str:
    """Return a URL on the loopback interface where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"

"""`POST /v1/verifications` beside a bare Starlette and orjson endpoint doing the same verification.

Both are called as ASGI applications, without a server in front, and chain and receipts answer from
memory: the cost of servers and databases, the same for both, would hide a part of ours.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Scope

from registry.app import create_app
from registry.kit.clock import system_clock
from registry.settings import HttpSettings, Settings
from registry.verifications.schemas import VerificationRequest
from registry.verifications.service import Verifications
from scripts.bench.figure import Figure, compared
from tests.support.anchoring import Installation
from tests.support.evidence_builders import trust_profile
from tests.support.registry_database import NOW, make_template
from tests.support.registry_world import World, build_world, samples
from verifier.checks.facts import TrustSource
from verifier.service import Question, Submission

PATH: Final = "/v1/verifications"
_GOAL: Final = 2.0
_TIMES: Final = 40
_PLENTY: Final = 1_000_000
_HEADERS: Final = [(b"host", b"registry.example"), (b"content-type", b"application/json")]


def measure() -> list[Figure]:
    """Return the endpoint with a token alone and with a receipt, beside the bare one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "world").mkdir()
        installation = Installation(folder / "world", make_template(folder), now=NOW)
        try:
            world = build_world(installation)
            return _figures(world)
        finally:
            installation.database.dispose()


def _figures(world: World) -> list[Figure]:
    (world.folder / "profile.json").write_bytes(trust_profile().document)
    [issued] = world.issue(samples()["documents"][0])
    world.anchor()
    source = world.trust_source()

    def open_source(*_: object, **__: object) -> AbstractContextManager[TrustSource]:
        return nullcontext(source)

    app = create_app(
        Settings(
            home=world.folder,
            http=HttpSettings(request_burst=_PLENTY, requests_per_minute=_PLENTY),
        ),
        open_source=open_source,
    )
    delivery = world.deliver(issued.certificate_id)
    stored = app.state.verifications.receipts
    leaf = delivery.certificate.parsed.leaf
    app.state.verifications = replace(
        app.state.verifications, receipts=_OneReceipt(leaf, stored.fetch_receipt(leaf))
    )
    bare = bare_app(app.state.verifications)
    bodies = {
        "token": {"token": delivery.compact},
        "token and receipt": {"token": delivery.compact, "receipts": [delivery.receipt.decode()]},
        "link code": {"codes": [delivery.link_code]},
    }
    figures = []
    with asyncio.Runner() as runner:
        for name, asked in bodies.items():
            body = orjson.dumps(asked)
            ours, peer = (_caller(runner.run, each, body) for each in (app, bare))
            if ours() != peer():
                raise AssertionError(f"the two endpoints disagree about {name}")
            mine, theirs = compared(ours, peer, times=_TIMES)
            figures.append(
                Figure(
                    part=f"verification over HTTP, {name}",
                    ours=mine * 1e6,
                    peer=theirs * 1e6,
                    peer_name="bare Starlette + orjson",
                    unit="µs CPU",
                    goal=_GOAL,
                )
            )
    return figures


@dataclass(frozen=True, slots=True)
class _OneReceipt:
    """The receipts of a registry that issued one certificate."""

    leaf: bytes
    receipt: bytes | None

    def fetch_receipt(self, leaf: bytes) -> bytes | None:
        return self.receipt if leaf == self.leaf else None


def bare_app(verifications: Verifications) -> Starlette:
    """Return the least that somebody would write around the same verification."""

    async def verify(request: Request) -> Response:
        asked = orjson.loads(await request.body())
        submission = Submission(
            token=asked.get("token"),
            receipts=tuple(each.encode() for each in asked.get("receipts", ())),
            codes=tuple(asked.get("codes", ())),
        )
        question = Question(checked_at=int(system_clock().timestamp()))
        report = await run_in_threadpool(
            verifications.answer, VerificationRequest(submission=submission, question=question)
        )
        return Response(orjson.dumps(report.as_json()), media_type="application/json")

    return Starlette(routes=[Route(PATH, verify, methods=["POST"])])


def _caller(
    run: Callable[[Coroutine[Any, Any, Any]], Any], app: ASGIApp, body: bytes
) -> Callable[[], dict[str, Any]]:
    """Return what sends one request and returns the report without the time of the check."""
    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
        "method": "POST", "scheme": "https", "path": PATH, "raw_path": PATH.encode(),
        "query_string": b"", "root_path": "", "client": ("192.0.2.1", 40000),
        "server": ("registry.example", 443),
        "headers": [*_HEADERS, (b"content-length", str(len(body)).encode())],
    }  # fmt: skip

    async def call() -> dict[str, Any]:
        sent: list[Message] = []
        received: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if received:
                return received.pop()
            return await asyncio.Future()

        async def send(message: Message) -> None:
            sent.append(message)

        await app({**scope}, receive, send)
        if sent[0]["status"] != 200:
            raise AssertionError(f"the endpoint answers {sent[0]['status']}")
        report: dict[str, Any] = orjson.loads(b"".join(m.get("body", b"") for m in sent[1:]))
        del report["checked_at"]
        return report

    return lambda: run(call())

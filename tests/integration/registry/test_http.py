"""The HTTP application, in process."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image
from sqlalchemy import text

from registry.app import create_app
from registry.certificates.issuing import Issued
from registry.certificates.rendering.codes import code_png
from registry.settings import Settings, SignerSettings
from registry.signing.listening import SignerServer
from tests.support.evidence_builders import InMemoryTrustSource, trust_profile
from tests.support.registry_world import World, open_world, samples
from verifier.checks.facts import TrustSource
from verifier.core.encoding import b64u
from verifier.core.errors import EvidenceUnavailableError
from verifier.core.limits import MAX_PDF_BYTES
from verifier.core.receipt import parse_receipt

PROBLEM = "application/problem+json"


@dataclass
class Api:
    """Calls the application without a network."""

    app: FastAPI

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            client = httpx.AsyncClient(transport=transport, base_url="http://test")
            async with self.app.router.lifespan_context(self.app), client:
                return await client.request(method, path, **options)

        return asyncio.run(call())

    def verify(self, **body: Any) -> httpx.Response:
        return self("POST", "/v1/verifications", json=body)


Source = Callable[[], AbstractContextManager[TrustSource]]


def make_api(world: World, source: Source | None = None, **settings: Any) -> Api:
    profile = world.folder / "profile.json"
    profile.write_bytes(trust_profile().document)

    def open_source(*_: object, **__: object) -> AbstractContextManager[TrustSource]:
        return nullcontext(world.trust_source()) if source is None else source()

    configured = Settings(home=world.folder, **settings)
    return Api(create_app(configured, clock=world.clock, open_source=open_source))


@pytest.fixture
def issued(world: World) -> Issued:
    [item] = world.issue(samples()["documents"][0])
    world.anchor()
    return item


@pytest.fixture
def api(world: World) -> Api:
    return make_api(world)


def assert_problem(response: httpx.Response, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    body = response.json()
    assert body["type"] == f"https://lancang.example/problems/{code}"
    assert (body["status"], body["code"]) == (status, code)


class TestReceipts:
    def test_a_receipt_by_leaf(self, api: Api, issued: Issued) -> None:
        response = api("GET", f"/v1/receipts/{b64u(issued.leaf)}")
        assert response.status_code == 200
        assert response.headers["access-control-allow-origin"] == "*"
        receipt = parse_receipt(response.content)
        assert receipt.token is not None
        assert receipt.token.count("~") == 1
        again = api(
            "GET",
            f"/v1/receipts/{b64u(issued.leaf)}",
            headers={"If-None-Match": response.headers["etag"]},
        )
        assert (again.status_code, again.content) == (304, b"")

    def test_unknown_and_malformed_leaves(self, api: Api) -> None:
        assert_problem(api("GET", f"/v1/receipts/{b64u(bytes(32))}"), 404, "receipt_not_found")
        assert_problem(api("GET", "/v1/receipts/short"), 422, "malformed_request")
        padded_bits = b64u(bytes(32))[:-1] + "B"  # 43 letters, but not canonical
        assert_problem(api("GET", f"/v1/receipts/{padded_bits}"), 400, "malformed_evidence")


class TestVerifications:
    def test_a_verdict_is_a_success(self, world: World, api: Api, issued: Issued) -> None:
        delivery = world.deliver(issued.certificate_id)
        for body in (
            {"token": delivery.compact},
            {"receipts": [delivery.receipt.decode()]},
            {"codes": [delivery.link_code]},
            {"codes": [delivery.offline_code]},
        ):
            response = api.verify(**body)
            assert response.status_code == 200
            assert response.json()["overall"] == "valid_with_notes", response.text

    def test_a_forgery_and_nonsense_are_verdicts_too(
        self, world: World, api: Api, issued: Issued
    ) -> None:
        jwt, *rest = world.deliver(issued.certificate_id).compact.split("~")
        flipped = jwt[:-1] + ("A" if jwt[-1] != "A" else "Q")
        forged = api.verify(token="~".join([flipped, *rest]))
        assert (forged.status_code, forged.json()["overall"]) == (200, "not_valid")
        nonsense = api.verify(codes=["https://example.org/"])
        assert (nonsense.status_code, nonsense.json()["overall"]) == (200, "not_ours")

    def test_a_dead_chain_is_no_error(self, world: World, issued: Issued) -> None:
        def dead() -> AbstractContextManager[TrustSource]:
            raise EvidenceUnavailableError("chain_unreachable", "no node")

        response = make_api(world, dead).verify(token=world.deliver(issued.certificate_id).compact)
        assert (response.status_code, response.json()["overall"]) == (200, "cannot_confirm")

    def test_without_a_profile_nothing_is_confirmed(self, world: World, issued: Issued) -> None:
        app = create_app(Settings(home=world.folder))
        response = Api(app).verify(token=world.deliver(issued.certificate_id).compact)
        assert (response.status_code, response.json()["overall"]) == (200, "cannot_confirm")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"token": None},
            {"token": 7},
            {"tokens": "x"},
            {"token": "x", "country": "Laos"},
            {"token": "x", "country": "la"},
            {"token": "x", "goods_match": "yes"},
            {"token": "x", "receipts": "x"},
            {"token": "x", "codes": [1]},
            {"token": "x", "codes": ["x"] * 9},
            {"token": "x", "at": "2999-01-01T00:00:00Z"},
        ],
    )
    def test_questions_that_cannot_be_asked(self, api: Api, body: dict[str, Any]) -> None:
        assert_problem(api.verify(**body), 400, "malformed_question")

    @pytest.mark.parametrize(
        "body", [b"", b"[]", b"{", b'{"token": 1.5}', b'{"token":"a","token":"b"}', b"\xff"]
    )
    def test_bodies_that_are_no_strict_json(self, api: Api, body: bytes) -> None:
        response = api("POST", "/v1/verifications", content=body)
        assert_problem(response, 400, "malformed_evidence")

    def test_bodies_that_are_too_large(self, api: Api) -> None:
        large = json.dumps({"token": "x" * 900_000}).encode()
        assert_problem(api("POST", "/v1/verifications", content=large), 413, "request_too_large")

        async def unannounced() -> Any:
            for _ in range(20):
                yield b"x" * 65536

        response = api("POST", "/v1/verifications", content=unannounced())
        assert_problem(response, 413, "request_too_large")


class TestFiles:
    """Files as a person has them, sent without any wrapping."""

    def send(self, api: Api, content: bytes, kind: str, query: str = "") -> httpx.Response:
        headers = {"Content-Type": kind}
        return api("POST", f"/v1/verifications{query}", content=content, headers=headers)

    def test_files_are_read_and_judged(self, world: World, api: Api, issued: Issued) -> None:
        delivery = world.deliver(issued.certificate_id)
        for content, kind in (
            (delivery.compact.encode(), "application/vc+sd-jwt"),
            (delivery.receipt, "application/octet-stream"),
            (delivery.offline_code.encode(), "text/plain; charset=utf-8"),
            (code_png(delivery.link_code), "image/png"),
        ):
            response = self.send(api, content, kind)
            assert response.status_code == 200, response.text
            assert response.json()["overall"] == "valid_with_notes", (kind, response.text)

    def test_the_question_comes_with_the_address(
        self, world: World, api: Api, issued: Issued
    ) -> None:
        receipt = world.deliver(issued.certificate_id).receipt
        query = "?country=LA&goods_match=false"
        report = self.send(api, receipt, "application/octet-stream", query).json()
        lines = {line["line"]: line["status"] for line in report["lines"]}
        assert lines["matches_goods"] == "fail"
        assert lines["recognised"] != "not_applicable"

    @pytest.mark.parametrize("query", ["?country=laos", "?goods_match=yes", "?token=x", "?at=now"])
    def test_malformed_parameters(self, api: Api, query: str) -> None:
        response = self.send(api, b"x", "text/plain", query)
        assert response.status_code == 400

    def test_pictures_without_a_code_are_not_ours(self, api: Api) -> None:
        buffer = BytesIO()
        Image.new("L", (200, 200), 255).save(buffer, "PNG")
        response = self.send(api, buffer.getvalue(), "image/png")
        assert (response.status_code, response.json()["overall"]) == (200, "not_ours")

    def test_broken_files_and_other_media_types(self, api: Api) -> None:
        assert_problem(
            self.send(api, b"%PDF-1.7 broken", "application/pdf"), 400, "malformed_evidence"
        )
        assert_problem(self.send(api, b"<x/>", "application/xml"), 415, "unsupported_media_type")
        assert_problem(
            self.send(api, bytes(MAX_PDF_BYTES + 1), "application/pdf"), 413, "request_too_large"
        )


class TestProblems:
    def test_unknown_routes_and_methods(self, api: Api) -> None:
        assert_problem(api("GET", "/v1/nothing"), 404, "not_found")
        response = api("DELETE", "/v1/verifications")
        assert_problem(response, 405, "method_not_allowed")
        assert response.headers["allow"] == "POST"

    def test_a_defect_tells_nothing_about_itself(self, world: World, issued: Issued) -> None:
        def broken() -> AbstractContextManager[TrustSource]:
            raise RuntimeError("secret path /root")

        response = make_api(world, broken).verify(
            token=world.deliver(issued.certificate_id).compact
        )
        assert_problem(response, 500, "internal_error")
        assert "secret" not in response.text

    def test_the_description_names_every_route(self, api: Api) -> None:
        described = api("GET", "/openapi.json").json()
        assert described["openapi"].startswith("3.1")
        assert set(described["paths"]) >= {
            "/healthz/live",
            "/healthz/ready",
            "/v1/receipts/{leaf}",
            "/v1/verifications",
        }


class TestHealth:
    def checks(self, response: httpx.Response) -> dict[str, str]:
        return {name: check["code"] for name, check in response.json()["checks"].items()}

    def test_ready_when_every_part_works(self, api: Api, issued: Issued) -> None:
        assert api("GET", "/healthz/live").status_code == 200
        response = api("GET", "/healthz/ready")
        assert response.status_code == 200
        assert self.checks(response) == {
            "database": "ok",
            "queue": "on_time",
            "signer": "not_configured",
            "objects": "ok",
            "chain": "ok",
        }

    def test_a_silent_chain_is_not_ready(self, world: World) -> None:
        def silent() -> AbstractContextManager[TrustSource]:
            source: InMemoryTrustSource = world.trust_source()
            source.silence = "head_too_old"
            return nullcontext(source)

        response = make_api(world, silent)("GET", "/healthz/ready")
        assert response.status_code == 503
        assert self.checks(response)["chain"] == "evidence_unavailable"

    def test_a_store_that_cannot_be_written_is_not_ready(self, world: World) -> None:
        (world.folder / "objects").write_text("a file stands where the folder should be")
        response = make_api(world)("GET", "/healthz/ready")
        assert response.status_code == 503
        assert self.checks(response)["objects"] == "object_store_unavailable"

    def test_an_old_queue_is_not_ready(self, world: World, api: Api) -> None:
        world.issue(samples()["documents"][0])
        world.clock.now = world.clock.now.replace(hour=10)
        response = api("GET", "/healthz/ready")
        assert response.status_code == 503
        assert self.checks(response)["queue"] == "alarm"

    def test_other_tables_are_not_ready(self, world: World, api: Api) -> None:
        with world.database.begin() as session:
            session.execute(text("UPDATE alembic_version SET version_num = '20200101_0001'"))
        response = api("GET", "/healthz/ready")
        assert response.status_code == 503
        assert self.checks(response)["database"] == "schema_outdated"

    @contextmanager
    def signer(self, world: World, path: Path) -> Iterator[None]:
        users = frozenset({os.getuid()})
        path.unlink(missing_ok=True)
        with SignerServer(path, world.signer.desk, allowed_users=users) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            yield
            server.shutdown()
            thread.join()

    def test_the_signer_must_prove_every_key(self, world: World, tmp_path: Path) -> None:
        path = tmp_path / "s.sock"
        api = make_api(world, signer=SignerSettings(socket=path))
        assert self.checks(api("GET", "/healthz/ready"))["signer"] == "signer_unavailable"
        with self.signer(world, path):
            assert self.checks(api("GET", "/healthz/ready"))["signer"] == "ok"
        next((world.folder / "keys").glob("*.key.json")).unlink()
        with self.signer(open_world(world.installation), path):
            response = api("GET", "/healthz/ready")
        assert response.status_code == 503
        assert self.checks(response)["signer"] == "unknown_signing_key"

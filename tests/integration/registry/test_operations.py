"""Operators and auditors see the pipeline over HTTP and on their page; nobody else does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from registry.access.domain import INSTALLATION, Role
from registry.anchoring.domain import Decision
from registry.anchoring.inspection import Inspector
from registry.anchoring.proofs import find_proof
from registry.anchoring.trees import TreeShelf
from tests.support.anchoring import Installation
from tests.support.desk import add_person, bearer, sign_in, tenant
from tests.support.registry_world import World, samples
from tests.support.web import Browser, Html, make_app
from verifier.checks.facts import KeyPurpose
from verifier.core.encoding import b64u
from verifier.core.submission import LONGEST_PROMISE, parse_submission


@pytest.fixture
def app(world: World) -> FastAPI:
    add_person(world, "chen", [(Role.OPERATOR, INSTALLATION)])
    add_person(world, "li", [(Role.CLERK, tenant(world, "demo-km"))])
    return make_app(world, signer=world.signer)


@pytest.fixture
def home(world: World) -> Installation:
    return world.installation


def get(app: FastAPI, name: str, path: str) -> httpx.Response:
    return Browser(app).get(path, headers={**bearer(app, name), "Accept": "application/json"})


def inspect(home: Installation) -> None:
    inspector = Inspector(
        database=home.database,
        chain=home.chain,
        trees=TreeShelf(home.objects),
        lock_folder=home.folder / "locks",
        clock=lambda: home.now,
    )
    inspector.inspect(full=True)


def refused_batch(world: World) -> None:
    """Issue, anchor, and have the contract refuse a second batch finally."""
    home = world.installation
    world.issue(samples()["documents"][0])
    world.anchor()
    home.queue(b"second")
    with home.worker() as worker:
        worker.round(flush=True)
        home.chain.operators.clear()
        home.chain.mine(3)
        worker.round()


def test_batches_with_attempts_transitions_and_decisions(
    world: World, app: FastAPI, home: Installation
) -> None:
    refused_batch(world)
    page = get(app, "chen", "/v1/batches").json()
    assert [item["state"] for item in page["items"]] == ["quarantined", "published"]
    assert page["next"] is None
    first = get(app, "chen", "/v1/batches?limit=1").json()
    assert first["next"] == 2
    assert get(app, "chen", "/v1/batches?limit=1&after=2").json()["items"][0]["id"] == 1
    assert len(get(app, "chen", "/v1/batches?state=published").json()["items"]) == 1

    home.decide(2, Decision.NEW_NONCE)
    detail: dict[str, Any] = get(app, "chen", "/v1/batches/2").json()
    assert [step["event"] for step in detail["steps"]] == [
        "seal", "store", "sign", "send", "quarantine", "restart",
    ]  # fmt: skip
    assert [attempt["nonce"] for attempt in detail["attempts"]] == [1]
    assert detail["attempts"][0]["max_fee"].isdigit()
    (decision,) = detail["decisions"]
    assert (decision["quarantine"], decision["decision"]) == ("reverted", "new-nonce")
    assert get(app, "chen", "/v1/batches/77").status_code == 404
    assert get(app, "chen", "/v1/batches?state=nonsense").status_code in {400, 422}


def test_reconciliations(world: World, app: FastAPI, home: Installation) -> None:
    assert get(app, "chen", "/v1/reconciliations").json() == []
    refused_batch(world)
    inspect(home)
    (outline,) = get(app, "chen", "/v1/reconciliations").json()
    assert (outline["full"], outline["discrepancies"]) == (True, 1)
    report = get(app, "chen", f"/v1/reconciliations/{outline['id']}").json()["report"]
    assert [each["code"] for each in report["discrepancies"]] == ["quarantined"]
    assert get(app, "chen", "/v1/reconciliations/77").status_code == 404


@pytest.mark.parametrize("path", ["/v1/batches", "/v1/batches/1", "/v1/reconciliations"])
def test_a_clerk_sees_nothing(app: FastAPI, path: str) -> None:
    assert get(app, "li", path).status_code == 404
    assert Browser(app).get(path).status_code == 401


class TestPage:
    def test_calm_and_alarm(self, world: World, app: FastAPI, home: Installation) -> None:
        operator = sign_in(app, "chen")
        page = Html(operator.get("/desk/operations").text)
        assert "Nothing calls for anybody" in page.text
        assert "never compared" in page.text
        refused_batch(world)
        inspect(home)
        page = Html(operator.get("/desk/operations").text)
        for words in (
            "Somebody has to look now",
            "1 discrepancies",
            "in quarantine, a person has to decide",
            "lancang quarantine show 2",
            "published",
        ):
            assert words in page.text
        assert any(link.startswith("/desk/operations") for link in page.links)
        operator.language = "zh"
        assert "现在需要有人查看" in Html(operator.get("/desk/operations").text).text

    def test_a_clerk_has_no_such_page(self, app: FastAPI) -> None:
        clerk = sign_in(app, "li")
        assert clerk.get("/desk/operations").status_code == 404
        assert not any("operations" in link for link in Html(clerk.get("/desk").text).links)


class TestSubmissionReceipt:
    """What was signed is promised a deadline until it is anchored, and not when all is late."""

    def _get(self, app: FastAPI, name: str, identifier: str) -> httpx.Response:
        return get(app, name, f"/v1/certificates/{identifier}/submission-receipt")

    def test_promised_until_it_is_anchored(self, world: World, app: FastAPI) -> None:
        issued = world.issue(samples()["documents"][0])[0]
        answer = self._get(app, "li", issued.certificate_id)
        assert answer.status_code == 200, answer.text
        receipt = parse_submission(answer.json()["receipt"])
        key = world.key("demo-km", KeyPurpose.STATEMENT).public_key
        assert receipt.jws.signed_by(key)
        assert receipt.claims.body == world.bodies["demo-km"].id
        assert b64u(receipt.claims.leaf) == answer.json()["leaf"]
        assert receipt.claims.deadline - receipt.claims.queued == LONGEST_PROMISE
        world.anchor()
        with world.database.read() as session:
            anchored = find_proof(session, receipt.claims.leaf, trees=world.trees)
        assert anchored is not None
        assert anchored.anchor is not None
        assert self._get(app, "li", issued.certificate_id).json()["code"] == "no_promise"

    def test_nothing_is_promised_when_all_is_late(self, world: World, app: FastAPI) -> None:
        issued = world.issue(samples()["documents"][0])[0]
        world.clock.now += timedelta(hours=4, minutes=1)
        answer = self._get(app, "li", issued.certificate_id)
        assert (answer.status_code, answer.json()["code"]) == (409, "no_promise")

    def test_what_is_not_signed_or_foreign(self, world: World, app: FastAPI) -> None:
        [draft] = world.draft(samples()["documents"][0])
        assert self._get(app, "li", draft).json()["code"] == "no_promise"
        add_person(world, "noi", [(Role.CLERK, tenant(world, "demo-bm"))])
        assert self._get(app, "noi", draft).status_code == 404

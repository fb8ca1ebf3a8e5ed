"""Values that one kind of database takes and the other does not: never a fault of the server."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI

from registry.access.domain import INSTALLATION, Role, Tenant
from tests.support.desk import PASSWORD, add_person, bearer, call, tenant
from tests.support.registry_world import World
from tests.support.web import make_app

NOWHERE = "00000000-0000-0000-0000-000000000000"
LATER = "2026-12-01T00:00:00Z"


@pytest.fixture
def app(world: World) -> FastAPI:
    home = tenant(world, "demo-km")
    everything = [
        (Role.CLERK, home),
        (Role.BODY_ADMINISTRATOR, home),
        (Role.ACCREDITOR, Tenant.of_party("CN")),
        (Role.OPERATOR, INSTALLATION),
    ]
    add_person(world, "everybody", everything)
    return make_app(world, signer=world.signer)


@pytest.mark.parametrize(
    "query",
    [
        "certificates?number=%00",
        "certificates?after=2026-01-01T00:00:00%2B00:00~%00",
        "certificates?after=2026-01-01T00:00:00%2B00:00~x",
        f"certificates?after=0001-01-01T00:00:00%2B23:00~{NOWHERE}",
        "audit?object=%00",
        "audit?person=%00",
        "audit?action=%00",
        "people?after=%00",
        "standards?q=%00",
    ],
)
def test_queries(app: FastAPI, query: str) -> None:
    answer = call(app, "GET", f"/v1/{query}", headers=bearer(app, "everybody"))
    assert answer.status_code in (200, 400), answer.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("sessions", {"name": "a\0b", "password": PASSWORD}),
        ("people", {"name": "a\0b", "grant": {"role": "clerk", "tenant": "demo-km"}}),
        ("tokens", {"label": "a", "grants": ["x"], "expires_at": LATER, "owner": "\0"}),
        ("tokens", {"label": "a\0", "grants": ["a\0"], "expires_at": LATER}),
        ("parties", {"id": "VN", "country": "VN", "name": {"en": "a\0"}}),
    ],
)
def test_bodies(app: FastAPI, path: str, body: dict[str, Any]) -> None:
    answer = call(app, "POST", f"/v1/{path}", headers=bearer(app, "everybody"), json=body)
    assert 400 <= answer.status_code < 500, answer.text

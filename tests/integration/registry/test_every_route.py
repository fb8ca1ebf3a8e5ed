"""Every route of the application, every role, foreign objects: nobody learns that they exist.

The routes are those of the application itself. One that is added without saying here what it
concerns fails the first test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from registry.access.domain import GRANTED_IN, Role, Tenant, TenantKind
from registry.access.models import GrantRow
from tests.support.desk import add_person, bearer, call, sign_in, tenant
from tests.support.registry_world import World, samples
from tests.support.web import Browser, Html, make_app
from verifier.core.encoding import b64u

NOBODY: Final = "00000000-0000-4000-8000-000000000000"
NO_DIGEST: Final = "00" * 32

# What anybody may ask without saying who he is.
PUBLIC: Final = frozenset(
    {
        *(("GET", path) for path in (
            "/", "/c", "/o", "/conformity", "/healthz/live", "/healthz/ready", "/metrics",
            "/openapi.json", "/sign-in", "/standards", "/standards/{id:path}",
            "/static/{name:path}",
            "/v1/bundle", "/v1/bundle/deltas/{base}", "/v1/documents/{sha256}", "/v1/heads/{root}",
            "/v1/receipts/{leaf}", "/v1/standards", "/v1/standards/{id:path}",
            "/v1/standards/{id:path}/requirements", "/v1/status-lists/{body}/{list_number}",
            "/verify",
        )),
        *(("POST", path) for path in (
            "/conformity", "/sign-in", "/v1/conformity/evaluations", "/v1/sessions",
            "/v1/verifications", "/verify",
        )),
    }
)  # fmt: skip
# What concerns the caller alone.
OWN: Final = frozenset(
    {
        ("DELETE", "/v1/sessions/current"), ("PUT", "/v1/sessions/current/password"),
        ("GET", "/v1/me"), ("GET", "/v1/tokens"), ("POST", "/sign-out"),
    }
)  # fmt: skip
# Lists and overviews: they show what the caller may see.
LISTS: Final = frozenset(
    ("GET", path)
    for path in (
        "/v1/audit", "/v1/people", "/v1/parties", "/v1/bodies", "/v1/certificates",
        "/v1/status-requests?waiting=false", "/desk", "/desk/certificates", "/desk/bodies",
        "/desk/requests", "/desk/print", "/desk/import",
    )
)  # fmt: skip
# What belongs to nobody in particular: operators see it, others not at all.
OPERATIONS: Final = frozenset(
    {
        *(("GET", path) for path in (
            "/v1/batches", "/v1/batches/{identifier}", "/v1/reconciliations",
            "/v1/reconciliations/{identifier}", "/desk/operations",
        )),
        ("POST", "/v1/parties"),
    }
)  # fmt: skip


@dataclass(frozen=True)
class Objects:
    """What there is at a body that is foreign to everybody who asks."""

    draft: str
    approved: str
    signed: str
    view: str
    body: str
    person: str
    grant: str
    token: str
    request: str
    print_job: str

    def missing(self) -> Objects:
        """Return ids of the same form behind which there is nothing."""
        nothing = dict.fromkeys(vars(self), NOBODY)
        return Objects(**nothing | {"body": NO_DIGEST, "view": b64u(bytes(32))})


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    options: Mapping[str, Any]


_MATCH: Final = {"headers": {"If-Match": '"draft-x"'}}
_ORDER: Final = {"act": "revoke", "reason": "error"}


# How each route is asked for an object.
FOREIGN: Final[dict[tuple[str, str], Callable[[Objects], list[Asked]]]] = {}


def _asks(method: str, path: str) -> Callable[[Callable[[Objects], Iterator[Any]]], None]:
    def keep(made: Callable[[Objects], Iterator[Any]]) -> None:
        def asked(objects: Objects) -> list[Asked]:
            return [Asked(method, each[0], each[1]) for each in made(objects)]

        FOREIGN[method, path] = asked

    return keep


def _simple(method: str, path: str, *names: str, **options: Any) -> None:
    """Note a route with one parameter, for each kind of object that may stand there."""

    @_asks(method, path)
    def made(objects: Objects) -> Iterator[Any]:
        for name in names:
            yield re.sub(r"\{\w+\}", getattr(objects, name), path, count=1), options


_ANY: Final = ("draft", "approved", "signed")
_simple("GET", "/v1/certificates/{identifier}", *_ANY)
_simple("DELETE", "/v1/certificates/{identifier}", *_ANY, **_MATCH)
for _ending, _body in (
    ("approval", None), ("return", {"remarks": "x"}), ("submission", {}),
    ("withdrawal", {"remarks": "x"}),
):  # fmt: skip
    _simple("POST", f"/v1/certificates/{{identifier}}/{_ending}", *_ANY, json=_body, **_MATCH)
_simple("POST", "/v1/certificates/{identifier}/signature", *_ANY)
_simple("POST", "/v1/certificates/{identifier}/status-orders", *_ANY, json=_ORDER)
_simple("GET", "/v1/certificates/{identifier}/views", *_ANY)
_simple(
    "POST", "/v1/certificates/{identifier}/views", *_ANY,
    json={"destination": "LA", "withhold": ["customer"], "grounds": ["PD1"]},
)  # fmt: skip
_simple("GET", "/v1/certificates/{identifier}/delivery", *_ANY)
_simple("GET", "/v1/certificates/{identifier}/submission-receipt", *_ANY)
_simple("GET", "/v1/bodies/{body_id}", "body")
_simple("POST", "/v1/bodies/{body_id}/scopes", "body", json={"rows": []})
_simple(
    "POST", "/v1/bodies/{body_id}/keys", "body", json={"purpose": "summary", "jwk": {"kty": "EC"}}
)  # fmt: skip
_simple("GET", "/v1/people/{person}", "person")
_simple("POST", "/v1/people/{person}/disable", "person")
_simple("DELETE", "/v1/grants/{grant}", "grant")
_simple("DELETE", "/v1/tokens/{token}", "token")
_simple("GET", "/v1/status-requests/{identifier}", "request")
_simple("POST", "/v1/status-requests/{identifier}/approval", "request")
_simple("POST", "/v1/status-requests/{identifier}/refusal", "request", json={})
_simple("GET", "/desk/certificates/{identifier}", *_ANY)
_simple("GET", "/desk/bodies/{body_id}", "body")
_simple("POST", "/desk/bodies/{body_id}/keys", "body", data={"purpose": "summary", "jwk": "{}"})
_simple("POST", "/desk/bodies/{body_id}/scopes", "body", files={"file": ("a.json", b"[]")})
_simple("GET", "/desk/print/{identifier}", "print_job")
_simple("GET", "/desk/print/{identifier}/pages.zip", "print_job")
_simple("GET", "/desk/print/{identifier}/pages.pdf", "print_job")
_simple("POST", "/desk/print/{identifier}/discard", "print_job")


@_asks("GET", "/v1/certificates/{identifier}/views/{leaf}/delivery")
def _view(objects: Objects) -> Iterator[Any]:
    yield f"/v1/certificates/{objects.signed}/views/{objects.view}/delivery", {}


@_asks("POST", "/v1/people/{person}/grants")
def _grant(objects: Objects) -> Iterator[Any]:
    body = {"role": "clerk", "tenant": "demo-bm"}
    yield f"/v1/people/{objects.person}/grants", {"json": body}


@_asks("POST", "/v1/people")
def _person(objects: Objects) -> Iterator[Any]:
    grant = {"role": "clerk", "tenant": objects.body}
    yield "/v1/people", {"json": {"name": "New", "grant": grant}}


@_asks("POST", "/v1/status-requests")
def _request(objects: Objects) -> Iterator[Any]:
    yield "/v1/status-requests", {"json": {**_ORDER, "certificates": [objects.signed]}}


@_asks("POST", "/desk/requests")
def _desk_request(objects: Objects) -> Iterator[Any]:
    yield "/desk/requests", {"data": {**_ORDER, "certificate": [objects.signed]}}


@_asks("POST", "/desk/requests/{identifier}/{decision}")
def _decision(objects: Objects) -> Iterator[Any]:
    for decision in ("approve", "refuse", "other"):
        yield f"/desk/requests/{objects.request}/{decision}", {"data": {}}


@_asks("POST", "/desk/certificates/approve")
def _several(objects: Objects) -> Iterator[Any]:
    yield "/desk/certificates/approve", {"data": {"draft": [f"{objects.draft}~draft-x"]}}


@_asks("POST", "/desk/certificates/{identifier}/{act}")
def _act(objects: Objects) -> Iterator[Any]:
    values = {"remarks": "x", "reason": "error", "confirm": "yes", "version": "draft-x"}
    for name in _ANY:
        for act in ("approve", "return", "submit", "discard", "sign", "withdraw", "revoke"):
            yield f"/desk/certificates/{getattr(objects, name)}/{act}", {"data": values}


@_asks("GET", "/desk/certificates/{identifier}/files/{kind}")
def _file(objects: Objects) -> Iterator[Any]:
    yield f"/desk/certificates/{objects.signed}/files/sdjwt", {}
    view = objects.view.encode().hex()[:64]
    yield f"/desk/certificates/{objects.signed}/files/sdjwt?view={view}", {}


# They name a body by its public alias or an own list of things; what is foreign is refused.
REFUSED: Final = frozenset(
    {
        ("POST", "/v1/bodies"), ("POST", "/v1/tokens"), ("POST", "/v1/certificates/imports"),
        ("POST", "/desk/import"), ("POST", "/desk/print"),
    }
)  # fmt: skip


def routes_of(app: FastAPI) -> set[tuple[str, str]]:
    """Return method and path of every route, however deep it was included."""
    found: set[tuple[str, str]] = set()

    def walk(routes: Any) -> None:
        for route in routes:
            if getattr(route, "methods", None):
                found.update((method, route.path) for method in route.methods - {"HEAD"})
            elif (inner := getattr(route, "original_router", None)) is not None:
                walk(inner.routes)
            else:
                walk(route.routes)

    walk(app.routes)
    return found


def _plain(pair: tuple[str, str]) -> tuple[str, str]:
    return pair[0], pair[1].split("?")[0]


@pytest.fixture
def app(world: World) -> FastAPI:
    limits = {"request_burst": 1_000_000, "requests_per_minute": 1_000_000}
    return make_app(world, signer=world.signer, http={**limits, "sign_ins_per_minute": 1_000_000})


def test_it_is_said_of_every_route_what_it_concerns(app: FastAPI) -> None:
    said = {*PUBLIC, *OWN, *map(_plain, LISTS), *OPERATIONS, *FOREIGN, *REFUSED}
    assert routes_of(app) - said == set()
    assert said - routes_of(app) == set()


def test_whatever_creates_something_can_be_asked_for_again(app: FastAPI) -> None:
    by_nature = {
        "/v1/sessions",  # nobody is known yet; a copy begins another session
        "/v1/certificates/{identifier}/views",  # the same decision is the same view
        "/v1/verifications", "/v1/conformity/evaluations",  # they create nothing
    }  # fmt: skip
    for path, methods in app.openapi()["paths"].items():
        operation = methods.get("post", {})
        if {"201", "202"} & operation.get("responses", {}).keys() and path not in by_nature:
            headers = {each["name"] for each in operation.get("parameters", [])}
            assert "idempotency-key" in headers, path


def objects_of(world: World, app: FastAPI) -> Objects:
    home = tenant(world, "demo-km")
    person = add_person(world, "far", [(Role.APPROVER, home), (Role.CLERK, home)])
    document = samples()["documents"][0]
    [issued] = world.issue(document)
    [draft, approved] = world.draft(*({**document, "number": f"D-{at}"} for at in range(2)))
    world.approve([approved])
    view = world.release(issued.certificate_id, "customer")
    with world.database.read() as session:
        statement = select(GrantRow.id).where(GrantRow.person_id == person)
        grant = session.scalars(statement).first()
    headers = bearer(app, "far")
    expires = (world.clock().replace(year=2027)).isoformat()
    token = call(
        app, "POST", "/v1/tokens", headers=headers,
        json={"label": "x", "grants": [grant], "expires_at": expires},
    )  # fmt: skip
    order = {**_ORDER, "certificates": [issued.certificate_id]}
    request = call(app, "POST", "/v1/status-requests", headers=headers, json=order)
    assert (token.status_code, request.status_code) == (201, 201), token.text
    browser = sign_in(app, "far")
    job = browser.request(
        "POST", "/desk/print",
        data={"csrf": csrf_of(browser), "body": "demo-km", "standing": "all"},
    )  # fmt: skip
    found = re.search(r"/desk/print/([0-9a-f-]{36})", str(job.url))
    assert found, job.text
    return Objects(
        draft=draft,
        approved=approved,
        signed=issued.certificate_id,
        view=b64u(view),
        body=world.bodies["demo-km"].id.hex(),
        person=person,
        grant=str(grant),
        token=token.json()["id"],
        request=request.json()["id"],
        print_job=found[1],
    )


def csrf_of(browser: Browser) -> str:
    return Html(browser.get("/desk").text).form("/sign-out").values["csrf"]


def home_of(world: World, role: Role) -> Tenant:
    """Return where somebody works to whom everything of `demo-km` is foreign."""
    if TenantKind.BODY in GRANTED_IN[role]:
        return tenant(world, "demo-bm")
    return Tenant.of_party("LA")


def answer_to(app: FastAPI, who: str, browser: Browser, asked: Asked, csrf: str) -> httpx.Response:
    options = {name: value for name, value in asked.options.items() if value is not None}
    if not asked.path.startswith("/desk"):
        headers = {**SECRETS[who], **options.pop("headers", {})}
        response: httpx.Response = call(app, asked.method, asked.path, headers=headers, **options)
        return response
    if asked.method == "POST":
        options["data"] = {"csrf": csrf, **options.get("data", {})}
    return browser.request(asked.method, asked.path, **options)


SECRETS: Final[dict[str, dict[str, str]]] = {}


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
def test_what_is_foreign_is_answered_like_what_does_not_exist(
    world: World, app: FastAPI, role: Role
) -> None:
    real = objects_of(world, app)
    add_person(world, "me", [(role, home_of(world, role))])
    SECRETS["me"] = bearer(app, "me")
    browser = sign_in(app, "me")
    csrf = csrf_of(browser)
    for (method, path), asks in FOREIGN.items():
        for foreign, missing in zip(asks(real), asks(real.missing()), strict=True):
            first = answer_to(app, "me", browser, foreign, csrf)
            second = answer_to(app, "me", browser, missing, csrf)
            assert first.status_code == second.status_code, (method, path, first.text[:300])
            assert first.status_code in {403, 404, 422, 400}, (method, path, first.status_code)
            assert first.text.replace(foreign.path, "") == second.text.replace(missing.path, "")
            if method == "GET":
                assert first.status_code == 404, (method, path)
    for method, path in LISTS:
        shown = answer_to(app, "me", browser, Asked(method, path, {}), csrf)
        assert shown.status_code < 500, path
        for each in vars(real).values():
            assert each == NOBODY or each not in shown.text, (path, each)
    for method, path in OPERATIONS:
        asked = path.replace("{identifier}", "1")
        refused = answer_to(app, "me", browser, Asked(method, asked, {"json": {}}), csrf)
        assert refused.status_code in {403, 404, 422}, path
    _nothing_was_changed(world, app, real)


def _nothing_was_changed(world: World, app: FastAPI, real: Objects) -> None:
    headers = bearer(app, "far")
    states = {
        name: call(app, "GET", f"/v1/certificates/{getattr(real, name)}", headers=headers).json()
        for name in _ANY
    }
    assert {name: shown["state"] for name, shown in states.items()} == {name: name for name in _ANY}
    assert not states["signed"]["revoked"]
    [token] = call(app, "GET", "/v1/tokens", headers=headers).json()
    assert token["revoked_at"] is None
    request = call(app, "GET", f"/v1/status-requests/{real.request}", headers=headers).json()
    assert request["decision"] == "open"
    assert len(world.bodies) == len(samples()["bodies"])


def test_without_a_token_nothing_but_the_public_is_answered(app: FastAPI) -> None:
    for method, path in routes_of(app) - PUBLIC:
        asked = re.sub(r"\{\w+(:\w+)?\}", NOBODY, path)
        response = Browser(app).request(method, asked)
        if path.startswith("/v1"):
            assert response.status_code in {401, 422}, (method, path)
        else:
            assert response.url.path in {"/sign-in", asked}, (method, path)
            assert response.status_code in {200, 403}, (method, path, response.status_code)
            assert "/sign-in" in response.text, (method, path)


def test_foreign_bodies_are_not_worked_for(world: World, app: FastAPI) -> None:
    add_person(world, "me", [(Role.CLERK, tenant(world, "demo-bm"))])
    headers = bearer(app, "me")
    document = samples()["documents"][0]
    content = json.dumps({"import": 1, "documents": [document]}).encode()
    answer = call(app, "POST", "/v1/certificates/imports", headers=headers, content=content)
    assert (answer.status_code, answer.json()["code"]) == (404, "body_not_found")

"""People, tokens and the audit trail over HTTP: every route, every role, foreign objects."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from registry.access.domain import INSTALLATION, Role, Tenant
from registry.access.models import PersonRow
from registry.audit.domain import Outcome
from registry.idempotency.models import AnsweredRequestRow
from registry.idempotency.service import digest_of
from tests.support.access_world import (
    FAR,
    NEAR,
    PASSWORD,
    AccessWorld,
    Api,
    home_of,
    tenant_of,
)

NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass
class Scene:
    """Somebody with a role at home, and what there is in another tenant."""

    world: AccessWorld
    api: Api
    person: PersonRow
    token: str
    foreign_person: PersonRow
    foreign_grant: str
    foreign_token: str

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.api(method, path, self.token, **options)


def scene_of(world: AccessWorld, api: Api, role: Role) -> Scene:
    person = world.person("Me", (role, home_of(role)))
    far = world.person("Far", (Role.CLERK, tenant_of(FAR)))
    return Scene(
        world,
        api,
        person,
        world.token(person),
        far,
        world.grant_ids(far)[0],
        world.new_token(far).row.id,
    )


def grant_in(tenant: Tenant, role: Role = Role.CLERK) -> dict[str, str]:
    return {"role": role.value, "tenant": tenant.name}


def problem(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    return response.status_code, response.json()["code"]


# Each names a foreign object, and in the same way one that does not exist.
FOREIGN: Mapping[str, Callable[[Scene, bool], tuple[str, str, dict[str, Any]]]] = {
    "read person": lambda s, real: (
        "GET",
        f"/v1/people/{s.foreign_person.id if real else NOBODY}",
        {},
    ),
    "disable person": lambda s, real: (
        "POST",
        f"/v1/people/{s.foreign_person.id if real else NOBODY}/disable",
        {},
    ),
    "grant to person": lambda s, real: (
        "POST",
        f"/v1/people/{s.foreign_person.id if real else NOBODY}/grants",
        {"json": grant_in(tenant_of(NEAR))},
    ),
    "add person there": lambda _, real: (
        "POST",
        "/v1/people",
        {
            "json": {
                "name": "New",
                "grant": {"role": "clerk", "tenant": FAR.id.hex() if real else "ab" * 32},
            }
        },
    ),
    "revoke grant": lambda s, real: (
        "DELETE",
        f"/v1/grants/{s.foreign_grant if real else NOBODY}",
        {},
    ),
    "revoke token": lambda s, real: (
        "DELETE",
        f"/v1/tokens/{s.foreign_token if real else NOBODY}",
        {},
    ),
    "token for person": lambda s, real: (
        "POST",
        "/v1/tokens",
        {
            "json": {
                "label": "x",
                "grants": [s.foreign_grant],
                "owner": s.foreign_person.id if real else NOBODY,
                "expires_at": (s.world.clock() + timedelta(days=1)).isoformat(),
            }
        },
    ),
    "read audit": lambda _, real: (
        "GET",
        f"/v1/audit?tenant=body:{FAR.id.hex() if real else 'ab' * 32}",
        {},
    ),
}


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
def test_a_foreign_object_is_answered_like_one_that_does_not_exist(
    world: AccessWorld, api: Api, role: Role
) -> None:
    scene = scene_of(world, api, role)
    for what, request in FOREIGN.items():
        method, path, options = request(scene, True)
        foreign = scene(method, path, **options)
        method, path, options = request(scene, False)
        missing = scene(method, path, **options)
        assert foreign.status_code == 404, (what, foreign.text)
        assert foreign.content == missing.content, what
    assert world.grant_ids(scene.foreign_person) == [scene.foreign_grant]
    with world.database.read() as session:
        assert session.get_one(PersonRow, scene.foreign_person.id).disabled_at is None


ROUTES = [
    ("GET", "/v1/me"),
    ("GET", "/v1/people"),
    ("POST", "/v1/people"),
    ("GET", f"/v1/people/{NOBODY}"),
    ("POST", f"/v1/people/{NOBODY}/disable"),
    ("POST", f"/v1/people/{NOBODY}/grants"),
    ("DELETE", f"/v1/grants/{NOBODY}"),
    ("GET", "/v1/tokens"),
    ("POST", "/v1/tokens"),
    ("DELETE", f"/v1/tokens/{NOBODY}"),
    ("GET", "/v1/audit"),
    ("DELETE", "/v1/sessions/current"),
]


def test_every_route_of_the_package_is_tried_without_a_token(api: Api) -> None:
    described = api("GET", "/openapi.json").json()["paths"]
    own = {
        (method.upper(), path)
        for path, methods in described.items()
        for method, operation in methods.items()
        if operation.get("tags") == ["access"]
    }
    tried = {(method, path.replace(NOBODY, "{id}")) for method, path in ROUTES}
    assert {(m, re.sub(r"\{\w+\}", "{id}", p)) for m, p in own} - tried == {
        ("POST", "/v1/sessions"),
        ("PUT", "/v1/sessions/current/password"),
    }
    for method, path in ROUTES:
        response = api(method, path)
        assert problem(response) == (401, "not_authenticated"), path
        assert response.headers["www-authenticate"] == "Bearer"


def test_dead_tokens_open_nothing(world: AccessWorld, api: Api) -> None:
    operator = world.person("Op", (Role.OPERATOR, INSTALLATION))
    token = world.token(operator, life=timedelta(days=1))
    assert api("GET", "/v1/people", token).status_code == 200
    world.clock.forward(days=1)
    for dead in (token, token[:-2] + "xx", "lct_", "nonsense", "lcs_nonsense"):
        assert problem(api("GET", "/v1/people", dead)) == (401, "token_invalid")
    assert problem(api("POST", f"/v1/people/{operator.id}/disable", token))[0] == 401


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.CLERK, False),
        (Role.APPROVER, False),
        (Role.AUDITOR, False),
        (Role.OFFICER, False),
        (Role.PARTNER_AGENCY, False),
        (Role.BODY_ADMINISTRATOR, True),
    ],
)
def test_who_adds_people(world: AccessWorld, api: Api, role: Role, *, allowed: bool) -> None:
    scene = scene_of(world, api, role)
    body = {"name": "New", "grant": grant_in(tenant_of(NEAR))}
    response = scene("POST", "/v1/people", json=body)
    if allowed:
        assert response.status_code == 201, response.text
        assert response.json()["grants"][0]["tenant"] == tenant_of(NEAR).name
        shown = scene("GET", f"/v1/people/{response.json()['id']}")
        assert shown.json()["name"] == "New"
        return
    assert problem(response) in {(403, "not_permitted"), (404, "tenant_not_found")}
    [refused] = world.trail("access.refused")
    assert refused.entry.outcome is Outcome.REFUSED
    assert refused.entry.person == scene.person.id
    assert refused.entry.tenant == tenant_of(NEAR).name
    assert refused.entry.details["code"] == response.json()["code"]


def test_a_day_at_the_desk(world: AccessWorld, api: Api) -> None:
    """An administrator adds a clerk, who signs in, makes a token and works with it."""
    administrator = scene_of(world, api, Role.BODY_ADMINISTRATOR)
    account = {"name": "zhao", "password": PASSWORD}
    body = {"name": "Zhao Liu", "sign_in": account, "grant": grant_in(tenant_of(NEAR))}
    clerk = administrator("POST", "/v1/people", json=body).json()
    started = api("POST", "/v1/sessions", json=account)
    assert started.status_code == 201
    session = started.json()["token"]
    me = api("GET", "/v1/me", session).json()
    assert (me["id"], [grant["role"] for grant in me["grants"]]) == (clerk["id"], ["clerk"])
    asked = {
        "label": "LIMS",
        "grants": [me["grants"][0]["id"]],
        "expires_at": (world.clock() + timedelta(days=7)).isoformat(),
    }
    made = api("POST", "/v1/tokens", session, json=asked)
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    secret = made.json()["secret"]
    assert problem(api("POST", "/v1/tokens", secret, json=asked)) == (403, "session_required")
    listed = api("GET", "/v1/tokens", secret)
    assert secret not in listed.text
    assert [token["id"] for token in listed.json()] == [made.json()["id"]]
    changed = {"current": PASSWORD, "new": "quite another one"}
    assert api("PUT", "/v1/sessions/current/password", session, json=changed).status_code == 204
    assert problem(api("POST", "/v1/sessions", json=account)) == (401, "sign_in_refused")
    assert api("DELETE", f"/v1/tokens/{made.json()['id']}", session).status_code == 204
    assert problem(api("GET", "/v1/me", secret)) == (401, "token_invalid")
    assert api("DELETE", "/v1/sessions/current", session).status_code == 204
    assert problem(api("GET", "/v1/me", session)) == (401, "token_invalid")
    trail = " ".join(str(link.entry) for link in world.trail())
    for word in (secret, session, PASSWORD, "quite another one"):
        assert word not in trail


class TestRepeatedRequests:
    def repeated(self, scene: Scene, path: str, body: dict[str, Any]) -> list[httpx.Response]:
        headers = {"Idempotency-Key": f"again{path.replace('/', '.')}"}
        answers = [scene("POST", path, json=body, headers=headers) for _ in range(2)]
        assert [each.status_code for each in answers] == [201, 201], answers[0].text
        assert "idempotency-replayed" not in answers[0].headers
        assert answers[1].headers["idempotency-replayed"] == "true"
        changed = {**body, **_OTHER[path.rpartition("/")[2]]}
        other = scene("POST", path, json=changed, headers=headers)
        assert problem(other) == (422, "idempotency_key_reused")
        return answers

    def test_a_person_and_a_role_come_once(self, world: AccessWorld, api: Api) -> None:
        scene = scene_of(world, api, Role.BODY_ADMINISTRATOR)
        account = {"name": "zhao", "password": PASSWORD}
        body = {"name": "Zhao Liu", "sign_in": account, "grant": grant_in(tenant_of(NEAR))}
        first, again = self.repeated(scene, "/v1/people", body)
        assert again.content == first.content
        assert first.headers["location"] == f"/v1/people/{first.json()['id']}"
        grants = f"/v1/people/{first.json()['id']}/grants"
        given, once_more = self.repeated(scene, grants, grant_in(tenant_of(NEAR), Role.APPROVER))
        assert once_more.content == given.content
        assert len(world.trail("person.add")) == 3
        shown = scene("GET", f"/v1/people/{first.json()['id']}").json()
        assert sorted(each["role"] for each in shown["grants"]) == ["approver", "clerk"]

    def test_the_secret_of_a_token_is_no_part_of_the_second_answer(
        self, world: AccessWorld, api: Api
    ) -> None:
        scene = scene_of(world, api, Role.BODY_ADMINISTRATOR)
        account = {"name": "zhao", "password": PASSWORD}
        body = {"name": "Zhao Liu", "sign_in": account, "grant": grant_in(tenant_of(NEAR))}
        person = scene("POST", "/v1/people", json=body).json()
        session = api("POST", "/v1/sessions", json=account).json()["token"]
        asked = {
            "label": "LIMS",
            "grants": [person["grants"][0]["id"]],
            "expires_at": (world.clock() + timedelta(days=7)).isoformat(),
        }
        own = Scene(**{**vars(scene), "token": session})
        first, again = self.repeated(own, "/v1/tokens", asked)
        secret = first.json()["secret"]
        assert again.json() == {**first.json(), "secret": None}
        assert {each.headers["cache-control"] for each in (first, again)} == {"no-store"}
        assert api("GET", "/v1/me", secret).status_code == 200
        with world.database.read() as stored:
            answers = stored.scalars(select(AnsweredRequestRow)).all()
        assert answers
        assert not any(secret.encode() in row.content for row in answers)

    def test_what_is_kept_of_a_request_gives_no_password_away(
        self, world: AccessWorld, api: Api
    ) -> None:
        scene = scene_of(world, api, Role.BODY_ADMINISTRATOR)
        account = {"name": "zhao", "password": PASSWORD}
        content = json.dumps(
            {"name": "Zhao Liu", "sign_in": account, "grant": grant_in(tenant_of(NEAR))}
        ).encode()
        headers = {"Idempotency-Key": "people-0001", "Content-Type": "application/json"}
        assert scene("POST", "/v1/people", content=content, headers=headers).status_code == 201
        with world.database.read() as stored:
            [row] = stored.scalars(select(AnsweredRequestRow))
        # A thief who guesses the password right cannot tell without the access key.
        assert row.request_sha256 != digest_of("POST", "/v1/people?", content)
        assert PASSWORD.encode() not in row.content


_OTHER: Mapping[str, dict[str, Any]] = {
    "people": {"name": "Other"},
    "grants": {"valid_until": "2999-01-01T00:00:00Z"},
    "tokens": {"label": "other"},
}


def test_pages_of_people_and_of_acts(world: AccessWorld, api: Api) -> None:
    operator = world.token(world.person("Op", (Role.OPERATOR, INSTALLATION)))
    for number in range(5):
        world.person(f"P{number}", (Role.CLERK, tenant_of(NEAR)))
    seen: list[str] = []
    after: str | None = None
    while True:
        query = "?limit=2" + (f"&after={after}" if after else "")
        page = api("GET", f"/v1/people{query}", operator).json()
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 6
    places: list[int] = []
    before: int | None = None
    while True:
        query = "?limit=4" + (f"&before={before}" if before else "")
        page = api("GET", f"/v1/audit{query}", operator).json()
        places += [item["sequence"] for item in page["items"]]
        before = page["next"]
        if before is None:
            break
    assert places == sorted(places, reverse=True)
    assert places[-1] == 1


def test_everybody_sees_the_acts_of_his_tenants_alone(world: AccessWorld, api: Api) -> None:
    world.person("Far clerk", (Role.CLERK, tenant_of(FAR)))
    auditor = world.token(world.person("Auditor", (Role.AUDITOR, tenant_of(NEAR))))
    accreditor = world.token(world.person("Accreditor", (Role.ACCREDITOR, Tenant.of_party("CN"))))
    clerk = world.token(world.person("Clerk", (Role.CLERK, tenant_of(NEAR))))

    def tenants(token: str) -> set[str]:
        page = api("GET", "/v1/audit?limit=200", token).json()
        return {item["tenant"] for item in page["items"]}

    near, party = tenant_of(NEAR).name, "party:CN"
    assert tenants(auditor) == {near}
    assert {near, party} <= tenants(accreditor)
    assert not any("LA" in name or FAR.id.hex() in name for name in tenants(accreditor))
    assert tenants(clerk) == set()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x"},
        {"name": "x", "grant": {"role": "king", "tenant": "near"}},
        {"name": "x" * 101, "grant": {"role": "clerk", "tenant": "near"}},
        {"name": "x", "grant": {"role": "clerk", "tenant": "near"}, "admin": True},
        {
            "name": "x",
            "grant": {"role": "clerk", "tenant": "near", "valid_until": "2030-01-01T00:00"},
        },
    ],
)
def test_malformed_requests(world: AccessWorld, api: Api, body: dict[str, Any]) -> None:
    scene = scene_of(world, api, Role.BODY_ADMINISTRATOR)
    response = scene("POST", "/v1/people", json=body)
    assert problem(response) == (422, "malformed_request")
    assert len(world.trail("person.add")) == 2


@pytest.mark.parametrize(
    ("name", "code"),
    [("a\u202eb", "invalid_input"), ("a\x00b", "invalid_input"), (" ", "invalid_input")],
)
def test_names_that_cannot_be_shown(world: AccessWorld, api: Api, name: str, code: str) -> None:
    scene = scene_of(world, api, Role.BODY_ADMINISTRATOR)
    body = {"name": name, "grant": grant_in(tenant_of(NEAR))}
    assert problem(scene("POST", "/v1/people", json=body)) == (400, code)


def test_a_password_is_never_echoed(world: AccessWorld, api: Api) -> None:
    response = api("POST", "/v1/sessions", json={"name": 7, "password": "my-secret-word"})
    assert response.status_code == 422
    assert "my-secret-word" not in response.text

"""People with roles at the sample bodies, for tests of desk and API."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from fastapi import FastAPI

from registry.access import service
from registry.access.domain import Role, Tenant
from registry.access.secrets_at_rest import Passwords
from registry.access.service import By, GrantRequest
from registry.kit.actor import Actor
from tests.support.registry_world import World
from tests.support.web import Browser, Html

PASSWORD = "correct horse battery"
OPERATOR = By(Actor("operator"))


@cache
def _password_hash() -> str:
    """Return the hash once; making one is slow on purpose."""
    return Passwords().hash(PASSWORD)


def tenant(world: World, alias: str) -> Tenant:
    """Return the tenant that a sample body is."""
    body = world.bodies[alias]
    return Tenant.of_body(body.id, party=body.party)


def add_person(world: World, name: str, grants: Iterable[tuple[Role, Tenant]]) -> str:
    """Add a person who signs in under his name, and return his id."""
    with world.database.begin() as session:
        person = service.add_person(session, name, by=OPERATOR, at=world.clock())
        service.add_login(
            session, person, by=OPERATOR, at=world.clock(), local=(name, _password_hash())
        )
        for role, where in grants:
            asked = GrantRequest(role=role, tenant=where)
            service.grant(session, person.id, asked, by=OPERATOR, at=world.clock())
    return person.id


def sign_in(app: FastAPI, name: str) -> Browser:
    """Return a browser in which somebody is signed in."""
    browser = Browser(app)
    form = Html(browser.get("/sign-in").text).form("/sign-in")
    response = browser.send(form, {"name": name, "password": PASSWORD})
    assert response.status_code == 200, response.text
    return browser


def bearer(app: FastAPI, name: str) -> dict[str, str]:
    """Return the header of somebody who signs in over the API."""
    secret = app.state.gate.sign_in(name, PASSWORD)
    return {"Authorization": f"Bearer {secret}"}


def call(app: FastAPI, method: str, path: str, **options: Any) -> Any:
    """Call the API without a browser's headers."""
    return Browser(app).request(method, path, **options)

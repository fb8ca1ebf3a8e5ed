"""A registry with two parties, three bodies, and people whose roles tests name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from registry.access import repository, service, tokens
from registry.access.domain import INSTALLATION, Role, Tenant
from registry.access.gate import Gate
from registry.access.models import PersonRow
from registry.access.principal import Principal
from registry.access.secrets_at_rest import AccessKey, Passwords
from registry.access.service import By, GrantRequest
from registry.app import create_app
from registry.audit.domain import Link
from registry.audit.repository import Filter
from registry.audit.service import entries
from registry.bodies.domain import Body
from registry.bodies.service import register_body
from registry.kit.actor import Actor
from registry.kit.database import Database
from registry.parties.domain import Party
from registry.parties.service import register_party
from registry.settings import Settings
from tests.support.registry_database import NOW
from verifier.checks.facts import BodyKind

FOUNDER = By(Actor("Founder"))
PASSWORD = "correct horse battery"
CHEAP = Passwords(time_cost=1, memory_kib=8)


def _body(alias: str, party: str) -> Body:
    return Body(
        alias=alias,
        party=party,
        kind=BodyKind.LABORATORY,
        did=f"did:web:{alias}.example",
        country=party,
        name={"en": alias},
        identifiers={},
        demonstration=True,
    )


NEAR, SISTER, FAR = _body("near", "CN"), _body("sister", "CN"), _body("far", "LA")


def tenant_of(body: Body) -> Tenant:
    return Tenant.of_body(body.id, party=body.party)


def home_of(role: Role) -> Tenant:
    """Return where tests give a role: the near body, its party, or the installation."""
    if role in {Role.ACCREDITOR, Role.OFFICER, Role.PARTNER_AGENCY}:
        return Tenant.of_party("CN")
    return INSTALLATION if role is Role.OPERATOR else tenant_of(NEAR)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@dataclass
class AccessWorld:
    database: Database
    folder: Path
    clock: Clock
    gate: Gate

    def person(
        self, name: str, *grants: tuple[Role, Tenant], responsible: str | None = None
    ) -> PersonRow:
        """Add somebody with roles from now on."""
        at = self.clock()
        with self.database.begin() as session:
            row = service.add_person(session, name, by=FOUNDER, at=at, responsible=responsible)
            for role, tenant in grants:
                asked = GrantRequest(role=role, tenant=tenant)
                service.grant(session, row.id, asked, by=FOUNDER, at=at)
        return row

    def login(self, person: PersonRow, name: str) -> None:
        with self.database.begin() as session:
            local = (name, CHEAP.hash(PASSWORD))
            service.add_login(session, person, by=FOUNDER, at=self.clock(), local=local)

    def token(self, person: PersonRow, *only: str, life: timedelta = timedelta(days=30)) -> str:
        """Make a token that uses these grants, all of them if none is named."""
        return self.new_token(person, *only, life=life).secret

    def new_token(
        self, person: PersonRow, *only: str, life: timedelta = timedelta(days=30)
    ) -> tokens.NewToken:
        with self.database.begin() as session:
            return tokens.create_token(
                session,
                self.gate.key,
                person,
                label="test",
                grants=only or self.grant_ids(person),
                expires_at=self.clock() + life,
                by=FOUNDER,
                at=self.clock(),
            )

    def grant_ids(self, person: PersonRow) -> list[str]:
        with self.database.read() as session:
            grants = repository.grants_in_force(session, person.id, at=self.clock())
            return [grant.id for grant in grants]

    def principal(self, person: PersonRow) -> Principal:
        return self.gate.principal_of(self.token(person))

    def trail(self, action: str | None = None) -> list[Link]:
        """Return the acts of a kind, the oldest first."""
        with self.database.read() as session:
            return entries(session, Filter(action=action))[::-1]


@contextmanager
def access_world(url: str, folder: Path) -> Iterator[AccessWorld]:
    """Yield a world over a migrated, empty database."""
    database, clock = Database(url), Clock()
    with database.begin() as session:
        for party in ("CN", "LA"):
            described = Party(id=party, country=party, name={"en": party})
            register_party(session, described, actor=FOUNDER.actor, at=NOW)
        for body in (NEAR, SISTER, FAR):
            register_body(session, body, actor=FOUNDER.actor, at=NOW)
    gate = Gate(database=database, key=AccessKey(b"k" * 32), passwords=CHEAP, clock=clock)
    try:
        yield AccessWorld(database, folder, clock, gate)
    finally:
        database.dispose()


@dataclass
class Api:
    """Calls the application without a network."""

    app: FastAPI

    def __call__(
        self, method: str, path: str, token: str | None = None, **options: Any
    ) -> httpx.Response:
        headers = {**options.pop("headers", {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"

        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, headers=headers, **options)

        return asyncio.run(call())


def api_of(world: AccessWorld) -> Api:
    """Return the application over the world's database, with its clock and cheap passwords."""
    url = world.database.engine.url.render_as_string(hide_password=False)
    app = create_app(Settings(home=world.folder, database_url=url), clock=world.clock)  # type: ignore[arg-type]
    app.state.gate = replace(app.state.gate, key=world.gate.key, passwords=CHEAP)
    return Api(app)

"""The published description against the application: no input makes the server fail."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error

from registry.access.domain import GRANTED_IN, INSTALLATION, Role, Tenant, TenantKind
from tests.support.desk import add_person, bearer, tenant
from tests.support.registry_world import World, samples
from tests.support.web import make_app

pytestmark = pytest.mark.slow

_EXAMPLES = 12  # of each route by somebody who may do everything: a minute on a small machine
_EXAMPLES_BY_ROLE = 3  # by somebody with one role
_HOMES = {
    TenantKind.BODY: lambda world: tenant(world, "demo-km"),
    TenantKind.PARTY: lambda _: Tenant.of_party("CN"),
    TenantKind.INSTALLATION: lambda _: INSTALLATION,
}


@pytest.fixture
def app(world: World) -> FastAPI:
    china = Tenant.of_party("CN")
    everything = [
        (Role.CLERK, tenant(world, "demo-km")),
        (Role.APPROVER, tenant(world, "demo-km")),
        (Role.BODY_ADMINISTRATOR, tenant(world, "demo-km")),
        (Role.ACCREDITOR, china),
        (Role.OFFICER, china),
        (Role.OPERATOR, INSTALLATION),
    ]
    add_person(world, "everybody", everything)
    world.draft(samples()["documents"][0])
    limits = {"request_burst": 1_000_000, "requests_per_minute": 1_000_000}
    return make_app(world, signer=world.signer, http={**limits, "sign_ins_per_minute": 1_000_000})


def test_no_input_makes_the_server_fail(app: FastAPI) -> None:
    run_as("everybody", app, examples=_EXAMPLES)


@pytest.mark.parametrize("role", Role)
def test_no_input_of_any_role_makes_the_server_fail(world: World, app: FastAPI, role: Role) -> None:
    kind = sorted(GRANTED_IN[role])[0]
    add_person(world, "one", [(role, _HOMES[kind](world))])
    run_as("one", app, examples=_EXAMPLES_BY_ROLE)


def run_as(name: str, app: FastAPI, *, examples: int) -> None:
    description = schemathesis.openapi.from_asgi("/openapi.json", app)
    headers = bearer(app, name)
    failed: list[str] = []
    for found in description.get_all_operations():
        operation = found.ok()
        if operation.path == "/v1/sessions/current":
            continue  # would end the session of the run

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def run(case: Any) -> None:
            response = case.call(headers=headers)
            try:
                case.validate_response(response, checks=(not_a_server_error,))
            except Exception as error:
                failed.append(f"{case.method} {case.path}: {response.status_code} {error}")

        given(case=operation.as_strategy())(run)()
    assert not failed, "\n".join(sorted(set(failed))[:20])

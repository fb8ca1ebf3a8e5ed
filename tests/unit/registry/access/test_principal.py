"""`require`: every role, action and tenant, against the table of the rules."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from registry.access.domain import ALLOWED, INSTALLATION, Action, Grant, Role, Tenant
from registry.access.errors import NotPermittedError
from registry.access.principal import Principal, RefusedError, require
from registry.kit.errors import NotFoundError

AT = datetime(2026, 11, 21, 8, tzinfo=UTC)
BODY = Tenant.of_body(b"a" * 32, party="CN")
SISTER = Tenant.of_body(b"b" * 32, party="CN")
FAR = Tenant.of_body(b"c" * 32, party="LA")
PARTY = Tenant.of_party("CN")
TENANTS = [BODY, SISTER, FAR, PARTY, Tenant.of_party("LA"), INSTALLATION]


class GoneError(NotFoundError):
    code = "gone"


def principal(*grants: tuple[Role, Tenant]) -> Principal:
    return Principal(
        id="me",
        name="Me",
        person="me",
        machine=False,
        grants=tuple(
            Grant(id=str(number), role=role, tenant=tenant, valid_from=AT)
            for number, (role, tenant) in enumerate(grants)
        ),
        means="token:1",
    )


@pytest.mark.parametrize("home", [BODY, PARTY, INSTALLATION], ids=lambda tenant: tenant.kind)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_every_role_action_and_tenant(role: Role, action: Action, home: Tenant) -> None:
    me, missing = principal((role, home)), GoneError("gone")
    for tenant in TENANTS:
        reached = home.covers(tenant)
        if reached and role in ALLOWED[action]:
            require(me, action, tenant, missing=missing)
            assert me.reach(action).has(tenant)
            continue
        assert not me.reach(action).has(tenant)
        with pytest.raises(NotPermittedError if reached else GoneError) as caught:
            require(me, action, tenant, missing=missing)
        cause = caught.value.__cause__
        assert isinstance(cause, RefusedError)
        assert (cause.principal, cause.action, cause.tenant) == (me, action, tenant)


def test_roles_in_two_tenants_do_not_mix() -> None:
    me = principal((Role.CLERK, BODY), (Role.APPROVER, SISTER))
    require(me, Action.CERTIFICATES_APPROVE, SISTER)
    with pytest.raises(NotPermittedError):
        require(me, Action.CERTIFICATES_APPROVE, BODY)
    with pytest.raises(NotFoundError):
        require(me, Action.CERTIFICATES_READ, PARTY)


def test_without_grants_everything_is_foreign() -> None:
    for action in Action:
        with pytest.raises(NotFoundError):
            require(principal(), action, BODY)


def test_acts_are_those_of_the_person() -> None:
    actor = principal().actor
    assert (actor.name, actor.person) == ("Me", "me")

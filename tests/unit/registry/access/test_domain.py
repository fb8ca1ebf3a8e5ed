from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.access.domain import (
    ALLOWED,
    FREE_ATTEMPTS,
    GRANTED_BY,
    GRANTED_IN,
    HUMAN_ROLES,
    INSTALLATION,
    LONGEST_DELAY,
    Action,
    Grant,
    Role,
    Tenant,
    allows,
    knows,
    may_grant,
    refusal_after,
)

AT = datetime(2026, 11, 21, 8, tzinfo=UTC)
BODY = Tenant.of_body(b"a" * 32, party="CN")
SISTER = Tenant.of_body(b"b" * 32, party="CN")
PARTY, OTHER = Tenant.of_party("CN"), Tenant.of_party("LA")
tenants = st.sampled_from([BODY, SISTER, PARTY, OTHER, INSTALLATION])


def grant(role: Role, tenant: Tenant, **changes: object) -> Grant:
    fields: dict[str, object] = {"id": "g", "role": role, "tenant": tenant, "valid_from": AT}
    return Grant(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        (INSTALLATION, BODY, True),
        (INSTALLATION, PARTY, True),
        (PARTY, BODY, True),
        (PARTY, PARTY, True),
        (BODY, BODY, True),
        (BODY, PARTY, False),
        (BODY, SISTER, False),
        (PARTY, OTHER, False),
        (OTHER, BODY, False),
        (PARTY, INSTALLATION, False),
        (BODY, INSTALLATION, False),
    ],
)
def test_tenants_are_nested(outer: Tenant, inner: Tenant, *, expected: bool) -> None:
    assert outer.covers(inner) is expected


def test_names_of_tenants() -> None:
    assert [t.name for t in (BODY, PARTY, INSTALLATION)] == [
        "body:" + "61" * 32,
        "party:CN",
        "installation",
    ]
    with pytest.raises(ValueError, match="party"):
        Tenant(body=bytes(32))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        pytest.param(AT - timedelta(microseconds=1), False, id="before"),
        pytest.param(AT, True, id="first moment counts"),
        pytest.param(AT + timedelta(days=1), False, id="last moment does not"),
    ],
)
def test_a_grant_is_half_open(moment: datetime, *, expected: bool) -> None:
    until = AT + timedelta(days=1)
    assert grant(Role.CLERK, BODY, valid_until=until).in_force(moment) is expected


def test_every_action_and_role_has_its_rule() -> None:
    assert set(ALLOWED) == set(Action)
    assert set(GRANTED_IN) == set(GRANTED_BY) == set(Role)
    assert all(ALLOWED.values())


@given(st.sampled_from(Role), st.sampled_from(Action), tenants, tenants)
def test_allowed_only_inside_the_tenant_and_by_the_role(
    role: Role, action: Action, mine: Tenant, asked: Tenant
) -> None:
    grants = [grant(role, mine)]
    expected = mine.covers(asked) and role in ALLOWED[action]
    assert allows(grants, action, asked) is expected
    assert knows(grants, asked) is mine.covers(asked)
    assert not allows([], action, asked)


def test_nobody_who_runs_the_registry_appoints_or_signs() -> None:
    operator = [grant(Role.OPERATOR, INSTALLATION)]
    for role in (Role.CLERK, Role.APPROVER, Role.BODY_ADMINISTRATOR, Role.OFFICER):
        assert not may_grant(operator, role, BODY)
    for action in Action:
        if action.startswith(("certificates.", "status.", "keys.", "scopes.")):
            assert Role.OPERATOR not in ALLOWED[action]


def test_who_approves_is_a_human() -> None:
    assert Role.APPROVER in HUMAN_ROLES
    assert ALLOWED[Action.CERTIFICATES_APPROVE] <= HUMAN_ROLES
    assert ALLOWED[Action.PEOPLE_MANAGE] <= HUMAN_ROLES


def test_only_approvers_approve() -> None:
    assert ALLOWED[Action.CERTIFICATES_APPROVE] == {Role.APPROVER}


def test_an_administrator_appoints_in_his_body_alone() -> None:
    administrator = [grant(Role.BODY_ADMINISTRATOR, BODY)]
    assert may_grant(administrator, Role.APPROVER, BODY)
    assert not may_grant(administrator, Role.APPROVER, SISTER)
    assert not may_grant(administrator, Role.ACCREDITOR, PARTY)
    assert not may_grant(administrator, Role.OPERATOR, INSTALLATION)


@given(st.integers(0, 10_000))
def test_delays_grow_to_a_limit(attempts: int) -> None:
    delay, following = refusal_after(attempts), refusal_after(attempts + 1)
    assert delay <= following <= LONGEST_DELAY
    assert (delay == timedelta(0)) is (attempts < FREE_ATTEMPTS)

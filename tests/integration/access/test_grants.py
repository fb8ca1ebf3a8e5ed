"""Who gives which role to whom, and where."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from registry.access import repository, service
from registry.access.domain import INSTALLATION, Role, Tenant
from registry.access.errors import (
    GrantExistsError,
    GrantNotFoundError,
    NotPermittedError,
    SelfGrantError,
    UnusableGrantError,
)
from registry.access.models import PersonRow
from registry.access.service import By, GrantRequest
from registry.kit.errors import NotFoundError, RegistryError
from tests.support.access_world import FAR, FOUNDER, NEAR, SISTER, AccessWorld, tenant_of

ADMINISTRATOR = (Role.BODY_ADMINISTRATOR, tenant_of(NEAR))
ACCREDITOR = (Role.ACCREDITOR, Tenant.of_party("CN"))
OPERATOR = (Role.OPERATOR, INSTALLATION)


def give(
    world: AccessWorld,
    person: PersonRow,
    role: Role,
    tenant: Tenant,
    by: PersonRow | None = None,
    **when: object,
) -> None:
    who = FOUNDER if by is None else By.of(world.principal(by))
    asked = GrantRequest(role=role, tenant=tenant, **when)  # type: ignore[arg-type]
    with world.database.begin() as session:
        service.grant(session, person.id, asked, by=who, at=world.clock())


@pytest.mark.parametrize(
    ("giver", "role", "tenant", "error"),
    [
        pytest.param(ADMINISTRATOR, Role.APPROVER, tenant_of(NEAR), None, id="own body"),
        pytest.param(ACCREDITOR, Role.BODY_ADMINISTRATOR, tenant_of(SISTER), None, id="own party"),
        pytest.param(OPERATOR, Role.ACCREDITOR, Tenant.of_party("LA"), None, id="first accreditor"),
        pytest.param(
            ADMINISTRATOR, Role.CLERK, tenant_of(FAR), NotFoundError, id="foreign body is unknown"
        ),
        pytest.param(
            ADMINISTRATOR, Role.CLERK, tenant_of(SISTER), NotFoundError, id="so is a sister"
        ),
        pytest.param(
            ACCREDITOR, Role.APPROVER, tenant_of(NEAR), NotPermittedError, id="not the approver"
        ),
        pytest.param(
            OPERATOR, Role.APPROVER, tenant_of(NEAR), NotPermittedError, id="operators neither"
        ),
        pytest.param(
            (Role.CLERK, tenant_of(NEAR)),
            Role.CLERK,
            tenant_of(NEAR),
            NotPermittedError,
            id="clerks give nothing",
        ),
        pytest.param(ACCREDITOR, Role.OPERATOR, INSTALLATION, NotFoundError, id="nothing above"),
    ],
)
def test_givers(
    world: AccessWorld,
    giver: tuple[Role, Tenant],
    role: Role,
    tenant: Tenant,
    error: type[RegistryError] | None,
) -> None:
    somebody, by = world.person("Wang"), world.person("Giver", giver)
    if error is None:
        give(world, somebody, role, tenant, by)
        assert len(world.grant_ids(somebody)) == 1
        return
    with pytest.raises(error):
        give(world, somebody, role, tenant, by)
    assert world.grant_ids(somebody) == []


def test_nobody_gives_himself_a_role(world: AccessWorld) -> None:
    li = world.person("Li", ADMINISTRATOR)
    with pytest.raises(SelfGrantError):
        give(world, li, Role.APPROVER, tenant_of(NEAR), li)
    with pytest.raises(IntegrityError, match="not_to_oneself"), world.database.begin() as session:
        session.execute(
            text(
                "INSERT INTO role_grants SELECT :id, person_id, 'approver', party_id, body_id,"
                " valid_from, valid_until, 'Li', person_id, granted_at FROM role_grants"
            ),
            {"id": "00000000000000000000000000000001"},
        )


@pytest.mark.parametrize(
    ("role", "tenant"),
    [
        (Role.CLERK, Tenant.of_party("CN")),
        (Role.APPROVER, INSTALLATION),
        (Role.ACCREDITOR, tenant_of(NEAR)),
        (Role.OPERATOR, Tenant.of_party("CN")),
    ],
)
def test_roles_where_they_make_no_sense(world: AccessWorld, role: Role, tenant: Tenant) -> None:
    with pytest.raises(UnusableGrantError):
        give(world, world.person("Wang"), role, tenant)


def test_no_machine_approves(world: AccessWorld) -> None:
    lims = world.person("LIMS", responsible=world.person("Li").id)
    with pytest.raises(UnusableGrantError):
        give(world, lims, Role.APPROVER, tenant_of(NEAR))
    give(world, lims, Role.CLERK, tenant_of(NEAR))


def test_intervals(world: AccessWorld) -> None:
    li, now = world.person("Li"), world.clock()
    day = timedelta(days=1)
    with pytest.raises(UnusableGrantError):
        give(world, li, Role.CLERK, tenant_of(NEAR), valid_until=now)
    give(world, li, Role.CLERK, tenant_of(NEAR), valid_from=now + day, valid_until=now + 2 * day)
    assert world.grant_ids(li) == []
    give(world, li, Role.CLERK, tenant_of(NEAR), valid_until=now + day)
    with pytest.raises(GrantExistsError):
        give(world, li, Role.CLERK, tenant_of(NEAR), valid_from=now + day + day / 2)
    give(world, li, Role.CLERK, tenant_of(NEAR), valid_from=now + 2 * day)
    assert len(world.grant_ids(li)) == 1
    world.clock.now = now + day
    assert len(world.grant_ids(li)) == 1


def test_the_same_role_twice_at_the_same_moment(world: AccessWorld) -> None:
    li, outcomes = world.person("Li"), list[str]()

    def work() -> None:
        try:
            give(world, li, Role.CLERK, tenant_of(NEAR))
        except GrantExistsError:
            outcomes.append("late")
        else:
            outcomes.append("given")

    second = threading.Thread(target=work)
    with world.database.begin() as session:
        asked = GrantRequest(role=Role.CLERK, tenant=tenant_of(NEAR))
        service.grant(session, li.id, asked, by=FOUNDER, at=world.clock())
        second.start()
        second.join(timeout=0.5)
        assert outcomes == []  # it waits for the first to end
    second.join()
    assert outcomes == ["late"]


class TestRevoking:
    def grant_of(self, world: AccessWorld, person: PersonRow) -> str:
        return world.grant_ids(person)[0]

    def revoke(self, world: AccessWorld, grant: str, by: PersonRow | None = None) -> None:
        who = FOUNDER if by is None else By.of(world.principal(by))
        with world.database.begin() as session:
            service.revoke_grant(session, grant, by=who, at=world.clock())

    def test_it_ends_at_once_and_stays_in_the_history(self, world: AccessWorld) -> None:
        li = world.person("Li", (Role.CLERK, tenant_of(NEAR)))
        grant = self.grant_of(world, li)
        world.clock.forward(hours=1)
        self.revoke(world, grant)
        self.revoke(world, grant)
        assert world.grant_ids(li) == []
        with world.database.read() as session:
            [row] = repository.grants_of(session, li.id)
        assert row.valid_until == world.clock.now
        assert len(world.trail("grant.revoke")) == 1

    def test_one_that_has_not_begun(self, world: AccessWorld) -> None:
        li = world.person("Li")
        later = world.clock() + timedelta(days=1)
        give(world, li, Role.CLERK, tenant_of(NEAR), valid_from=later)
        with world.database.read() as session:
            [row] = repository.grants_of(session, li.id)
        self.revoke(world, row.id)
        world.clock.now = later
        assert world.grant_ids(li) == []

    def test_foreign_ones_are_unknown_and_others_not_his(self, world: AccessWorld) -> None:
        administrator = world.person("Admin", ADMINISTRATOR)
        far = world.person("Far", (Role.CLERK, tenant_of(FAR)))
        with pytest.raises(GrantNotFoundError):
            self.revoke(world, self.grant_of(world, far), administrator)
        clerk = world.person("Clerk", (Role.CLERK, tenant_of(NEAR)))
        with pytest.raises(NotPermittedError):
            self.revoke(world, self.grant_of(world, clerk), clerk)
        self.revoke(world, self.grant_of(world, clerk), administrator)
        with pytest.raises(GrantNotFoundError):
            self.revoke(world, "00000000-0000-0000-0000-000000000000")

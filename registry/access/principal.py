"""The one who asks, and the one function that says whether he may."""

from __future__ import annotations

from dataclasses import dataclass

from registry.access.domain import (
    ALLOWED,
    Action,
    Grant,
    Reach,
    Tenant,
    TenantKind,
    allows,
    knows,
)
from registry.access.errors import NotPermittedError
from registry.kit.actor import Actor
from registry.kit.errors import NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A person or machine client whose identity was proved.

    Attributes:
        id: Id of the person or machine client.
        name: As shown in histories.
        person: Id of the human who answers for the acts: the person himself, or who is
            responsible for the machine client. Maker and approver are compared by it.
        machine: Whether it is a machine client.
        grants: Grants in force at the moment of the request, narrowed to those of the token.
        means: How identity was proved: `session:<id>`, `token:<id>`.
    """

    id: str
    name: str
    person: str
    machine: bool
    grants: tuple[Grant, ...]
    means: str

    @property
    def actor(self) -> Actor:
        """The principal as acts record him."""
        return Actor(self.name, key=self.person)

    def reach(self, action: Action) -> Reach:
        """Return where the principal may do `action`, to select rows by."""
        tenants = [grant.tenant for grant in self.grants if grant.role in ALLOWED[action]]
        return Reach(
            everywhere=any(tenant.kind is TenantKind.INSTALLATION for tenant in tenants),
            parties=frozenset(
                tenant.party
                for tenant in tenants
                if tenant.kind is TenantKind.PARTY and tenant.party is not None
            ),
            bodies=frozenset(tenant.body for tenant in tenants if tenant.body is not None),
        )


class RefusedError(Exception):
    """The cause behind an error that `require` raises; the audit trail records it.

    Attributes:
        principal: Who asked.
        action: What for.
        tenant: Where.
    """

    def __init__(self, principal: Principal, action: Action, tenant: Tenant) -> None:
        super().__init__(f"{action} in {tenant.name}")
        self.principal = principal
        self.action = action
        self.tenant = tenant


def require(
    principal: Principal,
    action: Action,
    tenant: Tenant,
    *,
    missing: NotFoundError | None = None,
) -> None:
    """Refuse what the principal may not do; every route and page asks here, and nowhere else.

    Args:
        principal: Who asks.
        action: What he is about to do.
        tenant: Whose object it is.
        missing: What the route answers for an object that does not exist; a foreign one gets
            the very same answer, so that nobody learns that it exists.

    Raises:
        NotFoundError: `missing`: the tenant is foreign to the principal.
        NotPermittedError: The tenant is his, the action is not.
    """
    if allows(principal.grants, action, tenant):
        return
    cause = RefusedError(principal, action, tenant)
    if not knows(principal.grants, tenant):
        raise (missing or NotFoundError("there is no such thing")) from cause
    raise NotPermittedError(f"none of your roles allows {action}") from cause

"""Who may do what for whom: roles, tenants, grants and actions. Pure.

A *tenant* is on whose behalf something is done: a body, a party, or the installation as a whole. A
*grant* gives a person one role in one tenant for a time. Tenants are nested: a grant of a party
reaches the bodies of that party, one of the installation reaches everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What somebody is to a tenant."""

    CLERK = "clerk"
    APPROVER = "approver"
    BODY_ADMINISTRATOR = "body_administrator"
    ACCREDITOR = "accreditor"
    OFFICER = "officer"
    PARTNER_AGENCY = "partner_agency"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class Action(StrEnum):
    """What can be done. Codes are part of the audit trail; never renamed."""

    CERTIFICATES_READ = "certificates.read"
    CERTIFICATES_DRAFT = "certificates.draft"  # import, edit, submit, delete a draft
    CERTIFICATES_APPROVE = "certificates.approve"  # or return with remarks
    CERTIFICATES_SIGN = "certificates.sign"
    CERTIFICATES_RELEASE = "certificates.release"  # decide on a view for a destination
    CERTIFICATES_DELIVER = "certificates.deliver"  # fetch what the holder receives
    VIEWS_READ = "views.read"  # what was released for a destination; its tenant is that party
    STATUS_ORDER = "status.order"  # revoke, suspend, resume
    BODIES_READ = "bodies.read"
    BODIES_REGISTER = "bodies.register"
    SCOPES_PUBLISH = "scopes.publish"
    KEYS_REGISTER = "keys.register"
    PARTIES_READ = "parties.read"
    PARTIES_REGISTER = "parties.register"
    PEOPLE_READ = "people.read"
    PEOPLE_MANAGE = "people.manage"  # add people and machine clients, grant and revoke
    AUDIT_READ = "audit.read"
    OPERATIONS_READ = "operations.read"  # queue, batches, ledger writes


class TenantKind(StrEnum):
    """What sort of tenant it is."""

    BODY = "body"
    PARTY = "party"
    INSTALLATION = "installation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """On whose behalf something is done.

    Attributes:
        party: Party id; that of its party for a body, None for the installation.
        body: 32-byte body id, None for a party and the installation.

    Raises:
        ValueError: On construction, when a body comes without its party.
    """

    party: str | None = None
    body: bytes | None = None

    def __post_init__(self) -> None:
        if self.body is not None and self.party is None:
            raise ValueError("a body belongs to a party")

    @classmethod
    def of_body(cls, body: bytes, *, party: str) -> Tenant:
        """Return the tenant that a body is."""
        return cls(party=party, body=body)

    @classmethod
    def of_party(cls, party: str) -> Tenant:
        """Return the tenant that a party is."""
        return cls(party=party)

    @property
    def kind(self) -> TenantKind:
        """What sort of tenant it is."""
        if self.body is not None:
            return TenantKind.BODY
        return TenantKind.INSTALLATION if self.party is None else TenantKind.PARTY

    @property
    def name(self) -> str:
        """The tenant in one word, as recorded: `body:<hex>`, `party:CN` or `installation`."""
        if self.body is not None:
            return f"{TenantKind.BODY}:{self.body.hex()}"
        return TenantKind.INSTALLATION if self.party is None else f"{TenantKind.PARTY}:{self.party}"

    def covers(self, other: Tenant) -> bool:
        """Tell whether `other` is this tenant or inside it."""
        if self.party is None:
            return True
        return self.party == other.party and self.body in (None, other.body)


INSTALLATION: Final = Tenant()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A role of one person in one tenant on [valid_from, valid_until).

    Attributes:
        id: Random id.
        role: What the person is.
        tenant: For whom.
        valid_from: First moment.
        valid_until: First moment after it, None while open.
    """

    id: str
    role: Role
    tenant: Tenant
    valid_from: datetime
    valid_until: datetime | None = None

    def in_force(self, at: datetime) -> bool:
        """Tell whether the grant counts at `at`."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Tenants in which something is allowed.

    Attributes:
        everywhere: All of them; the other two do not matter.
        parties: Parties with all of their bodies.
        bodies: Single bodies, by 32-byte id.
    """

    everywhere: bool
    parties: frozenset[str]
    bodies: frozenset[bytes]

    def has(self, tenant: Tenant) -> bool:
        """Tell whether a tenant is among them."""
        return self.everywhere or tenant.party in self.parties or tenant.body in self.bodies


_R = Role
_BODY_STAFF: Final = frozenset({_R.CLERK, _R.APPROVER, _R.BODY_ADMINISTRATOR})
_AUTHORITY: Final = frozenset({_R.ACCREDITOR, _R.OFFICER})
_LOOKING: Final = frozenset({_R.AUDITOR, _R.OPERATOR})

ALLOWED: Final[Mapping[Action, frozenset[Role]]] = MappingProxyType(
    {
        Action.CERTIFICATES_READ: _BODY_STAFF | _AUTHORITY | {_R.AUDITOR},
        Action.CERTIFICATES_DRAFT: frozenset({_R.CLERK, _R.APPROVER}),
        Action.CERTIFICATES_APPROVE: frozenset({_R.APPROVER}),
        Action.CERTIFICATES_SIGN: frozenset({_R.APPROVER}),
        Action.CERTIFICATES_RELEASE: frozenset({_R.APPROVER, _R.BODY_ADMINISTRATOR, _R.OFFICER}),
        Action.CERTIFICATES_DELIVER: _BODY_STAFF | {_R.OFFICER},
        Action.VIEWS_READ: frozenset({_R.PARTNER_AGENCY, _R.OFFICER, _R.AUDITOR}),
        Action.STATUS_ORDER: _AUTHORITY | {_R.APPROVER, _R.BODY_ADMINISTRATOR},
        Action.BODIES_READ: _BODY_STAFF | _AUTHORITY | _LOOKING,
        Action.BODIES_REGISTER: frozenset({_R.ACCREDITOR}),
        Action.SCOPES_PUBLISH: frozenset({_R.ACCREDITOR}),
        Action.KEYS_REGISTER: frozenset({_R.BODY_ADMINISTRATOR, _R.ACCREDITOR}),
        Action.PARTIES_READ: _AUTHORITY | _LOOKING | {_R.PARTNER_AGENCY},
        Action.PARTIES_REGISTER: frozenset({_R.OPERATOR}),
        Action.PEOPLE_READ: _LOOKING | {_R.BODY_ADMINISTRATOR, _R.ACCREDITOR},
        Action.PEOPLE_MANAGE: frozenset({_R.BODY_ADMINISTRATOR, _R.ACCREDITOR, _R.OPERATOR}),
        Action.AUDIT_READ: _LOOKING | {_R.BODY_ADMINISTRATOR, _R.ACCREDITOR},
        Action.OPERATIONS_READ: _LOOKING,
    }
)
"""Roles that may do each action in their tenants. What is not listed is forbidden."""

GRANTED_IN: Final[Mapping[Role, frozenset[TenantKind]]] = MappingProxyType(
    {
        _R.CLERK: frozenset({TenantKind.BODY}),
        _R.APPROVER: frozenset({TenantKind.BODY}),
        _R.BODY_ADMINISTRATOR: frozenset({TenantKind.BODY}),
        _R.ACCREDITOR: frozenset({TenantKind.PARTY}),
        _R.OFFICER: frozenset({TenantKind.PARTY}),
        _R.PARTNER_AGENCY: frozenset({TenantKind.PARTY}),
        _R.AUDITOR: frozenset(TenantKind),
        _R.OPERATOR: frozenset({TenantKind.INSTALLATION}),
    }
)
"""Kinds of tenant in which a role makes sense."""

GRANTED_BY: Final[Mapping[Role, frozenset[Role]]] = MappingProxyType(
    {
        _R.CLERK: frozenset({_R.BODY_ADMINISTRATOR}),
        _R.APPROVER: frozenset({_R.BODY_ADMINISTRATOR}),
        _R.BODY_ADMINISTRATOR: frozenset({_R.BODY_ADMINISTRATOR, _R.ACCREDITOR}),
        _R.ACCREDITOR: frozenset({_R.ACCREDITOR, _R.OPERATOR}),
        _R.OFFICER: frozenset({_R.ACCREDITOR}),
        _R.PARTNER_AGENCY: frozenset({_R.ACCREDITOR}),
        _R.AUDITOR: frozenset({_R.BODY_ADMINISTRATOR, _R.ACCREDITOR, _R.OPERATOR}),
        _R.OPERATOR: frozenset({_R.OPERATOR}),
    }
)
"""Who gives a role, in the tenant or one around it. An operator appoints nobody who signs."""

FREE_ATTEMPTS: Final = 5
FIRST_DELAY: Final = timedelta(seconds=30)
LONGEST_DELAY: Final = timedelta(minutes=15)
_MAX_DOUBLINGS: Final = 10

HUMAN_ROLES: Final = frozenset({_R.APPROVER, _R.BODY_ADMINISTRATOR, _R.ACCREDITOR, _R.OPERATOR})
"""Roles whose acts need somebody's judgement; no machine client holds one."""


def allows(grants: Iterable[Grant], action: Action, tenant: Tenant) -> bool:
    """Tell whether one of the grants, all in force, allows `action` in `tenant`."""
    return any(grant.role in ALLOWED[action] and grant.tenant.covers(tenant) for grant in grants)


def knows(grants: Iterable[Grant], tenant: Tenant) -> bool:
    """Tell whether one of the grants, all in force, reaches `tenant`; otherwise it is foreign."""
    return any(grant.tenant.covers(tenant) for grant in grants)


def may_grant(grants: Iterable[Grant], role: Role, tenant: Tenant) -> bool:
    """Tell whether one of the grants, all in force, lets its owner give `role` in `tenant`."""
    return any(grant.role in GRANTED_BY[role] and grant.tenant.covers(tenant) for grant in grants)


def refusal_after(failed_attempts: int) -> timedelta:
    """Return how long an account takes no password after so many failures in a row.

    Free for the first few, then doubling up to a quarter of an hour: a guesser gets about a
    hundred tries a day, and nobody can lock the owner out for longer.
    """
    beyond = failed_attempts - FREE_ATTEMPTS
    if beyond < 0:
        return timedelta(0)
    return min(FIRST_DELAY * (1 << min(beyond, _MAX_DOUBLINGS)), LONGEST_DELAY)
